"""The form for few steps in the box: it is worn as the card says, and four steps are enough for the judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdstudio.domain.events import ImageReady
from sdstudio.domain.models import ModelInfo, QuickPreset
from sdstudio.domain.request import GenerationRequest, PromptSpec, SamplingSpec
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache, sha256_of
from tests.engine.conftest import Run
from tests.helpers.judge import load_judge
from tests.helpers.tiny_models import STARTER

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
TEN = ("banana", "pizza", "cactus", "penguin", "rocket", "snowman", "guitar", "balloon", "butterfly", "hamburger")
FIRST_SEED = 300
BYTES_MOST = 6_000_000


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return ModelCatalog(STARTER, (), HashCache(tmp_path_factory.mktemp("hashes") / "hashes.json")).find("starter")


def quick_of(starter: ModelInfo) -> QuickPreset:
    assert starter.presets.quick is not None
    return starter.presets.quick


def quick_request(starter: ModelInfo, prompt: str, seed: int) -> GenerationRequest:
    quick = quick_of(starter)
    return GenerationRequest(
        prompt=PromptSpec(positive=prompt),
        sampling=SamplingSpec(steps=quick.steps, guidance_scale=quick.guidance_scale, sampler=quick.sampler, seed=seed),
        model=starter.spec,
        size=starter.presets.size,
        loras=(quick.lora,),
    )


def drawn(run: Run, request: GenerationRequest) -> np.ndarray:
    (picture,) = (event for event in run(request) if isinstance(event, ImageReady))
    return picture.image.rgb


def test_the_card_names_it_and_it_is_small(starter: ModelInfo) -> None:
    quick = quick_of(starter)
    path = Path(quick.lora.path)
    assert (quick.steps, quick.guidance_scale) == (4, 1.0)
    assert path.parent.samefile(STARTER) and path.stat().st_size < BYTES_MOST
    assert quick.lora.hash == sha256_of(path)[:10]


def test_four_steps_are_enough_for_ten_things(starter: ModelInfo, run: Run) -> None:
    """By a judge that never saw a drawn picture."""
    requests = [quick_request(starter, f"a {noun}", FIRST_SEED + place) for place, noun in enumerate(TEN)]
    named = load_judge().best(np.stack([drawn(run, request) for request in requests]), 1)
    assert sum(one[0] == noun for one, noun in zip(named, TEN, strict=True)) >= 9, named


@pytest.mark.parametrize("prompt", ["a pizza", "a penguin in the snow", "a red apple on a blue background"])
def test_it_draws_what_many_guided_steps_would(prompt: str, starter: ModelInfo, run: Run) -> None:
    """The same picture, far nearer to it than four bare steps come (seen: by half)."""
    request = quick_request(starter, prompt, FIRST_SEED)
    long = replace(request.sampling, steps=20, guidance_scale=starter.presets.guidance_scale)
    whole = drawn(run, replace(request, sampling=long, loras=())).astype(float)
    quick, bare = (
        float(np.sqrt(np.square(drawn(run, one) - whole).mean())) for one in (request, replace(request, loras=()))
    )
    assert quick < 0.75 * bare


def test_it_is_taken_off_again(starter: ModelInfo, run: Run) -> None:
    request = quick_request(starter, "a banana", FIRST_SEED)
    plain = replace(request, loras=())
    before, quick, after = (drawn(run, one) for one in (plain, request, plain))
    assert np.array_equal(before, after) and not np.array_equal(before, quick)
    assert np.array_equal(quick, drawn(run, request))
