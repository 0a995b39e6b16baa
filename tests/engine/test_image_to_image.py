"""Image to image against the stock StableDiffusionImg2ImgPipeline, bit for bit, on the same components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Failed, ImageReady, Progress, Started
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.samplers import build_scheduler
from sdstudio.storage.image_store import ImageStore
from tests.engine.conftest import Run
from tests.engine.test_pipeline_equality import STOCK, load_pipeline, stock_scheduler
from tests.helpers.tiny_models import SD15_SCHEDULER, ZERO_SNR_SCHEDULER, ImagesInMemory, make_request

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def a_picture(width: int = 64, height: int = 64) -> ImageBuffer:
    """Smooth colours with a disc: something to begin with."""
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (min(width, height) / 4) ** 2
    rgb = np.stack([columns * 255 // width, rows * 255 // height, np.where(disc, 220, 40)], 2).astype(np.uint8)
    return ImageBuffer.from_rgb(rgb)


def as_image_pipeline(folder: Path) -> Any:
    pipeline = diffusers.StableDiffusionImg2ImgPipeline(
        **{name: part for name, part in load_pipeline(folder).components.items() if name != "requires_safety_checker"},
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def pipeline(tiny_model: Path) -> Any:
    return as_image_pipeline(tiny_model)


@pytest.fixture(scope="module")
def zero_snr_pipeline(zero_snr_model: Path) -> Any:
    return as_image_pipeline(zero_snr_model)


def pipeline_pixels(pipeline: Any, scheduler: Any, sampler: str, **arguments: Any) -> np.ndarray:
    pipeline.scheduler = scheduler
    result = pipeline(
        "a red apple",
        image=Image.fromarray(a_picture().rgb),
        eta=0.3 if sampler == "TCD" else 0.0,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
        **arguments,
    )
    return (result.images[0] * 255).round().astype(np.uint8)


def our_pixels(run: Run, model: Path, images: ImagesInMemory, **changes: Any) -> np.ndarray:
    events = run(make_request(model, image=images.add(a_picture()), **changes))
    (picture,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
    return picture.image.rgb


@pytest.mark.parametrize("sampler", STOCK)
def test_every_sampler_equals_the_pipeline(
    sampler: str, run: Run, images: ImagesInMemory, tiny_model: Path, pipeline: Any
) -> None:
    ours = our_pixels(run, tiny_model, images, sampler=sampler, steps=6, strength=0.6, negative="blue")
    scheduler = stock_scheduler(sampler, SD15_SCHEDULER)
    expected = pipeline_pixels(
        pipeline, scheduler, sampler, strength=0.6, num_inference_steps=6, guidance_scale=5.0, negative_prompt="blue"
    )
    assert ours.std() > 0
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("strength", [0.01, 0.35, 0.99, 1.0])
def test_every_strength_equals_the_pipeline(
    strength: float, run: Run, images: ImagesInMemory, zero_snr_model: Path, zero_snr_pipeline: Any
) -> None:
    """The pipeline refuses strengths of less than one step; one step is made then."""
    ours = our_pixels(run, zero_snr_model, images, sampler="DPM++ 2M", steps=4, strength=strength, guidance_scale=3.5)
    scheduler = build_scheduler("DPM++ 2M", ZERO_SNR_SCHEDULER, 4)
    expected = pipeline_pixels(
        zero_snr_pipeline,
        scheduler,
        "DPM++ 2M",
        strength=max(0.25, strength),
        num_inference_steps=4,
        guidance_scale=3.5,
    )
    assert np.array_equal(ours, expected)


def test_strength_0_leaves_every_pixel(run: Run, images: ImagesInMemory, tiny_model: Path) -> None:
    assert np.array_equal(our_pixels(run, tiny_model, images, strength=0.0), a_picture().rgb)


def test_progress_counts_the_steps_that_are_made(run: Run, images: ImagesInMemory, tiny_model: Path) -> None:
    for sampler in ("Euler", "Heun", "PLMS"):
        events = run(make_request(tiny_model, image=images.add(a_picture()), sampler=sampler, steps=8, strength=0.5))
        assert [event.steps for event in events if isinstance(event, Started)] == [4]
        steps = [(event.step, event.steps) for event in events if isinstance(event, Progress)]
        assert steps == [(step, 4) for step in range(5)]


def test_each_picture_of_a_batch_equals_the_single_one(run: Run, images: ImagesInMemory, tiny_model: Path) -> None:
    start = images.add(a_picture())
    batch = run(make_request(tiny_model, image=start, count=2, sampler="Euler a"))
    second = [event for event in batch if isinstance(event, ImageReady)][1]
    (alone,) = [event for event in run(second.request) if isinstance(event, ImageReady)]
    assert alone.image == second.image


def test_another_shape_is_cut_to_the_middle_and_transparency_lies_on_white(
    run: Run, images: ImagesInMemory, tiny_model: Path
) -> None:
    pixels = np.zeros((100, 300, 4), np.uint8)
    pixels[:, 100:200] = (200, 30, 30, 255)
    start = images.add(ImageBuffer(pixels))
    request = make_request(tiny_model, image=start, strength=0.0, size=Size(96, 64))
    (made,) = [event for event in run(request) if isinstance(event, ImageReady)]
    assert made.image.size == Size(96, 64)
    # Of 300 x 100 the middle 150 x 100 is taken: 25 px of white, 100 of red, 25 of white.
    assert made.image.rgb[32, 2].tolist() == [255, 255, 255]
    assert made.image.rgb[32, 48].tolist() == [200, 30, 30]


def test_a_picture_that_is_not_in_the_store_fails_in_words(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    store = ImageStore(tmp_path)
    gone = ImageInput(sha256="0" * 64, width=64, height=64)
    engine = TorchEngine(images=store, upscaler=tmp_path / "none", threads=1)
    events: list[Any] = []
    engine.run("job", make_request(tiny_model, image=gone), events.append, CancelToken())
    engine.close()
    failed = events[-1]
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.BAD_INPUT
    assert "not in the store any more" in failed.message
