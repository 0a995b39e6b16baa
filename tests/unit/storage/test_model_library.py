"""The library of model files: other programs' folders in place, a second look only at what changed, hashes kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
from pathlib import Path

import pytest

from sdstudio.domain.model_file import FileHashes, ModelFile, ModelRole, Verdict
from sdstudio.storage.model_hashes import BackgroundHasher, ModelHashes, hash_file
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_layouts import model_folders
from sdstudio.storage.model_library import ModelLibrary
from tests.helpers import model_families as families
from tests.helpers.model_files import write_folder, write_safetensors

LORA = families.lora(768)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lora(path: Path) -> Path:
    return write_safetensors(path, LORA)


@pytest.fixture
def index(tmp_path: Path) -> ModelIndex:
    return ModelIndex(tmp_path / "cache" / "models.sqlite")


def names(models: tuple[ModelFile, ...]) -> list[str]:
    return [model.name for model in models]


def test_models_come_by_name_and_are_looked_at_once(tmp_path: Path, index: ModelIndex) -> None:
    lora(tmp_path / "m" / "sub" / "zebra.safetensors")
    lora(tmp_path / "m" / "Apple.safetensors")
    (tmp_path / "m" / "note.txt").write_text("no model")
    (tmp_path / "m" / "page.ckpt").write_text("<html>")
    write_folder(tmp_path / "m" / "diff", config={"in_channels": 4, "cross_attention_dim": 768})
    library = ModelLibrary(index, [tmp_path / "m", tmp_path / "missing"])
    first = library.scan()
    assert names(first.models) == ["Apple", "diff", "page", "zebra"] and first.looked_at == 4
    again = ModelLibrary(index, [tmp_path / "m"]).scan()
    assert again.looked_at == 0 and again.models == first.models


def test_only_what_changed_is_looked_at_again(tmp_path: Path, index: ModelIndex) -> None:
    a, b = lora(tmp_path / "m" / "a.safetensors"), lora(tmp_path / "m" / "b.safetensors")
    library = ModelLibrary(index, [tmp_path / "m"])
    library.scan()
    a.write_bytes(b"")
    assert library.scan().looked_at == 1
    (tmp_path / "m" / "b.preview.png").write_bytes(b"png")
    scan = library.scan()
    assert scan.looked_at == 1 and scan.models[1].side_car.thumbnail.endswith("b.preview.png")
    b.unlink()
    assert names(library.scan().models) == ["a"]
    assert list(index.rows()) == [str(a)]


def test_a_part_of_a_folder_is_looked_at_when_it_is_replaced(tmp_path: Path, index: ModelIndex) -> None:
    folder = write_folder(tmp_path / "m" / "diff", config={"in_channels": 4})
    library = ModelLibrary(index, [tmp_path / "m"])
    assert not library.scan().models[0].refused
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    (model,) = library.scan().models
    assert model.refused and "an empty file" in model.reason


def test_other_folders_stay_in_the_index(tmp_path: Path, index: ModelIndex) -> None:
    lora(tmp_path / "one" / "a.safetensors")
    lora(tmp_path / "two" / "b.safetensors")
    library = ModelLibrary(index, [tmp_path / "one"])
    library.scan()
    assert names(library.scan([tmp_path / "two"]).models) == ["b"]
    assert len(index.rows()) == 2 and library.scan().looked_at == 0


def test_a_cancelled_scan_keeps_what_it_found(tmp_path: Path, index: ModelIndex) -> None:
    for name in "abc":
        lora(tmp_path / "m" / f"{name}.safetensors")
    library = ModelLibrary(index, [tmp_path / "m"])
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    assert len(library.scan(cancelled=cancelled).models) < 3
    assert 0 < len(index.rows()) < 3


@pytest.mark.expects_log
@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"\1" * 4000])
def test_a_damaged_index_costs_time_only(tmp_path: Path, index: ModelIndex, content: bytes) -> None:
    lora(tmp_path / "m" / "a.safetensors")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models.sqlite").write_bytes(content)
    library = ModelLibrary(index, [tmp_path / "m"])
    assert names(library.scan().models) == ["a"]
    assert library.scan().looked_at in (0, 1)


@pytest.mark.expects_log("no index of models")
def test_without_a_place_for_the_index_models_are_found_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file in the way")
    lora(tmp_path / "m" / "a.safetensors")
    library = ModelLibrary(ModelIndex(tmp_path / "cache" / "models.sqlite"), [tmp_path / "m"])
    assert names(library.scan().models) == ["a"]


def test_foreign_rows_and_older_rules_are_looked_at_again(tmp_path: Path, index: ModelIndex) -> None:
    lora(tmp_path / "m" / "a.safetensors")
    library = ModelLibrary(index, [tmp_path / "m"])
    library.scan()
    database = sqlite3.connect(tmp_path / "cache" / "models.sqlite")
    with database:
        database.execute("UPDATE file SET record = '{}'")
    assert library.scan().looked_at == 1
    with database:
        database.execute("PRAGMA user_version = 0")
    database.close()
    assert library.scan().looked_at == 1 and library.scan().looked_at == 0


# -- folders of other programs ----------------------------------------------------------------------------------------


def test_a1111(tmp_path: Path, index: ModelIndex) -> None:
    lora(tmp_path / "models" / "Lora" / "fine.safetensors")
    (tmp_path / "models" / "Stable-diffusion").mkdir()
    write_safetensors(tmp_path / "embeddings" / "bad.safetensors", {"emb_params": (1, 768)})
    lora(tmp_path / "outputs" / "not a model.safetensors")
    scan = ModelLibrary(index, [tmp_path]).scan()
    assert [model.role for model in scan.models] == [ModelRole.TEXTUAL_INVERSION, ModelRole.LORA]


def test_comfyui_and_its_further_paths(tmp_path: Path, index: ModelIndex) -> None:
    comfy, other = tmp_path / "ComfyUI", tmp_path / "webui"
    (comfy / "models" / "checkpoints").mkdir(parents=True)
    lora(comfy / "models" / "loras" / "a.safetensors")
    lora(comfy / "custom_nodes" / "x" / "no.safetensors")
    lora(other / "models" / "Lora" / "b.safetensors")
    lora(other / "models" / "LyCORIS" / "c.safetensors")
    (comfy / "extra_model_paths.yaml").write_text(
        "a111:\n    base_path: ../webui/\n    loras: |\n        models/Lora\n        models/LyCORIS\n"
        "    vae: missing\n    odd: 3\n"
    )
    assert names(ModelLibrary(index, [comfy]).scan().models) == ["a", "b", "c"]


def test_invokeai_and_plain_folders(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    assert model_folders(tmp_path) == [tmp_path]
    (tmp_path / "invokeai.yaml").write_text("")
    assert model_folders(tmp_path) == [tmp_path / "models"]


links = pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right on Windows")


@links
def test_the_hugging_face_cache(tmp_path: Path, index: ModelIndex) -> None:
    repository = tmp_path / "hub" / "models--someone--fine"
    real = write_folder(tmp_path / "made", config={"in_channels": 4})
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    for number, file in enumerate(sorted(path for path in real.rglob("*") if path.is_file())):
        blob = repository / "blobs" / str(number)
        file.rename(blob)
        link = snapshot / file.relative_to(real)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (model,) = ModelLibrary(index, [tmp_path / "hub"]).scan().models
    assert (model.name, model.refused, model.path) == ("fine", False, str(snapshot)), model.reason


@links
def test_links_between_folders(tmp_path: Path, index: ModelIndex) -> None:
    lora(tmp_path / "disk" / "a.safetensors")
    (tmp_path / "m" / "inner").mkdir(parents=True)
    (tmp_path / "m" / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "m" / "inner" / "circle").symlink_to(tmp_path / "m")
    (tmp_path / "m" / "b.safetensors").symlink_to(tmp_path / "disk" / "a.safetensors")
    (model,) = ModelLibrary(index, [tmp_path / "m"]).scan().models
    assert (model.name, model.verdict) == ("b", Verdict.UNREACHABLE)
    both = ModelLibrary(index, [tmp_path / "m", tmp_path / "disk"]).scan().models
    assert names(both) == ["a", "b"] and not any(found.refused for found in both)


# -- hashes -----------------------------------------------------------------------------------------------------------


def test_hashes_are_those_of_a1111(tmp_path: Path) -> None:
    data = bytes(number % 251 for number in range(0x120000))
    (tmp_path / "a").write_bytes(data)
    hashes = hash_file(tmp_path / "a")
    assert hashes == FileHashes(
        hashlib.sha256(data).hexdigest(), hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8]
    )
    assert hashes is not None and hashes.short == hashes.sha256[:10]
    (tmp_path / "b").write_bytes(b"short")
    assert hash_file(tmp_path / "b") == FileHashes(hashlib.sha256(b"short").hexdigest())
    assert hash_file(tmp_path / "a", lambda: True) is None


@pytest.mark.parametrize("length", [10, 5 * 2**20])
def test_of_what_could_be_a_lora_the_weights_are_hashed_alone(tmp_path: Path, length: int) -> None:
    """A1111 names LoRAs so: their notes can be edited. Also where the header is longer than what is read at once."""
    header, data = b"{" + b" " * (length - 2) + b"}", bytes(range(256)) * 5000
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    hashes = hash_file(path)
    assert hashes is not None and hashes.weights == hashlib.sha256(data).hexdigest()
    assert hashes.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for damaged in (b"", b"short", (2**63).to_bytes(8, "little") + data):
        path.write_bytes(damaged)
        hashes = hash_file(path)
        assert hashes is not None and hashes.weights == ""
    with path.open("wb") as file:
        file.truncate(2 * 10**9 + 1)
    assert hash_file(path, lambda: True) is None


def test_an_index_of_hashes_of_another_form_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.executescript("CREATE TABLE hash (path TEXT PRIMARY KEY, sha256 TEXT); PRAGMA user_version = 3;")
        database.execute("INSERT INTO hash VALUES ('/a', 'b')")
    index = ModelIndex(file)
    assert index.hash_of("/a", 1, 2) is None
    index.keep_hash("/a", 1, 2, FileHashes("b", "c", "d"))
    assert index.hash_of("/a", 1, 2) == FileHashes("b", "c", "d")
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA user_version = 4")
    assert ModelIndex(file).hashes() == {"/a": (1, 2, FileHashes("b", "c", "d"))}


def test_hashes_are_computed_when_asked_for_and_kept(tmp_path: Path, index: ModelIndex) -> None:
    path = lora(tmp_path / "m" / "a.safetensors")
    folder = write_folder(tmp_path / "m" / "diff", config={"in_channels": 4})
    library = ModelLibrary(index, [tmp_path / "m"])
    assert [model.hashes for model in library.scan().models] == [None, None]
    assert library.inspect(path).hashes is None
    hashes = library.hashes.compute(path)
    assert hashes is not None and hashes.weights
    assert hashes.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    unet = library.hashes.compute(folder)
    assert library.inspect(path).hashes == hashes
    assert [model.hashes for model in library.scan().models] == [hashes, unet]
    path.write_bytes(path.read_bytes() + b"x")
    assert library.hashes.known(path) is None


def test_hashes_in_the_background(tmp_path: Path, index: ModelIndex) -> None:
    import threading

    path = lora(tmp_path / "a.safetensors")
    found: list[tuple[Path, FileHashes]] = []
    ready = threading.Event()

    def done(model: Path, hashes: FileHashes) -> None:
        found.append((model, hashes))
        ready.set()

    hasher = BackgroundHasher(ModelHashes(index), done)
    hasher.add(path)
    assert ready.wait(30)
    hasher.close()
    assert [(where, hashes.sha256) for where, hashes in found] == [(path, sha256(path))]
    assert ModelHashes(index).known(path) == found[0][1]


@pytest.mark.expects_log("could not be hashed")
def test_a_file_that_is_gone_does_not_stop_the_hasher(tmp_path: Path, index: ModelIndex) -> None:
    import threading

    ready = threading.Event()
    hasher = BackgroundHasher(ModelHashes(index), lambda model, hashes: ready.set())
    hasher.add(tmp_path / "gone.safetensors")
    hasher.add(lora(tmp_path / "a.safetensors"))
    assert ready.wait(30)
    hasher.close()
