"""The refiner as a second stage: latents handed over, against denoising_end and denoising_start of the pipelines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Cancelled, Failed, Loading, Preview, Progress
from sdstudio.domain.request import GenerationRequest, ModelSpec, RefinerSpec
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.samplers import build_scheduler
from sdstudio.engine.tasks.second_stage import handed_over
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.engine.test_inpaint_equality import a_mask
from tests.engine.test_pipeline_equality import KINDS
from tests.helpers.tiny_models import make_request
from tests.helpers.xl_models import make_xl_folder
from tests.helpers.xl_pipelines import SCHEDULER, drawn, load_xl_pipeline, made_by, picture_of, read_xl

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TWICE = ("Heun", "DPM2 a")
"""Call the network twice a step; diffusers hands over between the two calls, and the refiner makes the first again."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_folder(tmp_path_factory.mktemp("xl") / "base", "sdxl")


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_folder(tmp_path_factory.mktemp("xl") / "refiner", "sdxl-refiner")


@pytest.fixture(scope="module")
def both(base: Path, refiner: Path) -> LoadedModel:
    """The base with its second stage, as the engine joins them."""
    return replace(read_xl(base), second=read_xl(refiner))


@pytest.fixture(scope="module")
def pipelines(base: Path, refiner: Path) -> tuple[Any, Any, Any]:
    plain = load_xl_pipeline(base)
    made = plain, load_xl_pipeline(base, "Img2Img", like=plain), load_xl_pipeline(refiner, "Img2Img")
    # The published two have the same decoder; here it is the first model's that counts, which the request can change.
    made[2].vae = made[0].vae
    return made


def shared(begin: float = 0.5) -> RefinerSpec:
    return RefinerSpec(model=ModelSpec(name="Refiner", path="refiner"), begin=begin)


def refined(base: Path, refiner: Path, begin: float = 0.5, **changes: Any) -> GenerationRequest:
    spec = RefinerSpec(model=ModelSpec(name="Refiner", path=str(refiner)), begin=begin)
    return replace(make_request(base, **changes), refiner=spec)


def by_pipelines(first: Any, second: Any, sampler: str, begin: float, **arguments: Any) -> np.ndarray:
    generator = torch.Generator("cpu").manual_seed(7)
    steps = {"num_inference_steps": 6, "generator": generator}
    latents = made_by(first, sampler, denoising_end=begin, output_type="latent", **steps, **arguments)
    return made_by(second, sampler, image=latents, denoising_start=begin, **steps)


@pytest.mark.parametrize("sampler", [name for name in KINDS if name not in TWICE])
def test_samplers_of_every_kind_equal_the_pipelines(
    sampler: str, both: LoadedModel, pipelines: tuple[Any, Any, Any]
) -> None:
    ours = drawn(both, refiner=shared(), sampler=sampler, steps=6)
    assert np.array_equal(ours, by_pipelines(pipelines[0], pipelines[2], sampler, 0.5, width=64, height=64))


@pytest.mark.parametrize("begin", [0.2, 0.8, 0.95])
def test_every_share_equals_the_pipelines(begin: float, both: LoadedModel, pipelines: tuple[Any, Any, Any]) -> None:
    ours = drawn(both, refiner=shared(begin), sampler="DPM++ 2M", steps=6)
    assert np.array_equal(ours, by_pipelines(pipelines[0], pipelines[2], "DPM++ 2M", begin, width=64, height=64))


def test_a_picture_is_refined_as_by_the_pipelines(both: LoadedModel, pipelines: tuple[Any, Any, Any]) -> None:
    ours = drawn(both, refiner=shared(0.7), start=a_picture(), strength=0.7, steps=6)
    image = {"image": Image.fromarray(a_picture().rgb), "strength": 0.7}
    assert np.array_equal(ours, by_pipelines(*pipelines[1:], "Euler", 0.7, **image))


