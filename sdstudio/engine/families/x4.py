"""Stable Diffusion's x4 upscaler: makes a small picture four times larger, and what the prompt says of it sharp.

A request's size is that of the result; the picture is brought to a quarter of it, and noise of a chosen level put on
it, so that the network need not take every flaw for truth. Order of draws and arithmetic are those of
StableDiffusionUpscalePipeline, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.encode import pixel_values
from sdstudio.engine.families.sd import read_sd
from sdstudio.engine.families.wants import picture_for
from sdstudio.engine.faults import damaged, read_json
from sdstudio.engine.hooks.mask import ShownHook
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.source import ModelSource
from sdstudio.engine.tasks.image import fitted_rgb
from sdstudio.engine.tasks.text import prepare_from_noise

_COLOURS = 3
USUAL_NOISE = 20
_HIGHEST_NOISE = 350
"""Both as published; the model's own description may say another highest one."""


@dataclass(frozen=True, slots=True, eq=False)
class UpscalerParts:
    """`noising`: what puts noise on the small picture; `highest`: the highest level that the network has learnt."""

    noising: Any
    highest: int


def read_x4(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """Raises what the source raises, and ModelError for parts that do not fit together."""
    model = read_sd(source, probe, beside=_COLOURS)
    noising = DDPMScheduler.from_config(source.scheduler("low_res_scheduler"))
    highest = read_json(source.described / "model_index.json", "model_index.json").get("max_noise_level")
    highest = highest if isinstance(highest, int) else _HIGHEST_NOISE
    levels = model.unet.config.num_class_embeds
    if not levels:
        raise damaged("unet", "it cannot be told how much noise there is")
    highest = min(highest, int(levels) - 1, int(noising.config.num_train_timesteps) - 1)
    return replace(model, begin=begin_x4, parts=UpscalerParts(noising, highest))


def begin_x4(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
) -> DenoiseContext:
    """From noise, beside the small picture. Raises InvalidRequest("image") without one, ("mask") with a mask, and
    ("noise_level")."""
    start = picture_for(model, start)
    if mask is not None:
        raise InvalidRequest(
            "mask",
            f"“{model.spec.name}” makes whole pictures larger; it cannot change a part of one.",
            hint="Leave the mask out, or choose another model.",
        )
    level = _noise_level(request, model.parts.highest)
    small = _noisy(request, model, generator, start, level)
    context = prepare_from_noise(request, model, generator)
    context.hooks = (ShownHook(small), *context.hooks)
    labels = torch.full((context.copies,), level, dtype=torch.long, device=small.device)
    context.unet_options = context.unet_options | {"class_labels": labels}
    return context


def _noise_level(request: GenerationRequest, highest: int) -> int:
    level = min(USUAL_NOISE, highest) if request.noise_level is None else request.noise_level
    if level > highest:
        raise InvalidRequest(
            "noise_level",
            f"The noise level {level} is not possible with this model.",
            hint=f"Choose a whole number from 0 to {highest}; {USUAL_NOISE} is usual.",
        )
    return level


def _noisy(
    request: GenerationRequest, model: LoadedModel, generator: torch.Generator, start: ImageBuffer, level: int
) -> torch.Tensor:
    """1 x 3 x h x w, of as many pixels as there are latents."""
    factor = model.pixels_per_latent
    size = Size(request.size.width // factor, request.size.height // factor)
    small = pixel_values(fitted_rgb(start, size)).to(model.unet.dtype)
    noise = torch.randn(small.shape, generator=generator, dtype=small.dtype)
    noisy: torch.Tensor = model.parts.noising.add_noise(small, noise, torch.tensor([level]))
    return noisy.to(model.device.torch_device)
