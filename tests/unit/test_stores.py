"""The store of input pictures, the gallery's listing and its thumbnails, hashes, resources."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from sdstudio.domain.errors import StorageError, UnreadableFile
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.gallery import PictureFile, Thumbnails, list_pictures, picture_file
from sdstudio.storage.hashes import HashCache, sha256_of
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.pictures import encode_png, load_picture
from sdstudio.storage.resource_check import check_resources, safetensors_whole
from sdstudio.storage.resources import resource_path
from tests.helpers.scripted_engine import plain_picture

TRANSPARENT = ImageBuffer(np.random.default_rng(2).integers(0, 256, (5, 6, 4), dtype=np.uint8))


def test_the_store_gives_back_the_very_pixels(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    known = store.add(TRANSPARENT)
    assert (known.sha256, known.width, known.height) == (TRANSPARENT.sha256(), 6, 5)
    assert store.add(TRANSPARENT) == known
    assert ImageStore(tmp_path).load(known.sha256) == TRANSPARENT
    assert len(list(tmp_path.rglob("*.*"))) == 1


def test_the_store_proves_what_it_gives(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    known = store.add(TRANSPARENT)
    (file,) = tmp_path.rglob("*.png")
    file.write_bytes(encode_png(plain_picture(5, 6, 3)))
    with pytest.raises(UnreadableFile, match="changed"):
        store.load(known.sha256)
    file.unlink()
    with pytest.raises(UnreadableFile, match="not in the store"):
        store.load(known.sha256)
    for name in ("../../etc/passwd", "", "AB" * 32):
        with pytest.raises(UnreadableFile, match="not the hash"):
            store.load(name)


def put(folder: Path, name: str, mtime: int, seed: int = 1) -> Path:
    path = folder / name
    path.write_bytes(encode_png(plain_picture(40, 20, seed)))
    os.utime(path, ns=(mtime, mtime))
    return path


def test_the_newest_pictures_come_first(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, f"{number}.png", mtime=number * 10**9)
    put(tmp_path, "upper.PNG", 10**12)
    put(tmp_path, ".hidden.png", 10**12)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "folder.png").mkdir()
    if os.name != "nt":
        (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    found = list_pictures(tmp_path, limit=3)
    assert [picture.path.name for picture in found] == ["upper.PNG", "4.png", "3.png"]
    assert found[1] == picture_file(tmp_path / "4.png")
    assert list_pictures(tmp_path / "missing") == []
    with pytest.raises(StorageError, match="could not be read"):
        list_pictures(tmp_path / "notes.txt")


def test_thumbnails_are_kept_until_the_picture_changes(tmp_path: Path) -> None:
    picture = put(tmp_path, "a.png", 10**9, seed=1)
    thumbnails = Thumbnails(tmp_path / "cache")
    first = thumbnails.get(picture_file(picture), 16)
    assert (first.size.width, first.size.height) == (16, 8)
    (cached,) = (tmp_path / "cache").rglob("*.png")
    stamp = cached.stat().st_mtime_ns
    assert thumbnails.get(picture_file(picture), 16) == first
    assert cached.stat().st_mtime_ns == stamp
    put(tmp_path, "a.png", 2 * 10**9, seed=200)
    assert thumbnails.get(picture_file(picture), 16) != first
    cached.write_bytes(b"damaged")
    assert thumbnails.get(PictureFile(picture, 10**9, stamp), 16).size.width == 16


def test_a_damaged_thumbnail_is_made_again_and_an_unwritable_cache_does_no_harm(tmp_path: Path) -> None:
    picture = picture_file(put(tmp_path, "a.png", 10**9))
    thumbnails = Thumbnails(tmp_path / "cache")
    first = thumbnails.get(picture, 16)
    (cached,) = (tmp_path / "cache").rglob("*.png")
    cached.write_bytes(b"damaged")
    assert thumbnails.get(picture, 16) == first
    assert load_picture(cached) == first
    (tmp_path / "file").write_bytes(b"")
    assert Thumbnails(tmp_path / "file").get(picture, 16) == first


def test_hashes_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"abc")
    file = tmp_path / "cache" / "hashes.json"
    assert HashCache(file).short_hash(weights) == "ba7816bf8f"
    with monkeypatch.context() as patch:
        patch.setattr("sdstudio.storage.hashes.sha256_of", lambda _: pytest.fail("computed again"))
        assert HashCache(file).short_hash(weights) == "ba7816bf8f"
    weights.write_bytes(b"abcd")
    assert HashCache(file).short_hash(weights) == sha256_of(weights)[:10]
    for damaged in (b"[", b"[]", json.dumps({str(weights): 3}).encode()):
        file.write_bytes(damaged)
        assert HashCache(file).short_hash(weights) == sha256_of(weights)[:10]


@pytest.mark.expects_log("could not be kept")
def test_hashes_that_cannot_be_kept_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    hashes = HashCache(tmp_path / "file" / "hashes.json")
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
        assert hashes.short_hash(tmp_path / name) == sha256_of(tmp_path / name)[:10]
    assert ["could not be kept" in record.message for record in caplog.records] == [True]


def safetensors(length: int) -> bytes:
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(length)


def test_a_cut_safetensors_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for content, whole in (
        (safetensors(4), True),
        (safetensors(3), False),
        (safetensors(5), False),
        (b"version https://git-lfs.github.com/spec/v1\n", False),
        (b"", False),
        (struct.pack("<Q", 2**60), False),
    ):
        path.write_bytes(content)
        assert safetensors_whole(path) is whole


def test_our_own_resources_are_whole() -> None:
    assert check_resources(resource_path("models").parent) == []


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no/such"):
        resource_path("no/such")
