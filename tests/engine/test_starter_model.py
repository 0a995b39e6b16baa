"""What pins the shipped model: it loads, is small, speaks its words, and draws what it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from tokenizers import Tokenizer

from sdstudio.domain.events import ImageReady
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.libraries import CLIPTokenizer
from sdstudio.engine.load import read_model
from tests.engine.conftest import Run
from tests.helpers.judge import load_judge
from tests.helpers.tiny_models import STARTER, make_request

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
MEGABYTES_MOST = 48
WEIGHTS_MOST = 20_000_000
TEN = ("apple", "banana", "carrot", "pizza", "cactus", "penguin", "rocket", "snowman", "guitar", "balloon")
FIRST_SEED = 100


def words() -> dict:
    return json.loads((STARTER / "words.json").read_text("utf-8"))


def presets() -> dict:
    _, front, _ = (STARTER / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front)["sdstudio"]


def draw(run: Run, prompt: str, seed: int, **changes: object) -> np.ndarray:
    """With the settings that the model's card recommends."""
    card = presets()
    settings = {name: card[name] for name in ("steps", "guidance_scale", "sampler")} | changes
    request = make_request(STARTER, positive=prompt, seed=seed, size=Size.parse(card["size"]), **settings)
    (picture,) = (event for event in run(request) if isinstance(event, ImageReady))
    return picture.image.rgb


Thing = Callable[[str, Run], np.ndarray]


@pytest.fixture(scope="module")
def thing() -> Thing:
    """thing(name, run) -> the picture of one of the ten, drawn once."""
    drawn: dict[str, np.ndarray] = {}

    def thing_(name: str, run: Run) -> np.ndarray:
        if name not in drawn:
            (asked,) = (noun["asked"] for noun in words()["nouns"] if noun["name"] == name)
            drawn[name] = draw(run, asked, FIRST_SEED + TEN.index(name))
        return drawn[name]

    return thing_


def without_spaces(text: str) -> str:
    return text.replace(" ", "")


def test_it_is_whole_and_small() -> None:
    model = read_model(ModelSpec(name="Starter", path=str(STARTER)), choose_device(1))
    assert not model.inpainting
    assert sum(weight.numel() for part in (model.unet, model.vae) for weight in part.parameters()) < WEIGHTS_MOST
    files = [path for path in STARTER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MEGABYTES_MOST * 1_000_000
    assert {path.suffix for path in files} <= {".json", ".txt", ".md", ".safetensors", ""}


def test_the_same_seed_makes_the_same_picture(run: Run) -> None:
    first = draw(run, "a red apple", 3, steps=4)
    assert np.array_equal(first, draw(run, "a red apple", 3, steps=4))
    assert not np.array_equal(first, draw(run, "a red apple", 4, steps=4))


def test_every_prompt_that_it_offers_comes_back_from_its_tokens() -> None:
    """Each word is one token, and both ways to read the tokenizer's files give the same ones."""
    tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    fast = Tokenizer.from_file(str(STARTER / "tokenizer" / "tokenizer.json"))
    table = words()
    prompts = [noun["asked"] for noun in table["nouns"]]
    prompts += [phrase for kind in ("colours", "grounds", "scenes") for phrase in table[kind]]
    for prompt in prompts:
        ids = tokenizer(prompt).input_ids
        assert fast.encode(prompt).ids == ids
        assert without_spaces(tokenizer.decode(ids, skip_special_tokens=True)) == without_spaces(prompt)
        assert len(ids) == 2 + len(re.findall(r"[a-z]+|[0-9]|[^a-z0-9\s]+", prompt)), prompt


def test_it_claims_two_hundred_things_that_the_judge_knows() -> None:
    names = [noun["name"] for noun in words()["nouns"]]
    assert len(names) >= 200
    assert set(names) <= set(load_judge().names)


@pytest.mark.parametrize("name", TEN)
def test_ten_things_are_recognised(name: str, thing: Thing, run: Run) -> None:
    """By a judge that never saw a drawn picture."""
    assert name == load_judge().best(thing(name, run)[None], 1)[0][0]


def test_the_judge_does_not_see_things_in_everything(thing: Thing, run: Run) -> None:
    """Else the test above could not fail: noise, and a picture of something else, are not taken for the thing."""
    judge = load_judge()
    noise = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), np.uint8)
    assert judge.best(noise, 1)[0][0] not in TEN
    assert judge.best(thing("banana", run)[None], 1)[0][0] != "apple"


def test_its_licence_lies_beside_it() -> None:
    licence = (STARTER / "LICENSE").read_text("utf-8")
    notice = (STARTER.parents[2] / "NOTICE").read_text("utf-8")
    for owed in ("(c) Microsoft Corporation", "(c) 2023 LobeHub", "(c) 2017-2019 Miles Johnson", "UNICODE LICENSE V3"):
        assert owed in licence and owed in notice


def test_every_part_lies_in_its_folder() -> None:
    index = json.loads((STARTER / "model_index.json").read_text("utf-8"))
    parts = [name for name, kind in index.items() if isinstance(kind, list) and kind[0]]
    assert sorted(parts) == ["scheduler", "text_encoder", "tokenizer", "unet", "vae"]
    assert all((STARTER / Path(part)).is_dir() for part in parts)
