"""Exported pictures: what others see in them, and nothing half written."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.errors import InvalidRequest, StorageError
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.metadata import PictureRecord, write_parameters
from sdstudio.domain.request import PromptSpec
from sdstudio.storage.export import export, onto_white
from sdstudio.storage.picture_texts import read_texts
from sdstudio.storage.pictures import load_picture
from tests.helpers.requests import generation
from tests.helpers.sources import ROOT

RNG = np.random.default_rng(4)
NOISE = ImageBuffer(RNG.integers(0, 256, (31, 40, 4), dtype=np.uint8))
FLAT = ImageBuffer(np.full((16, 16, 4), (200, 100, 50, 128), np.uint8))


def record(prompt: str = "a cat, ünïcode 日本") -> PictureRecord:
    request = replace(generation(), prompt=PromptSpec(positive=prompt))
    return PictureRecord(request=request, seconds=1.25, app_version="0.1")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".JPEG"])
def test_profile_and_settings_are_in_every_format(tmp_path: Path, suffix: str) -> None:
    path = export(NOISE, tmp_path / f"a{suffix}", settings=record())
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "srgb" in ImageCms.getProfileDescription(profile).lower()
    texts = read_texts(path)
    text = texts["parameters" if suffix == ".png" else "UserComment"]
    assert text == write_parameters(record())
    assert read_metadata(texts).request["prompt"] == "a cat, ünïcode 日本"
    plain = export(NOISE, tmp_path / f"b{suffix}")
    assert not {"parameters", "sdstudio", "UserComment"} & set(read_texts(plain))


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_lossless_formats_lose_nothing(tmp_path: Path, suffix: str) -> None:
    assert load_picture(export(NOISE, tmp_path / f"a{suffix}")) == NOISE
    opaque = ImageBuffer.from_rgb(NOISE.rgb.copy())
    assert load_picture(export(opaque, tmp_path / f"b{suffix}")) == opaque


def test_jpeg_is_on_white_and_quality_counts(tmp_path: Path) -> None:
    expected = np.rint(np.array([200, 100, 50]) * 128 / 255 + 255 * 127 / 255)
    assert onto_white(FLAT.pixels)[0, 0].tolist() == expected.tolist()
    seen = load_picture(export(FLAT, tmp_path / "a.jpg", quality=100)).pixels[8, 8]
    assert np.abs(seen[:3] - expected).max() <= 2 and seen[3] == 255
    for suffix in (".jpg", ".webp"):
        small = export(NOISE, tmp_path / f"small{suffix}", quality=10, lossless=False)
        large = export(NOISE, tmp_path / f"large{suffix}", quality=98, lossless=False)
        assert small.stat().st_size < large.stat().st_size


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = export(NOISE, tmp_path / "a.png")
    assert export(FLAT, path).name == "a-2.png"
    assert load_picture(path) == NOISE
    assert export(FLAT, path, overwrite=True) == path
    assert load_picture(path) == FLAT


def test_what_a_format_cannot_hold_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"\.bmp"):
        export(NOISE, tmp_path / "a.bmp")
    wide = ImageBuffer(np.zeros((1, 16384, 4), np.uint8))
    with pytest.raises(StorageError, match="16,383"):
        export(wide, tmp_path / "a.webp")
    with pytest.raises(StorageError, match="too long"):
        export(NOISE, tmp_path / "a.jpg", settings=record("x" * 40_000))
    export(NOISE, tmp_path / "a.png", settings=record("x" * 40_000))
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_and_a_forbidden_folder_leave_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    path = export(NOISE, tmp_path / "a.png")
    before = path.read_bytes()
    for number, words in ((errno.ENOSPC, "is full"), (errno.EROFS, "may not write"), (errno.EIO, "could be written")):
        with monkeypatch.context() as patch:

            def refuse(_: int, number: int = number) -> None:
                raise OSError(number, os.strerror(number))

            patch.setattr(os, "fsync", refuse)
            with pytest.raises(StorageError, match=words):
                export(FLAT, path, overwrite=overwrite)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from sdstudio.domain.canvas_state import *
from sdstudio.domain.errors import StorageError
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.export import export
from sdstudio.storage.ora import save_ora
from sdstudio.storage.tile_pixels import tiles_of
pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 4), dtype=np.uint8)
picture = LayerState(info=LayerInfo(id="picture", kind=LayerKind.PICTURE), tiles=tiles_of(pixels, 0, 0, Size(300, 300)))
snapshot = CanvasSnapshot(name="a", source="", state=CanvasState(size=Size(300, 300), layers=(picture,)))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
for save in (lambda: export(ImageBuffer(pixels), folder / "a.png"), lambda: save_ora(snapshot, folder / "a.ora")):
    try:
        save()
    except StorageError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_file_that_the_system_stops_in_the_middle_is_not_there(tmp_path: Path) -> None:
    """The limit on a file's size stops the writing as a full disk does: after the first part."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("Nothing could be written") == 2, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
