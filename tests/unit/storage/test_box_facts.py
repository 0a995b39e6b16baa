"""What stands beside the model in the box is what its files say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sdstudio.storage.box_facts import find_out, read_box, write_box
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache, sha256_of
from sdstudio.storage.model_card import read_card
from sdstudio.storage.resources import resource_path

STARTER = resource_path("models/starter")
FACTS = STARTER.with_name("starter.json")
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "box" / "starter"
    for place in ("README.md", "model_index.json", WEIGHTS):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STARTER / place, folder / place)
    write_box(folder)
    return folder


def test_those_in_the_box_are_true() -> None:
    """Where this fails the model has changed: sdstudio.storage.box_facts.write_box writes the file anew."""
    assert json.loads(FACTS.read_text("utf-8")) == find_out(STARTER)


def test_they_spare_the_card_and_the_hash(box: Path, tmp_path: Path) -> None:
    hashes = tmp_path / "hashes.json"
    found = ModelCatalog(box, (), HashCache(hashes)).find("starter")
    assert found.spec.hash == sha256_of(box / WEIGHTS)[:10]
    assert found.presets.examples == tuple(read_card(STARTER)["examples"])
    assert not hashes.exists()


def test_a_file_that_has_changed_is_read_itself(box: Path, tmp_path: Path) -> None:
    (box / "README.md").write_text("---\nsdstudio:\n  name: Another\n---\n", "utf-8")
    with (box / WEIGHTS).open("ab") as file:
        file.write(b"x")
    catalog = ModelCatalog(box, (), HashCache(tmp_path / "hashes.json"))
    assert catalog.find("another").spec.hash == sha256_of(box / WEIGHTS)[:10]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"README.md": 3}', '{"README.md": [1]}', '{"README.md": [12564, []]}']
)
def test_where_they_are_damaged_the_files_are_read(box: Path, text: str) -> None:
    box.with_name("starter.json").write_text(text, "utf-8")
    facts = read_box(box)
    assert facts.card() == read_card(box)
    assert facts.short_hash(box / WEIGHTS) == "" == facts.short_hash(box.parent / "elsewhere")
