"""Inpainting against the stock StableDiffusionInpaintPipeline, bit for bit, on the same components.

Masks are hard and made of whole latent cells: the pipeline knows no others, and takes one pixel of each cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from sdstudio.domain.edits import FillMode, InpaintSpec
from sdstudio.domain.events import ImageReady
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.samplers import build_scheduler
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.engine.test_pipeline_equality import KINDS, STOCK, load_pipeline, stock_scheduler
from tests.helpers.tiny_models import SD15_SCHEDULER, ZERO_SNR_SCHEDULER, ImagesInMemory, make_request, make_tiny_model

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


SPACED = ("Karras", "Exponential")


def a_mask() -> np.ndarray:
    """64 x 64, an L of whole cells."""
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 8:32] = 255
    mask[40:48, 32:56] = 255
    return mask


def as_picture(mask: np.ndarray) -> ImageBuffer:
    return ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2))


def as_inpaint_pipeline(folder: Path) -> Any:
    parts = load_pipeline(folder).components
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        **{name: part for name, part in parts.items() if name != "requires_safety_checker"},
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, zero_snr_model: Path) -> dict[str, Path]:
    """By number of channels and decoder. The pipelines' helper knows the tiny decoder by "zero-snr" in the name."""
    tiny = {"vae": "AutoencoderTiny", "scheduler": ZERO_SNR_SCHEDULER}
    return {
        "4 KL": tiny_model,
        "4 Tiny": zero_snr_model,
        "9 KL": make_tiny_model(tmp_path_factory.mktemp("nine-kl"), channels=9),
        "9 Tiny": make_tiny_model(tmp_path_factory.mktemp("nine-zero-snr"), channels=9, **tiny),
    }


@pytest.fixture(scope="module")
def pipelines(models: dict[str, Path]) -> dict[str, Any]:
    return {name: as_inpaint_pipeline(folder) for name, folder in models.items()}


def scheduler_for(model: str, sampler: str, steps: int) -> Any:
    if "KL" in model:
        return stock_scheduler(sampler, SD15_SCHEDULER)
    return build_scheduler(sampler, ZERO_SNR_SCHEDULER, steps)


def pipeline_pixels(
    pipeline: Any, scheduler: Any, sampler: str, *, whole: bool = False, prompt: str = "a red apple", **more: Any
) -> np.ndarray:
    pipeline.scheduler = scheduler
    result = pipeline(
        prompt,
        image=Image.fromarray(a_picture().rgb),
        mask_image=Image.fromarray(np.full((64, 64), 255, np.uint8) if whole else a_mask()),
        height=64,
        width=64,
        eta=0.3 if sampler == "TCD" else 0.0,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
        **more,
    )
    return (result.images[0] * 255).round().astype(np.uint8)


def our_pixels(
    run: Run, model: Path, images: ImagesInMemory, *, mode: FillMode = FillMode.FILL, **more: Any
) -> np.ndarray:
    inpaint = InpaintSpec(mask=images.add(as_picture(a_mask())), mode=mode)
    events = run(make_request(model, image=images.add(a_picture()), inpaint=inpaint, **more))
    (picture,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
    assert picture.image.rgb.std() > 0
    return picture.image.rgb


# Of the noise levels in another order, one: the others' are tried in image to image.
TRIED = [(sampler, 4, 0.6) for sampler in STOCK if sampler == "DPM++ 2M Karras" or sampler.split()[-1] not in SPACED]
TRIED += [(sampler, 4, 1.0) for sampler in KINDS]
TRIED += [(sampler, 9, 0.6) for sampler in KINDS] + [(sampler, 9, 1.0) for sampler in ("Euler a", "Heun")]


@pytest.mark.parametrize(("sampler", "channels", "strength"), TRIED)
def test_every_sampler_equals_the_pipeline(
    sampler: str,
    channels: int,
    strength: float,
    run: Run,
    images: ImagesInMemory,
    models: dict[str, Path],
    pipelines: dict[str, Any],
) -> None:
    name = f"{channels} KL"
    ours = our_pixels(run, models[name], images, sampler=sampler, steps=6, strength=strength, negative="blue")
    expected = pipeline_pixels(
        pipelines[name],
        scheduler_for(name, sampler, 6),
        sampler,
        strength=strength,
        num_inference_steps=6,
        guidance_scale=5.0,
        negative_prompt="blue",
    )
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize(
    ("strength", "guidance", "sampler"),
    [
        (0.25, 3.5, "DPM++ 2M"),
        (0.55, 1.0, "Euler a"),
        (0.9, 3.5, "DPM++ 2M"),
        (0.99, 3.5, "Euler a"),
        (1.0, 1.0, "DPM++ 2M"),
    ],
)
@pytest.mark.parametrize("name", ["4 KL", "4 Tiny", "9 KL", "9 Tiny"])
def test_every_strength_equals_the_pipeline(
    name: str,
    strength: float,
    guidance: float,
    sampler: str,
    run: Run,
    images: ImagesInMemory,
    models: dict[str, Path],
    pipelines: dict[str, Any],
) -> None:
    ours = our_pixels(run, models[name], images, sampler=sampler, steps=4, strength=strength, guidance_scale=guidance)
    expected = pipeline_pixels(
        pipelines[name],
        scheduler_for(name, sampler, 4),
        sampler,
        strength=strength,
        num_inference_steps=4,
        guidance_scale=guidance,
    )
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("name", ["4 KL", "9 Tiny"])
def test_remove_equals_the_pipeline_with_the_prompt_as_the_negative(
    name: str, strength: float, run: Run, images: ImagesInMemory, models: dict[str, Path], pipelines: dict[str, Any]
) -> None:
    ours = our_pixels(
        run, models[name], images, mode=FillMode.REMOVE, positive="a lamp ", negative="blue", strength=strength
    )
    expected = pipeline_pixels(
        pipelines[name],
        scheduler_for(name, "Euler", 4),
        "Euler",
        prompt="",
        negative_prompt="a lamp, blue",
        strength=strength,
        num_inference_steps=4,
        guidance_scale=5.0,
    )
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("sampler", ["Euler", "Euler a"])
@pytest.mark.parametrize("name", ["9 KL", "9 Tiny"])
def test_without_a_mask_an_inpainting_model_is_asked_for_everything(
    name: str, sampler: str, run: Run, images: ImagesInMemory, models: dict[str, Path], pipelines: dict[str, Any]
) -> None:
    """To one level where it begins with a picture: the latents lie in memory as StableDiffusionImg2ImgPipeline's do,
    which decides the last bits of convolutions."""
    from_noise = run(make_request(models[name], sampler=sampler))
    from_picture = run(make_request(models[name], sampler=sampler, image=images.add(a_picture()), strength=0.5))
    for events, strength, levels in ((from_noise, 1.0, 0), (from_picture, 0.5, 1)):
        (made,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
        expected = pipeline_pixels(
            pipelines[name],
            scheduler_for(name, sampler, 4),
            sampler,
            whole=True,
            strength=strength,
            num_inference_steps=4,
            guidance_scale=5.0,
        )
        assert np.abs(made.image.rgb.astype(int) - expected).max() <= levels
