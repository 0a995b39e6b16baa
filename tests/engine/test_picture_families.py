"""Depth, x4 upscaler and InstructPix2Pix against the stock pipelines, bit for bit, on the same components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.generate import make_picture
from tests.engine.test_pipeline_equality import STOCK
from tests.helpers.one_file import make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:In CPU autocast")

DEPTH, X4, PIX2PIX = ModelFamily.SD2_DEPTH, ModelFamily.X4_UPSCALER, ModelFamily.PIX2PIX
SAMPLERS = ("Euler", "Euler a", "DDIM", "DPM++ 2M", "Heun")


def a_picture(side: int = 64) -> ImageBuffer:
    """Colours that run, and a square nearer than the rest."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    rgb = np.stack([rows, columns, 1 - rows * columns], axis=2)
    rgb[side // 4 : side // 2, side // 4 : side // 2] = (0.9, 0.1, 0.2)
    return ImageBuffer.from_rgb((rgb * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[ModelFamily, Path]:
    return {
        family: make_one_file(tmp_path_factory.mktemp(family.name), family).folder for family in (DEPTH, X4, PIX2PIX)
    }


@pytest.fixture(scope="module")
def models(folders: dict[ModelFamily, Path]) -> dict[ModelFamily, LoadedModel]:
    return {
        family: read_model(ModelSpec(name="Tiny", path=str(folder)), choose_device(1))
        for family, folder in folders.items()
    }


def parts_of(model: LoadedModel) -> dict[str, Any]:
    """The very same networks: copies elsewhere in memory give other last bits."""
    folder = Path(model.spec.path)
    return {
        "vae": model.vae,
        "text_encoder": CLIPTextModel.from_pretrained(folder / "text_encoder"),
        "tokenizer": CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        "unet": model.unet,
        "scheduler": diffusers.DDIMScheduler.from_pretrained(folder / "scheduler"),
    }


@pytest.fixture(scope="module")
def pipelines(models: dict[ModelFamily, LoadedModel]) -> dict[ModelFamily, Any]:
    folders = {family: Path(model.spec.path) for family, model in models.items()}
    depth = diffusers.StableDiffusionDepth2ImgPipeline(
        **parts_of(models[DEPTH]),
        depth_estimator=models[DEPTH].parts.sight.network,
        feature_extractor=DPTImageProcessorPil.from_pretrained(folders[DEPTH] / "feature_extractor"),
    )
    low = diffusers.DDPMScheduler.from_pretrained(folders[X4] / "low_res_scheduler")
    x4 = diffusers.StableDiffusionUpscalePipeline(**parts_of(models[X4]), low_res_scheduler=low)
    pix2pix = diffusers.StableDiffusionInstructPix2PixPipeline(
        **parts_of(models[PIX2PIX]), safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    made = {DEPTH: depth, X4: x4, PIX2PIX: pix2pix}
    for pipeline in made.values():
        pipeline.set_progress_bar_config(disable=True)
    return made


def scheduler_of(pipeline: Any, sampler: str, config: dict[str, Any]) -> Any:
    class_name, options = STOCK[sampler]
    # The spacing that a published configuration means where it does not say.
    spacing = getattr(diffusers, config["_class_name"]).from_config(config).config["timestep_spacing"]
    more = {"timestep_spacing": spacing, "clip_sample": False} | options
    return getattr(diffusers, class_name).from_config(config, **more)


def stock_pixels(pipeline: Any, sampler: str, image: ImageBuffer, **arguments: Any) -> np.ndarray:
    config = dict(diffusers.DDIMScheduler.load_config(pipeline.folder / "scheduler"))
    pipeline.scheduler = scheduler_of(pipeline, sampler, config)
    result = pipeline(
        "a red apple",
        image=Image.fromarray(image.rgb),
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
        **arguments,
    )
    return (result.images[0] * 255).round().astype(np.uint8)


def our_pixels(model: LoadedModel, image: ImageBuffer, mask: ImageBuffer | None = None, **changes: Any) -> np.ndarray:
    images = ImagesInMemory()
    request = make_request(Path(model.spec.path), image=images.add(image), **changes)
    made = make_picture(request, model, CancelToken(), start=image, mask=mask).rgb
    assert made.std() > 0
    return made


@pytest.fixture
def stock(pipelines: dict[ModelFamily, Any], folders: dict[ModelFamily, Path]) -> Any:
    def stock_(family: ModelFamily, sampler: str, image: ImageBuffer, **arguments: Any) -> np.ndarray:
        object.__setattr__(pipelines[family], "folder", folders[family])
        return stock_pixels(pipelines[family], sampler, image, **arguments)

    return stock_


def differing(ours: np.ndarray, expected: np.ndarray) -> str:
    off = np.abs(ours.astype(int) - expected)
    return f"{(off > 0).sum()} values, by at most {off.max()}"


@pytest.mark.parametrize(
    ("sampler", "strength", "guidance"),
    [*((sampler, 0.6, 5.0) for sampler in SAMPLERS), ("Euler", 1.0, 1.0), ("DPM++ 2M", 1.0, 1.0)],
)
def test_depth_equals_the_pipeline(
    sampler: str,
    strength: float,
    guidance: float,
    models: dict[ModelFamily, LoadedModel],
    stock: Any,
) -> None:
    ours = our_pixels(models[DEPTH], a_picture(), sampler=sampler, strength=strength, guidance_scale=guidance)
    expected = stock(DEPTH, sampler, a_picture(), strength=strength, num_inference_steps=4, guidance_scale=guidance)
    assert np.array_equal(ours, expected), differing(ours, expected)


@pytest.mark.parametrize(
    ("sampler", "level", "guidance"),
    [
        *((sampler, None, 9.0) for sampler in SAMPLERS),
        ("Euler", 0, 1.0),
        ("DPM++ 2M", 0, 1.0),
        ("Euler", 350, 9.0),
        ("DPM++ 2M", 350, 9.0),
    ],
)
def test_the_upscaler_equals_the_pipeline(
    sampler: str,
    level: int | None,
    guidance: float,
    models: dict[ModelFamily, LoadedModel],
    stock: Any,
) -> None:
    options = {} if level is None else {"noise_level": level}
    ours = our_pixels(models[X4], a_picture(16), sampler=sampler, guidance_scale=guidance, negative="blue", **options)
    expected = stock(
        X4, sampler, a_picture(16), num_inference_steps=4, guidance_scale=guidance, negative_prompt="blue", **options
    )
    assert ours.shape == expected.shape == (64, 64, 3)
    assert np.array_equal(ours, expected), differing(ours, expected)


@pytest.mark.parametrize(
    ("sampler", "guidance", "image_guidance"),
    [
        *((sampler, 7.5, 1.5) for sampler in SAMPLERS),
        ("Euler", 7.5, 1.0),
        ("DPM++ 2M", 7.5, 1.0),
        ("Euler", 7.5, 0.5),
        ("Euler", 1.0, 1.5),
        ("DPM++ 2M", 1.0, 1.5),
    ],
)
def test_pix2pix_equals_the_pipeline(
    sampler: str,
    guidance: float,
    image_guidance: float,
    models: dict[ModelFamily, LoadedModel],
    stock: Any,
) -> None:
    scales = {"guidance_scale": guidance, "image_guidance_scale": image_guidance}
    ours = our_pixels(models[PIX2PIX], a_picture(), sampler=sampler, negative="blue", **scales)
    expected = stock(PIX2PIX, sampler, a_picture(), num_inference_steps=4, negative_prompt="blue", **scales)
    assert np.array_equal(ours, expected), differing(ours, expected)
