"""The beginning that all tasks share: conditioning, and the sampler's schedule."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.samplers import RECIPES, build_scheduler
from sdstudio.engine.tasks.second_stage import add_second_stage


def make_scheduler(request: GenerationRequest, model: LoadedModel) -> Any:
    return build_scheduler(request.sampling.sampler, model.scheduler_config, request.sampling.steps)


def draw_noise(request: GenerationRequest, model: LoadedModel, generator: torch.Generator) -> torch.Tensor:
    """1 x C x h x w on the device, drawn on the CPU."""
    factor = model.pixels_per_latent
    shape = (1, model.latents.channels, request.size.height // factor, request.size.width // factor)
    return torch.randn(shape, generator=generator, dtype=model.unet.dtype).to(model.device.torch_device)


def make_context(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    *,
    scheduler: Any,
    timesteps: torch.Tensor,
    latents: torch.Tensor,
    hooks: tuple[Hook, ...] = (),
    unet_options: dict[str, Any] | None = None,
) -> DenoiseContext:
    """`latents` at the noise of the first of `timesteps`. Further noise of the sampler comes from the generator.
    `hooks` are the task's own; so are `unet_options`, beside those of the text side."""
    sampling = request.sampling
    guided = sampling.guidance_scale > 1 and model.unet.config.time_cond_proj_dim is None
    conditioning = model.conditioner.condition(request, guided)
    distilled = model.unet.config.time_cond_proj_dim
    step_options = dict(RECIPES[sampling.sampler].step_options)
    if "generator" in inspect.signature(scheduler.step).parameters:
        step_options["generator"] = generator
    context = DenoiseContext(
        unet=model.unet,
        scheduler=scheduler,
        timesteps=timesteps,
        latents=latents,
        embeddings=conditioning.embeddings,
        steps=request.steps_made,
        guidance_scale=sampling.guidance_scale,
        guidance_rescale=sampling.guidance_rescale,
        step_options=step_options,
        hooks=hooks,
        unet_options=conditioning.unet_options | (unet_options or {}),
        timestep_cond=None if distilled is None else guidance_embedding(sampling.guidance_scale, distilled, latents),
    )
    add_second_stage(context, request, model)
    return context


def guidance_embedding(scale: float, width: int, like: torch.Tensor) -> torch.Tensor:
    """1 x width: the guidance scale as an input of the network, for models distilled with it (Luo et al. 2023)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float32) * -(torch.log(torch.tensor(10000.0)) / (half - 1)))
    angles = torch.tensor([scale - 1.0])[:, None] * 1000.0 * rates[None, :]
    waves = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
    return torch.nn.functional.pad(waves, (0, width % 2)).to(device=like.device, dtype=like.dtype)
