"""Pictures from a prompt alone: the loop begins with pure noise."""

from __future__ import annotations

import torch

from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.context import draw_noise, make_context, make_scheduler
from sdstudio.engine.tasks.shown import show_nothing


def prepare_from_noise(request: GenerationRequest, model: LoadedModel, generator: torch.Generator) -> DenoiseContext:
    """The loop's beginning from noise of the request's seed."""
    scheduler = make_scheduler(request, model)
    latents = draw_noise(request, model, generator) * scheduler.init_noise_sigma
    return make_context(
        request,
        model,
        generator,
        scheduler=scheduler,
        timesteps=scheduler.timesteps,
        latents=latents,
        hooks=show_nothing(request.size, model, generator),
    )
