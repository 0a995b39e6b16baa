from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sdstudio.domain.errors import ModelError
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import ModelPresets
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache, sha256_of
from sdstudio.storage.model_card import read_card, read_presets

CARD = """---
license: mit
sdstudio:
  name: Fine model
  steps: 30
  guidance_scale: 3.5
  sampler: ddim
  size: 128x128
  sizes: [128x128, 160x128, 7x7, 3]
  examples: ["a red apple", "", 5]
---
# Text
"""


def model(folder: Path, *, width: int = 768, card: str = "", kind: str = "StableDiffusionPipeline") -> Path:
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}))
    (folder / "unet" / "config.json").write_text(json.dumps({"cross_attention_dim": width, "sample_size": 64}))
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(folder.name.encode())
    if card:
        (folder / "README.md").write_text(card)
    return folder


@pytest.fixture
def catalog(tmp_path: Path) -> ModelCatalog:
    model(tmp_path / "box" / "starter")
    models = tmp_path / "models"
    model(models / "zebra")
    model(models / "group" / "Large", width=2048)
    model(models / "fine", card=CARD)
    model(models / "flux", kind="FluxPipeline")
    (models / "empty").mkdir()
    folders = [models, models / "zebra", tmp_path / "missing"]
    return ModelCatalog(tmp_path / "box" / "starter", folders, HashCache(tmp_path / "hashes.json"))


def test_the_built_in_model_comes_first_then_the_others_by_name(catalog: ModelCatalog) -> None:
    models = catalog.models()
    assert [info.name for info in models] == ["Starter", "Fine model", "Large", "zebra"]
    assert [info.badge for info in models] == ["built in", "SD 1.5", "SDXL", "SD 1.5"]
    assert [info.built_in for info in models] == [True, False, False, False]
    unet = Path(models[3].spec.path) / "unet" / "diffusion_pytorch_model.safetensors"
    assert models[3].spec.hash == sha256_of(unet)[:10]


def test_presets_come_from_the_card(catalog: ModelCatalog) -> None:
    presets = catalog.find("fine MODEL").presets
    assert presets == ModelPresets(
        steps=30,
        guidance_scale=3.5,
        sampler="DDIM",
        size=Size(128, 128),
        sizes=(Size(128, 128), Size(160, 128)),
        examples=("a red apple",),
    )
    assert catalog.find("zebra").presets.size == Size(512, 512)


@pytest.mark.parametrize(
    "front",
    [
        "",
        "---\n",
        "---\n: : :\n---\n",
        "---\n- 1\n---\n",
        "---\nsdstudio: 3\n---\n",
        "---\nsdstudio: !!python/object:os.x {}\n---\n",
        "---\nsdstudio: {steps: 0, guidance_scale: .nan, sampler: no, size: big, sizes: 3, examples: {}}\n---\n",
        "---\nsdstudio: {steps: true, guidance_scale: [], sampler: 3, size: 60x60, name: 4}\n---\n",
        "---\n" + "[" * 5000,
    ],
)
def test_bad_cards_cost_nothing(tmp_path: Path, front: str) -> None:
    (tmp_path / "README.md").write_text(front)
    assert read_presets(read_card(tmp_path), ModelPresets()) == ModelPresets()


def test_models_are_found_by_path(catalog: ModelCatalog, tmp_path: Path) -> None:
    elsewhere = model(tmp_path / "elsewhere" / "mine")
    assert catalog.find(str(elsewhere)).name == "mine"
    assert catalog.find(str(elsewhere / "model_index.json")).spec.path == str(elsewhere)


def test_what_cannot_be_found_says_what_there_is(catalog: ModelCatalog, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model “nothing”.*Starter, Fine model, Large, zebra"):
        catalog.find("nothing")
    with pytest.raises(ModelError, match="There are"):
        catalog.find("")
    with pytest.raises(ModelError, match="There are"):
        catalog.find("x" * 10_000 + "\0")
    with pytest.raises(ModelError, match="diffusers layout"):
        catalog.find(str(tmp_path))
    (tmp_path / "old.ckpt").write_bytes(b"")
    with pytest.raises(ModelError, match="Refused"):
        catalog.find(str(tmp_path / "old.ckpt"))
    model(tmp_path / "models" / "group" / "zebra")
    with pytest.raises(ModelError, match="Several models"):
        catalog.find("zebra")


def test_a_path_that_is_not_there_is_told_as_one(
    catalog: ModelCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for text in ("none.safetensors", "gone/none", "~/none.CKPT", str(tmp_path / "none")):
        with pytest.raises(ModelError) as error:
            catalog.find(text)
        place = tmp_path / text.removeprefix("~/")
        assert error.value.message == f"There is no such file: “{place}”." and "There are" not in str(error.value)
    with pytest.raises(ModelError, match="no such file"):
        catalog.find("~no such person/x.safetensors")
    assert [catalog.find(text).name for text in ("~/models/zebra", "models/group/Large")] == ["zebra", "Large"]


def test_a_model_is_found_by_the_end_of_its_path(catalog: ModelCatalog, tmp_path: Path) -> None:
    assert catalog.find("Group/large").spec.path == str(tmp_path / "models" / "group" / "Large")
    model(tmp_path / "models" / "group" / "zebra")
    assert catalog.find("group/zebra").spec.path == str(tmp_path / "models" / "group" / "zebra")
    assert catalog.find("models/zebra").spec.path == str(tmp_path / "models" / "zebra")
    with pytest.raises(ModelError, match="Large, group/zebra, models/zebra"):
        catalog.find("nothing")
    model(tmp_path / "models" / "a" / "in" / "deep")
    model(tmp_path / "models" / "b" / "in" / "deep")
    assert catalog.find("B/…/deep").spec.path == str(tmp_path / "models" / "b" / "in" / "deep"), "as the menu shows it"


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right on Windows")
def test_a_link_that_leads_nowhere_is_told_as_one(catalog: ModelCatalog, tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(tmp_path / "gone.safetensors")
    with pytest.raises(ModelError, match=r"gone\.safetensors, which is not there"):
        catalog.find(str(link))
    shut = tmp_path / "shut.safetensors"
    shut.symlink_to(tmp_path / ("x" * 300))  # as where one may not look: an error, and not that it is missing
    with pytest.raises(ModelError, match="Refused"):
        catalog.find(str(shut))
