"""All that is in the folders, by folder: what can be done with each file, and where folders are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sdstudio.domain.model_file import Evidence, ModelFamily, Prediction
from sdstudio.domain.models_found import FolderKind, FoundFolder, ModelsFound, ModelState
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.model_predictions import can_choose
from sdstudio.storage.model_refusal import why_not
from sdstudio.storage.model_shelf import look_through
from tests.helpers import model_families as families
from tests.helpers.cli_desk import starter
from tests.helpers.model_files import write_checkpoint, write_folder, write_safetensors
from tests.helpers.model_shapes import under, vae


class Shelf:
    def __init__(self, home: Path) -> None:
        self.own, self.box = home / "models", starter(home / "starter")
        self.index = ModelIndex(home / "models.sqlite")
        self.hashes = HashCache(home / "hashes.json")

    def look(self, *added: Path) -> ModelsFound:
        catalog = ModelCatalog(self.box, [self.own, *added], self.hashes, self.index)
        return look_through(catalog, self.box, self.own, added)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def names(folder: FoundFolder) -> list[tuple[str, ModelState]]:
    return [(Path(model.file.path).name, model.state) for model in folder.models]


def test_each_file_is_in_its_folder_the_useful_ones_first(shelf: Shelf, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_safetensors(shelf.own / "b.safetensors", families.small_sd(1))
    write_safetensors(shelf.own / "sub" / "a.safetensors", families.small_sd(1, 9))
    write_safetensors(shelf.own / "ink.safetensors", families.lora(768))
    write_safetensors(shelf.own / "a-vae.safetensors", under("", vae(width=8)))
    write_safetensors(shelf.own / "a-flux.safetensors", {"double_blocks.0.img_attn.norm.key_norm.scale": (8,)})
    (shelf.own / "a-page.safetensors").write_bytes(b"<!DOCTYPE html><html></html>")
    write_checkpoint(other / "deep" / "c.ckpt", families.sd1())
    found = shelf.look(other, tmp_path / "gone")
    box, own, added, gone = found.folders
    assert [folder.kind for folder in found.folders] == [FolderKind.BUILT_IN, FolderKind.OWN, *[FolderKind.ADDED] * 2]
    assert [folder.connected for folder in found.folders] == [True, True, True, False]
    assert [model.info.built_in for model in box.models if model.info is not None] == [True]
    assert names(own) == [
        ("a.safetensors", ModelState.CHOICE),
        ("b.safetensors", ModelState.CHOICE),
        ("a-vae.safetensors", ModelState.PART),
        ("ink.safetensors", ModelState.PART),
        ("a-flux.safetensors", ModelState.LATER),
        ("a-page.safetensors", ModelState.REFUSED),
    ]
    assert (own.refused, names(added), gone.models) == (1, [("c.ckpt", ModelState.CHOICE)], ())
    assert [info.name for info in found.infos] == ["Starter", "a", "b", "c"]
    watched = {str(path) for path in (shelf.own, shelf.own / "sub", other, other / "deep")}
    assert set(found.watched) == watched


def test_a_look_without_news_equals_the_one_before(shelf: Shelf) -> None:
    path = write_safetensors(shelf.own / "a.safetensors", families.small_sd(1))
    shelf.look()  # hashes what is small
    first = shelf.look()
    assert shelf.look() == first
    path.with_suffix(".json").write_text('{"notes": "Soft."}')
    assert shelf.look() != first


def test_our_own_folder_need_not_be_there(shelf: Shelf) -> None:
    own = shelf.look().folders[1]
    assert (own.connected, own.models) == (True, ())


# -- what a person says of a file that does not tell ------------------------------------------------------------------


def test_what_a_person_says_goes_before_what_was_tried(shelf: Shelf) -> None:
    path = write_safetensors(shelf.own / "two.safetensors", families.sd2())
    library = ModelLibrary(shelf.index, [shelf.own])
    assert can_choose(library.inspect(path))
    library.predictions.keep(str(path), Prediction.EPSILON)
    assert library.inspect(path).family is ModelFamily.SD2_BASE
    library.predictions.choose(str(path), Prediction.V)
    found = library.inspect(path)
    assert (found.prediction, found.evidence, found.family) == (Prediction.V, Evidence.CHOSEN, ModelFamily.SD2_V)
    assert (found.resolution, can_choose(found)) == (768, True)
    info = shelf.look().infos[1]
    assert (info.badge, info.spec.prediction, info.presets.size.width) == ("SD 2 v", "v", 768)
    library.predictions.choose(str(path), Prediction.UNKNOWN)
    assert library.inspect(path).evidence is Evidence.NONE, "it is found out anew"
    library.predictions.choose(str(path), Prediction.V)
    path.touch()
    assert library.inspect(path).evidence is Evidence.NONE, "another file may predict something else"


def test_a_guess_by_the_training_steps_can_be_corrected(shelf: Shelf) -> None:
    path = shelf.own / "published.ckpt"
    step = {"global_step": b"J" + (875000).to_bytes(4, "little")}
    write_checkpoint(path, families.sd2(), more=step)
    library = ModelLibrary(shelf.index, [shelf.own])
    before = library.inspect(path)
    assert (before.evidence, before.family) == (Evidence.GLOBAL_STEP, ModelFamily.SD2_BASE)
    library.predictions.choose(str(path), Prediction.V)
    assert library.inspect(path).family is ModelFamily.SD2_V
    library.predictions.keep(str(path), Prediction.V)
    assert library.inspect(path) == before, "what was tried is weaker than what the file tells"


def test_what_a_file_tells_for_sure_cannot_be_overruled(shelf: Shelf) -> None:
    told = {"modelspec.prediction_type": "v"}
    path = write_safetensors(shelf.own / "sure.safetensors", families.sd2(), metadata=told)
    library = ModelLibrary(shelf.index, [shelf.own])
    library.predictions.choose(str(path), Prediction.EPSILON)
    found = library.inspect(path)
    assert (found.prediction, can_choose(found)) == (Prediction.V, False)
    assert not can_choose(library.inspect(write_safetensors(shelf.own / "one.safetensors", families.sd1())))


def test_the_model_in_the_box_is_no_stable_diffusion_to_look_for(tmp_path: Path) -> None:
    box = Path(__file__).resolve().parents[3] / "resources" / "models" / "starter"
    catalog = ModelCatalog(box, [tmp_path], HashCache(tmp_path / "hashes.json"), ModelIndex(tmp_path / "index.db"))
    (found,) = look_through(catalog, box, tmp_path, ()).folders[0].models
    assert found.info is not None and found.file.family is ModelFamily.SD1
    assert "sd 1" not in found.search and "stable diffusion" not in found.search and "built in" in found.search


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right on Windows")
def test_a_download_that_is_not_complete_is_no_choice(shelf: Shelf) -> None:
    snapshot = shelf.own / "models--someone--half" / "snapshots" / "4f2a"
    write_folder(snapshot, config={"in_channels": 4, "cross_attention_dim": 768})
    weights = snapshot / "unet" / "diffusion_pytorch_model.safetensors"
    assert [model.state for model in shelf.look().folders[1].models] == [ModelState.CHOICE]
    weights.unlink()
    weights.symlink_to(shelf.own / "models--someone--half" / "blobs" / "77")
    found = shelf.look()
    (half,) = found.folders[1].models
    assert (half.name, half.state) == ("half", ModelState.REFUSED) and "which is not there" in half.file.reason
    assert [info.name for info in found.infos] == ["Starter"]
    assert why_not(half.file).message.startswith(
        "Refused: “half”: unet/diffusion_pytorch_model.safetensors: a link to "
    )


def test_a_folder_that_may_not_be_looked_into_is_not_the_end_of_the_look(shelf: Shelf, tmp_path: Path) -> None:
    """A name that no system has stands for a folder that belongs to somebody else: the same error, also as root."""
    write_safetensors(shelf.own / "a.safetensors", families.small_sd(1))
    found = shelf.look(tmp_path / ("x" * 300))
    assert [info.name for info in found.infos] == ["Starter", "a"] and not found.folders[2].connected
