"""Pictures that begin with another picture: noised so far, the last steps made anew (SDEdit, Meng et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.encode import encode
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.context import draw_noise, make_context, make_scheduler
from sdstudio.engine.tasks.shown import show_nothing


def prepare_from_image(
    request: GenerationRequest, model: LoadedModel, generator: torch.Generator, start: ImageBuffer
) -> DenoiseContext:
    """The loop's beginning from the picture's latents, as noisy as the first of the steps to be made."""
    scheduler = make_scheduler(request, model)
    timesteps = last_timesteps(scheduler, request.sampling.steps, request.steps_made)
    source = encode(model, fitted_rgb(start, request.size), generator)
    noise = draw_noise(request, model, generator)
    latents = scheduler.add_noise(source, noise, timesteps[:1])
    hooks = show_nothing(request.size, model, generator)
    return make_context(
        request, model, generator, scheduler=scheduler, timesteps=timesteps, latents=latents, hooks=hooks
    )


def last_timesteps(scheduler: Any, steps: int, made: int) -> torch.Tensor:
    """Those of the last `made` of `steps` steps; the scheduler begins with them."""
    first = (steps - made) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return scheduler.timesteps[first:]


def fitted_rgb(image: ImageBuffer, size: Size) -> Pixels:
    """H x W x 3 of the size wanted: what is transparent as on white paper; the middle, where the shape is another."""
    picture = Image.fromarray(image.pixels)
    if not image.opaque:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    if image.size != size:
        scale = max(size.width / picture.width, size.height / picture.height)
        width, height = size.width / scale, size.height / scale
        left, top = (picture.width - width) / 2, (picture.height - height) / 2
        box = (left, top, left + width, top + height)
        picture = picture.resize((size.width, size.height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(picture)