@pytest.mark.parametrize("sampler", TWICE)
def test_samplers_that_look_twice_hand_over_whole_steps(sampler: str, both: LoadedModel) -> None:
    scheduler = build_scheduler(sampler, SCHEDULER, 6)
    assert scheduler.order == 2
    calls = [handed_over(scheduler.timesteps, scheduler, share) for share in (0.0, 0.3, 0.5, 0.8, 1.0)]
    assert all(count % 2 == 0 for count in calls) and calls == sorted(calls) and calls[0] == 0
    plain = drawn(both, sampler=sampler, steps=6)
    assert not np.array_equal(drawn(both, refiner=shared(), sampler=sampler, steps=6), plain)


def test_a_model_that_is_its_own_refiner_changes_nothing(both: LoadedModel) -> None:
    """It goes on exactly where it stopped: with samplers that remember nothing, to the same picture."""
    twice = replace(both, second=replace(both, second=None))
    for sampler in ("Euler a", "Heun", "DDIM"):
        plain = drawn(both, sampler=sampler, steps=6)
        assert np.array_equal(drawn(twice, refiner=shared(), sampler=sampler, steps=6), plain), sampler


@pytest.mark.keeps_engine
def test_the_share_1_and_the_model_itself_read_no_second_model(run: Run, base: Path, refiner: Path) -> None:
    plain = picture_of(run(make_request(base)))
    for request in (refined(base, refiner, 1.0), refined(base, base)):
        events = run(request)
        assert np.array_equal(picture_of(events), plain)
        assert not any(isinstance(event, Loading) for event in events)


@pytest.mark.parametrize("name", ["sdxl", "sdxl-inpainting"])
def test_masks_are_refined_too(name: str, tmp_path: Path, both: LoadedModel) -> None:
    """The refiner reads no mask; with a network of four channels the rest of the picture is put back to the end."""
    first = both if name == "sdxl" else read_xl(make_xl_folder(tmp_path / name, name))
    masked = {"start": a_picture(), "mask": a_mask()}
    made = drawn(replace(first, second=both.second), refiner=shared(), **masked)
    assert not np.array_equal(made, drawn(first, **masked))


def test_progress_and_previews_go_through_both(run: Run, base: Path, refiner: Path) -> None:
    events = run(refined(base, refiner, steps=6))
    assert [event.step for event in events if isinstance(event, Progress)] == list(range(7))
    assert [event.step for event in events if isinstance(event, Preview)][-1] == 6
    assert [event.what for event in events if isinstance(event, Loading)][-1] == "Reading the refiner “Refiner”"


def test_the_second_model_stays_while_it_is_wanted(engine: TorchEngine, run: Run, base: Path, refiner: Path) -> None:
    first = picture_of(run(refined(base, refiner)))
    again = run(refined(base, refiner))
    assert not any(isinstance(event, Loading) for event in again) and np.array_equal(picture_of(again), first)
    assert engine._second._models._resident is not None
    run(make_request(base))
    assert engine._second._models._resident is None


@pytest.mark.keeps_engine
@pytest.mark.parametrize("step", [1, 5])
def test_cancel_in_either_stage(step: int, run: Run, base: Path, refiner: Path) -> None:
    cancel = CancelToken()
    events = run(
        refined(base, refiner, steps=6),
        cancel,
        lambda event: cancel.cancel() if isinstance(event, Progress) and event.step == step else None,
    )
    assert isinstance(events[-1], Cancelled)
    assert max(event.step for event in events if isinstance(event, Progress)) == step


@pytest.mark.keeps_engine
def test_models_that_do_not_go_together_are_refused_in_words(
    run: Run, base: Path, refiner: Path, tiny_model: Path, tmp_path: Path
) -> None:
    inpainting = make_xl_folder(tmp_path / "nine", "sdxl-inpainting")
    for first, second in ((base, tiny_model), (tiny_model, refiner), (base, inpainting)):
        failed = run(refined(first, second))[-1]
        assert isinstance(failed, Failed) and (failed.kind, failed.field) == (ErrorKind.BAD_INPUT, "refiner")
        assert "different kinds" in failed.message


@pytest.mark.keeps_engine
def test_a_refiner_that_has_gone_is_named(run: Run, base: Path, tmp_path: Path) -> None:
    failed = run(refined(base, tmp_path / "gone"))[-1]
    assert isinstance(failed, Failed) and failed.kind == ErrorKind.MODEL and "“Refiner” is not at" in failed.message
