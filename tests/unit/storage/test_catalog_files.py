"""Single files in the catalog: named, with settings that suit their family; refused where nothing can be made."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from sdstudio.domain import model_file
from sdstudio.domain.errors import ModelError
from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import Evidence, ModelFamily, Prediction
from sdstudio.domain.models import ModelInfo
from sdstudio.storage import catalog as catalog_module
from sdstudio.storage import model_refusal
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.model_card import read_card
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.recognise.stable_diffusion import trained_side
from tests.helpers import model_families as families
from tests.helpers.cli_desk import starter
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.model_files import write_checkpoint, write_folder, write_safetensors
from tests.helpers.model_shapes import Shapes

__all__ = ["desk", "run"]

TOLD_V = {"modelspec.prediction_type": "v"}
TOLD_EPSILON = {"modelspec.prediction_type": "epsilon"}


class Shelf:
    """A catalog over one folder of models."""

    def __init__(self, home: Path) -> None:
        self.models = home / "models"
        self.models.mkdir()
        self.index = ModelIndex(home / "models.sqlite")
        self.hashes = HashCache(home / "hashes.json")
        self.starter = starter(home / "starter")

    def put(self, name: str, shapes: Shapes, metadata: dict[str, str] | None = None) -> Path:
        return write_safetensors(self.models / name, shapes, metadata=metadata)

    def catalog(self, *folders: Path) -> ModelCatalog:
        return ModelCatalog(self.starter, folders or [self.models], self.hashes, self.index)

    def only(self) -> ModelInfo:
        _, info = self.catalog().models()
        return info


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


FILES = {
    "SD 1.5": (families.sd1(), None, "epsilon", 512),
    "SD 1.5 inpaint": (families.sd1(9), None, "epsilon", 512),
    "SD 2 base": (families.sd2(), TOLD_EPSILON, "epsilon", 512),
    "SD 2 v": (families.sd2(), TOLD_V, "v", 768),
    "SD 2": (families.sd2(), None, "unknown", 512),
    "SD 2 inpaint": (families.sd2(9), None, "epsilon", 512),
    "SD 2 depth": (families.depth(), None, "epsilon", 512),
    "SD 1.5 edit": (families.sd1(8), None, "epsilon", 512),
    "SD ×4 upscaler": (families.x4(), None, "v", 512),
    "SD 2 unCLIP": (families.unclip("H"), None, "v", 768),
}
LARGE = {
    "SDXL": families.sdxl(),
    "SDXL inpaint": families.sdxl(9),
    "SDXL refiner": families.refiner(),
}


@pytest.mark.parametrize("badge", list(FILES))
def test_each_family_is_an_entry_with_settings_that_suit_it(shelf: Shelf, badge: str) -> None:
    shapes, metadata, prediction, side = FILES[badge]
    path = shelf.put("My model.v2.safetensors", shapes, metadata)
    info = shelf.only()
    assert (info.name, info.badge, info.built_in) == ("My model.v2", badge, False)
    assert (info.spec.path, info.spec.hash, info.spec.prediction) == (str(path), "", prediction)
    assert FAMILY_PRESETS[ModelFamily(info.spec.family)].badge == badge and info.family == info.spec.family
    presets, longer = info.presets, side * 3 // 2
    guidance = {"SD ×4 upscaler": 9.0, "SD 2 unCLIP": 10.0}.get(badge, 7.5)
    assert (presets.steps, presets.guidance_scale, presets.size) == (25, guidance, Size(side, side))
    assert presets.sizes == (Size(side, side), Size(side, longer), Size(longer, side))


@pytest.mark.parametrize("badge", list(LARGE))
def test_large_families_begin_with_a_million_pixels(shelf: Shelf, badge: str) -> None:
    shelf.put("xl.safetensors", LARGE[badge])
    info = shelf.only()
    assert (info.badge, info.presets.guidance_scale, info.presets.size) == (badge, 6.0, Size(1024, 1024))
    assert all(0.95 < size.width * size.height / 2**20 < 1.01 for size in info.presets.sizes)


def test_every_family_has_presets_that_suit_it() -> None:
    assert FAMILY_PRESETS.keys() == set(ModelFamily)
    for family, usual in FAMILY_PRESETS.items():
        assert usual.size.width == usual.size.height == (trained_side(family) or 512)
        assert all(size.width % 8 == size.height % 8 == 0 for size in usual.sizes)
        assert len(set(usual.sizes)) == len(usual.sizes) <= 6, "the row of chips shows six"


REFUSED = {
    "SDXL": families.sdxl(),
    "SDXL refiner": families.refiner(),
    "SDXL inpainting": families.sdxl(9),
    "SD 2.x depth": families.depth(),
    "SD x4 upscaler": families.x4(),
    "SD 2.1 unCLIP L": families.unclip("L"),
    "SD 2.1 unCLIP H": families.unclip("H"),
    "SD 1.x instruct-pix2pix": families.sd1(8),
}


@pytest.mark.parametrize("family", list(REFUSED))
def test_a_family_that_cannot_be_loaded_yet_is_refused_by_its_name(
    shelf: Shelf, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (catalog_module, model_file, model_refusal):
        monkeypatch.setattr(module, "LOADABLE_FAMILIES", frozenset({ModelFamily.SD1}))
    path = shelf.put("model.safetensors", REFUSED[family])
    assert [info.name for info in shelf.catalog().models()] == ["Starter"]
    with pytest.raises(ModelError) as caught:
        shelf.catalog().find(str(path))
    words = f"“model.safetensors” is a checkpoint of {family}, which SD Studio cannot use yet."
    assert str(caught.value).startswith(words)


def test_the_files_that_draw_are_listed_beside_folders_and_nothing_else(shelf: Shelf) -> None:
    shelf.put("b.safetensors", families.sd1())
    shelf.put("lora.safetensors", families.lora(768))
    write_checkpoint(shelf.models / "sub" / "a.ckpt", families.sd1(9))
    (shelf.models / "evil.ckpt").write_bytes(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00hi\x85R.")
    write_folder(shelf.models / "c", config={"in_channels": 4, "cross_attention_dim": 768})
    wide = {"in_channels": 4, "cross_attention_dim": 2048, "projection_class_embeddings_input_dim": 2816}
    write_folder(shelf.models / "xl", config=wide)
    assert [info.name for info in shelf.catalog().models()] == ["Starter", "a", "b", "c", "xl"]


@pytest.mark.parametrize(
    "place", ["webui/models/Stable-diffusion", "ComfyUI/models/checkpoints", "invoke/models/sd-1/main"]
)
def test_files_of_other_programs_are_used_in_place(shelf: Shelf, tmp_path: Path, place: str) -> None:
    path = write_safetensors(tmp_path / place / "one.safetensors", families.sd1())
    root = tmp_path / place.split("/")[0]
    (root / "invokeai.yaml").write_text("a: 1\n")
    _, info = shelf.catalog(root).models()
    assert info.spec.path == str(path)


def test_a_model_of_the_hugging_face_cache_has_its_name(shelf: Shelf, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    write_folder(
        hub / "models--somebody--fine" / "snapshots" / "0123abcd", config={"in_channels": 4, "cross_attention_dim": 768}
    )
    assert [info.name for info in shelf.catalog(hub).models()] == ["Starter", "fine"]


def test_a_file_is_found_by_name_title_and_path(shelf: Shelf, tmp_path: Path) -> None:
    path = shelf.put("dreamyV3.safetensors", families.small_sd(1))
    path.with_suffix(".civitai.info").write_text(json.dumps({"model": {"name": "Dreamy pictures"}}))
    found = [shelf.catalog().find(text) for text in ("dreamyv3", "dreamy PICTURES", str(path))]
    assert [info.spec.path for info in found] == [str(path)] * 3
    other = write_safetensors(tmp_path / "elsewhere" / "x.sft", families.small_sd(2))
    assert shelf.catalog().find(str(other)).badge == "SD 2"
    write_safetensors(shelf.models / "sub" / "DreamyV3.safetensors", families.sd1())
    with pytest.raises(ModelError, match="Several models"):
        shelf.catalog().find("dreamyv3")
    assert shelf.catalog().find("Starter").built_in


def test_a_checkpoint_without_its_vae_is_refused(shelf: Shelf) -> None:
    shapes = {name: shape for name, shape in families.sd1().items() if not name.startswith("first_stage_model.")}
    path = shelf.put("half.safetensors", shapes)
    assert len(shelf.catalog().models()) == 1
    with pytest.raises(ModelError, match=r"a checkpoint of SD 1\.x without its vae"):
        shelf.catalog().find(str(path))


def test_large_files_are_listed_before_they_are_hashed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "HASHED_AT_ONCE", 1000)
    path = shelf.put("a.safetensors", families.small_sd(1))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    assert shelf.only().spec.hash == ""
    assert shelf.catalog().find("a").spec.hash == digest, "who makes a picture waits for it"
    assert shelf.only().spec.hash == digest
    path.touch()
    assert shelf.only().spec.hash == "", "a file that changed has no hash yet"


def test_small_files_have_their_hash_at_once(shelf: Shelf) -> None:
    path = shelf.put("a.safetensors", families.small_sd(1))
    assert shelf.only().spec.hash == hashlib.sha256(path.read_bytes()).hexdigest()[:10]


# -- what a probing call told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "badge", "side"), [(Prediction.V, "SD 2 v", 768), (Prediction.EPSILON, "SD 2 base", 512)]
)
def test_what_the_engine_found_out_is_kept_with_the_file(shelf: Shelf, told: Prediction, badge: str, side: int) -> None:
    path = shelf.put("two.safetensors", families.sd2())
    library = ModelLibrary(shelf.index, [shelf.models])
    assert (library.inspect(path).prediction, library.inspect(path).evidence) == (Prediction.UNKNOWN, Evidence.NONE)
    library.predictions.keep(str(path), told)
    found = library.inspect(path)
    assert (found.prediction, found.evidence, found.resolution) == (told, Evidence.PROBE, side)
    assert library.scan().models == (found,)
    info = shelf.only()
    assert (info.badge, info.spec.prediction, info.presets.size) == (badge, told.value, Size(side, side))
    path.touch()
    assert library.inspect(path).evidence is Evidence.NONE, "another file may predict something else"


def test_what_the_file_itself_tells_goes_before_what_was_tried(shelf: Shelf) -> None:
    path = shelf.put("two.safetensors", families.sd2())
    library = ModelLibrary(shelf.index, [shelf.models])
    library.predictions.keep(str(path), Prediction.EPSILON)
    path.with_suffix(".yaml").write_text("model:\n  params:\n    parameterization: v\n")
    assert library.inspect(path).prediction is Prediction.V
    library.predictions.keep(str(shelf.models / "gone.safetensors"), Prediction.V)
    assert len(shelf.index.predictions()) == 1


# -- the command line -------------------------------------------------------------------------------------------------


def test_a_file_makes_pictures_by_path_and_by_name(run: Run, tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "data" / "models" / "fine.safetensors", families.small_sd(1))
    for name in (str(path), "Fine"):
        result = run("generate", "a", "--model", name, "--size", "64x64", "--out", tmp_path / "out", "--json")
        assert result.code == 0, result.err
        assert result.json[-1]["model"] == "fine" and result.json[-1]["steps"] == 25


def test_the_list_shows_what_suits_a_file(run: Run, tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "data" / "models" / "fine.safetensors", families.sd2(), metadata=TOLD_V)
    _, row = run("models", "--json").json
    assert (row["path"], row["badge"], row["hash"]) == (str(path), "SD 2 v", None)
    assert (row["family"], row["prediction"], row["refused"]) == ("SD 2.x 768-v", "v", False)
    assert (row["steps"], row["guidance_scale"], row["width"], row["height"]) == (25, 7.5, 768, 768)


@pytest.mark.parametrize("by", ["path", "name"])
def test_a_part_of_a_model_is_refused_in_words(run: Run, tmp_path: Path, by: str) -> None:
    path = write_safetensors(tmp_path / "data" / "models" / "ink.safetensors", families.lora(768))
    result = run("generate", "a", "--model", path if by == "path" else "Ink")
    assert result.code == 2 and "is a LoRA for SD 1.x (kohya), which draws nothing alone" in result.err


def test_a_name_that_several_models_have_is_what_is_told(run: Run, tmp_path: Path) -> None:
    models = tmp_path / "data" / "models"
    write_safetensors(models / "ink.safetensors", families.small_sd(1))
    write_safetensors(models / "sub" / "Ink.safetensors", families.small_sd(2))
    write_safetensors(models / "lora" / "ink.safetensors", families.lora(768))
    result = run("generate", "a", "--model", "ink")
    assert result.code == 2 and "argument --model: Several models are called “ink”." in result.err


# -- model cards ------------------------------------------------------------------------------------------------------


def test_a_card_whose_aliases_would_fill_the_memory_counts_for_nothing(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (tmp_path / "README.md").write_text("---\nsdstudio: {name: Bomb}\n" + "\n".join(rows) + "\n---\n")
    assert read_card(tmp_path) == {}
    (tmp_path / "README.md").write_text("---\nsdstudio: {name: Fine}\n---\n")
    assert read_card(tmp_path) == {"name": "Fine"}
    (tmp_path / "README.md").write_text("---\nsdstudio: {name: Long}\nx: " + "y" * 40_000 + "\n---\n")
    assert read_card(tmp_path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right on Windows")
def test_a_file_has_its_own_name_not_that_of_a_link_to_it(shelf: Shelf) -> None:
    file = shelf.put("m.safetensors", families.small_sd(1))
    for name in ("a.safetensors", "z.safetensors"):
        (shelf.models / name).symlink_to(file)
    info = shelf.only()
    assert (info.name, info.spec.path) == ("m", str(file))
