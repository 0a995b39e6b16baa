"""Models copied into our own folder: whole or not at all, never over another one, with what lies beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from sdstudio.domain.errors import CancelledByUser, StorageError
from sdstudio.storage.model_copy import copy_models, is_model_name, stop_if
from tests.helpers import model_families as families
from tests.helpers.model_files import write_folder, write_safetensors


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_safetensors(tmp_path / "downloads" / "fine.v2.safetensors", families.small_sd(1))


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_comes_with_what_lies_beside_it(source: Path, models: Path) -> None:
    for suffix in (".preview.png", ".yaml", ".txt"):
        source.with_name("fine.v2" + suffix).write_text(suffix)
    assert copy_models([source], models) == [models / "fine.v2.safetensors"]
    assert left_in(models) == ["fine.v2.preview.png", "fine.v2.safetensors", "fine.v2.yaml"]
    assert (models / "fine.v2.safetensors").read_bytes() == source.read_bytes()
    assert source.exists()


def test_nothing_is_ever_replaced(source: Path, models: Path) -> None:
    (models / "fine.v2.safetensors").write_text("mine")
    source.with_name("fine.v2.yaml").write_text("new")
    (models / "fine.v2.yaml").write_text("my notes")
    assert copy_models([source], models) == [models / "fine.v2-2.safetensors"]
    assert (models / "fine.v2.safetensors").read_text() == "mine"
    assert (models / "fine.v2.yaml").read_text() == "my notes"
    assert (models / "fine.v2-2.yaml").read_text() == "new"


def test_what_is_there_already_is_not_copied_once_more(source: Path, models: Path) -> None:
    copied = copy_models([source], models)
    assert copy_models([source], models) == copied and left_in(models) == [source.name]
    seen: list[tuple[str, int, int]] = []
    copy_models([source], models, lambda *step: seen.append(step))
    assert seen[-1][1] == seen[-1][2] == source.stat().st_size
    other = bytearray(source.read_bytes())
    other[-1] ^= 1
    source.write_bytes(other)
    assert copy_models([source], models) == [models / "fine.v2-2.safetensors"], "of the same size is not the same"


def test_progress_goes_from_nothing_to_all(source: Path, models: Path) -> None:
    second = write_safetensors(source.with_name("second.safetensors"), families.lora(768))
    seen: list[tuple[str, int, int]] = []
    copy_models([source, second], models, lambda *step: seen.append(step))
    whole = source.stat().st_size + second.stat().st_size
    assert seen[0] == (source.name, 0, whole) and seen[-1] == (second.name, whole, whole)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_cancelled_copy_leaves_nothing_half(source: Path, models: Path) -> None:
    def stop(name: str, done: int, whole: int) -> None:
        stop_if(done > 0)

    with pytest.raises(CancelledByUser):
        copy_models([source], models, stop)
    folder = write_folder(source.parent / "pipe", shapes=families.small_sd(1))
    with pytest.raises(CancelledByUser):
        copy_models([folder], models, stop)
    assert left_in(models) == [] and list(models.iterdir()) == []


def test_a_folder_in_diffusers_layout_is_one_model(source: Path, models: Path) -> None:
    folder = write_folder(source.parent / "pipe", config={"in_channels": 4})
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("no")
    assert copy_models([folder], models) == [models / "pipe"]
    assert copy_models([folder], models) == [models / "pipe-2"]
    assert (
        left_in(models / "pipe")
        == left_in(models / "pipe-2")
        == [
            "model_index.json",
            "scheduler/scheduler_config.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
        ]
    )


def test_of_any_other_folder_the_models_come_below_its_name(source: Path, models: Path) -> None:
    write_safetensors(source.parent / "loras" / "ink.safetensors", families.lora(768))
    (source.parent / "readme.txt").write_text("no model")
    made = copy_models([source.parent], models)
    assert left_in(models) == ["downloads/fine.v2.safetensors", "downloads/loras/ink.safetensors"]
    assert sorted(made) == [models / name for name in left_in(models)]


def test_what_is_there_already_is_not_copied(source: Path, models: Path) -> None:
    (own,) = copy_models([source], models)
    with pytest.raises(StorageError, match="is in the models folder already"):
        copy_models([own], models)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_room_is_looked_for_first(source: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(StorageError, match=r"it needs 2\.9 MB, and 1\.0 MB are free"):
        copy_models([source], models)
    assert left_in(models) == []


def test_a_folder_that_cannot_be_written_says_so(source: Path, models: Path) -> None:
    models.rmdir()
    models.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be a folder"):
        copy_models([source], models)


def test_names_of_models(tmp_path: Path) -> None:
    named = ["a.safetensors", "b.CKPT", "c.pt", "d.txt", "e.png"]
    assert [is_model_name(tmp_path / name) for name in named] == [True, True, True, False, False]
    assert is_model_name(tmp_path)
