"""diffusers' own pipelines over the folders of tiny SDXL models, and what they make: the measure of our loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from sdstudio.domain.edits import FillMode, InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent, ImageReady
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.generate import make_picture
from tests.engine.test_pipeline_equality import stock_scheduler
from tests.helpers.tiny_models import ImagesInMemory, make_request

SCHEDULER = json.loads(
    (Path(__file__).resolve().parents[2] / "resources/checkpoints/sdxl/scheduler/scheduler_config.json").read_text()
)
"""All three families have the same."""


_PARTS: dict[str, Any] = {
    "vae": diffusers.AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
    "tokenizer": CLIPTokenizer,
    "tokenizer_2": CLIPTokenizer,
    "unet": diffusers.UNet2DConditionModel,
}
_FIRST = ("text_encoder", "tokenizer")
"""What the refiner lacks."""


def load_xl_pipeline(folder: Path, kind: str = "", *, like: Any = None) -> Any:
    """`kind`: "", "Img2Img" or "Inpaint". `like`: a pipeline whose networks, of the same folder, this one takes."""
    first = (folder / "text_encoder").is_dir()
    index = json.loads((folder / "model_index.json").read_text())
    settings = {"force_zeros_for_empty_prompt": index["force_zeros_for_empty_prompt"], "add_watermarker": False}
    if kind:
        settings["requires_aesthetics_score"] = index.get("requires_aesthetics_score", False)
    parts = _PARTS if like is None else {}
    read = {name: kind_.from_pretrained(folder / name) for name, kind_ in parts.items() if first or name not in _FIRST}
    pipeline = getattr(diffusers, f"StableDiffusionXL{kind}Pipeline")(
        **{name: read.get(name) if like is None else getattr(like, name) for name in _PARTS},
        scheduler=stock_scheduler("Euler", SCHEDULER),
        **settings,
    )
    # Networks that could be trained take another way through matrix products, equal but for the last bits.
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
        if part is not None:
            part.requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def made_by(pipeline: Any, sampler: str, *, scheduler: Any = None, **arguments: Any) -> Any:
    """H x W x 3 uint8, or the latents where they are asked for."""
    pipeline.scheduler = scheduler if scheduler is not None else stock_scheduler(sampler, SCHEDULER)
    settings: dict[str, Any] = {
        "prompt": "a red apple",
        "eta": 0.3 if sampler == "TCD" else 0.0,
        "generator": torch.Generator("cpu").manual_seed(7),
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
        "output_type": "np",
    }
    result = pipeline(**settings | arguments).images
    return result if arguments.get("output_type") == "latent" else (result[0] * 255).round().astype(np.uint8)


def read_xl(folder: Path) -> LoadedModel:
    """Read once for many pictures: most of a test's time would go there."""
    return read_model(ModelSpec(name="Tiny", path=str(folder)), choose_device(1))


def drawn(
    model: LoadedModel, *, start: ImageBuffer | None = None, mask: np.ndarray | None = None, **changes: Any
) -> np.ndarray:
    """H x W x 3 uint8 by our loop; `mask` is H x W uint8, `changes` as make_request takes them."""
    images = ImagesInMemory()
    shown = None if mask is None else ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2))
    if start is not None:
        changes["image"] = images.add(start)
    if shown is not None:
        changes["inpaint"] = InpaintSpec(mask=images.add(shown), mode=changes.pop("mode", FillMode.FILL))
    refiner = changes.pop("refiner", None)
    request = replace(make_request(Path(model.spec.path), **changes), refiner=refiner)
    made = make_picture(request, model, CancelToken(), start=start, mask=shown).rgb
    assert made.std() > 0
    return made


def picture_of(events: list[EngineEvent]) -> np.ndarray:
    (made,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
    assert made.image.rgb.std() > 0
    return made.image.rgb
