"""The token counter: light, and equal to CLIPTokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.domain.engine_api import TokenCount
from sdstudio.domain.errors import ModelError
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.libraries import CLIPTokenizer
from sdstudio.engine.tokens import ModelTokenCounter
from tests.helpers.children import loaded_after
from tests.helpers.tiny_models import STARTER

MODEL = ModelSpec(name="Starter", path=str(STARTER))


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(STARTER / "tokenizer")


def test_it_needs_neither_torch_nor_transformers() -> None:
    loaded = loaded_after("import sdstudio.engine.tokens, sdstudio.engine.fake")
    assert not {"torch", "transformers", "diffusers"} & loaded


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="()[]\\", exclude_categories=["Cs"]), max_size=60))
def test_it_counts_as_clip_does(text: str, tokenizer: CLIPTokenizer) -> None:
    if "BREAK" not in text:
        ids = tokenizer(text, add_special_tokens=False, truncation=False).input_ids
        assert ModelTokenCounter().count(MODEL, text).used == len(ids)


def test_room_grows_by_75() -> None:
    assert ModelTokenCounter().count(MODEL, "") == TokenCount(used=0, room=75)
    assert ModelTokenCounter().count(MODEL, "(red)") == TokenCount(used=1, room=75)
    assert ModelTokenCounter().count(MODEL, "red " * 75) == TokenCount(used=75, room=75)
    assert ModelTokenCounter().count(MODEL, "red " * 76) == TokenCount(used=76, room=150)
    assert ModelTokenCounter().count(MODEL, "red BREAK red") == TokenCount(used=2, room=150)


def test_learnt_words_count_as_many_tokens_as_they_have_vectors() -> None:
    count, learnt = ModelTokenCounter().count, {"My-Style": 3, "bad hands": 70}
    assert count(MODEL, "a red my-style", learnt) == TokenCount(used=5, room=75)
    assert count(MODEL, "(MY-STYLE:1.3), red", learnt).used == count(MODEL, ", red").used + 3
    # They stay together: what does not fit any more begins a new part.
    assert count(MODEL, "red red red red red bad hands red", learnt) == TokenCount(used=76, room=150)
    assert count(MODEL, "red " * 6 + "bad  hands", learnt) == TokenCount(used=76, room=150)
    assert count(MODEL, "my-styles", learnt) == count(MODEL, "my-styles")


def test_tokenizer_json_alone_will_do(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    shutil.copyfile(STARTER / "tokenizer" / "tokenizer.json", tmp_path / "tokenizer" / "tokenizer.json")
    model = ModelSpec(name="Copy", path=str(tmp_path))
    assert ModelTokenCounter().count(model, "a red apple") == ModelTokenCounter().count(MODEL, "a red apple")


def test_a_missing_tokenizer_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="tokenizer could not be read"):
        ModelTokenCounter().count(ModelSpec(name="None", path=str(tmp_path)), "a")
