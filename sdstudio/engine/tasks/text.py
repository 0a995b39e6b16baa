"""Pictures from a prompt alone."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from typing import Any

import torch

from sdstudio.domain.engine_api import CancelToken, Emit
from sdstudio.domain.errors import ModelError
from sdstudio.domain.events import ImageReady
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.decode import decode
from sdstudio.engine.denoise import DenoiseContext, Hook, denoise
from sdstudio.engine.hooks.cancel import CancelHook, check_cancel, interruptible
from sdstudio.engine.hooks.preview import PreviewHook
from sdstudio.engine.hooks.progress import ProgressHook
from sdstudio.engine.latents import to_image
from sdstudio.engine.loader import LoadedModel
from sdstudio.engine.samplers import RECIPES, build_scheduler


def run_text(job_id: str, request: GenerationRequest, emit: Emit, cancel: CancelToken, *, model: LoadedModel) -> None:
    """Emits Progress and Preview for each step and ImageReady for each picture.

    Each picture is worked out alone, so that it equals the single picture of its seed bit for bit.
    Raises CancelledByUser, StudioErrors, and what torch raises when memory runs out.
    """
    with interruptible((model.unet, model.vae), cancel):
        for index in range(request.sampling.count):
            begin = time.perf_counter()
            single = request.for_batch(index)
            hooks = (
                CancelHook(cancel),
                ProgressHook(job_id, index, emit),
                PreviewHook(job_id, index, request.size, model.colours, emit),
            )
            image = make_picture(single, model, cancel, hooks)
            seconds = time.perf_counter() - begin
            emit(ImageReady(job_id=job_id, index=index, image=image, request=single, seconds=seconds))


@torch.inference_mode()
def make_picture(
    request: GenerationRequest, model: LoadedModel, cancel: CancelToken, hooks: Sequence[Hook] = ()
) -> ImageBuffer:
    """Condition, prepare, denoise and decode one picture. Raises as `run_text` does."""
    check_cancel(cancel)
    generator = torch.Generator("cpu").manual_seed(request.sampling.seed)
    latents = denoise(prepare(request, model, generator), hooks)
    if not bool(torch.isfinite(latents).all()):
        raise ModelError(
            f"The picture fell apart: “{request.sampling.sampler}” ended in values that are no colours.",
            meaning="This sampler, number of steps or guidance does not suit the model.",
            hint="Try another sampler, more steps, or a lower guidance scale.",
        )
    check_cancel(cancel)
    decoded = decode(model, latents)
    check_cancel(cancel)
    return to_image(decoded)


def prepare(request: GenerationRequest, model: LoadedModel, generator: torch.Generator) -> DenoiseContext:
    """The loop's beginning: conditioning, the sampler's schedule, and noise of the request's seed.

    The generator lives on the CPU whatever the device, so that a seed means the same noise everywhere.
    """
    sampling, device = request.sampling, model.device.torch_device
    distilled = model.unet.config.time_cond_proj_dim
    embeddings = model.conditioner.encode(request.prompt, guided=sampling.guidance_scale > 1 and distilled is None)
    scheduler = build_scheduler(sampling.sampler, model.scheduler_config, sampling.steps)
    factor = model.pixels_per_latent
    shape = (1, model.unet.config.in_channels, request.size.height // factor, request.size.width // factor)
    noise = torch.randn(shape, generator=generator, dtype=model.unet.dtype).to(device)
    step_options = dict(RECIPES[sampling.sampler].step_options)
    if _takes_generator(scheduler):
        step_options["generator"] = generator
    return DenoiseContext(
        unet=model.unet,
        scheduler=scheduler,
        latents=noise * scheduler.init_noise_sigma,
        embeddings=embeddings,
        steps=sampling.steps,
        guidance_scale=sampling.guidance_scale,
        guidance_rescale=sampling.guidance_rescale,
        step_options=step_options,
        timestep_cond=None if distilled is None else _guidance_embedding(sampling.guidance_scale, distilled, noise),
    )


def _takes_generator(scheduler: Any) -> bool:
    return "generator" in inspect.signature(scheduler.step).parameters


def _guidance_embedding(scale: float, width: int, like: torch.Tensor) -> torch.Tensor:
    """1 x width: the guidance scale as an input of the network, for models distilled with it (Luo et al. 2023)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float32) * -(torch.log(torch.tensor(10000.0)) / (half - 1)))
    angles = torch.tensor([scale - 1.0])[:, None] * 1000.0 * rates[None, :]
    waves = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
    return torch.nn.functional.pad(waves, (0, width % 2)).to(device=like.device, dtype=like.dtype)
