"""A second model makes the last, least noisy steps, as SDXL's refiner does: it goes on with the latents as they are.

The two share the sampler, its spacing of the steps and the noise that it draws; each has its own network, its own
reading of the prompt, and its own schedule of noise. Only whole steps are handed over. For samplers that call the
network once a step this is denoising_end and denoising_start of diffusers' pipelines, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.conditioning import Conditioning
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.samplers import build_scheduler, timestep_spacing

_SECOND = frozenset({None, ModelFamily.SD1, ModelFamily.SD2, ModelFamily.SD2_BASE, ModelFamily.SD2_V}) | {
    ModelFamily.SDXL,
    ModelFamily.SDXL_REFINER,
}
"""They read latents and a prompt, and nothing else of the picture."""
_FIRST = _SECOND | {ModelFamily.SD1_INPAINTING, ModelFamily.SD2_INPAINTING, ModelFamily.SDXL_INPAINTING}


@dataclass(frozen=True, slots=True)
class _Stage:
    """What the loop works with from `call` on."""

    call: int
    unet: Any
    scheduler: Any
    conditioning: Conditioning


class SecondStageHook(Hook):
    """Exchanges the network, what it reads and the sampler's state when its first step comes."""

    def __init__(self, stage: _Stage) -> None:
        self._stage = stage

    def before_step(self, context: DenoiseContext) -> None:
        stage = self._stage
        if context.call == stage.call:
            context.unet, context.scheduler = stage.unet, stage.scheduler
            context.embeddings, context.unet_options = stage.conditioning.embeddings, stage.conditioning.unet_options


def add_second_stage(context: DenoiseContext, request: GenerationRequest, model: LoadedModel) -> None:
    """`context` is the whole loop with `model`; its last steps become those of `model.second`, where it has one.
    Raises InvalidRequest("clip_skip") for what the second text side cannot."""
    second = model.second
    if second is None or request.refiner is None:
        return
    steps = request.sampling.steps
    shared = {"timestep_spacing": timestep_spacing(model.scheduler_config, steps)}
    scheduler = build_scheduler(request.sampling.sampler, second.scheduler_config | shared, steps)
    made = len(scheduler.timesteps) - len(context.timesteps)
    call = handed_over(context.timesteps, context.scheduler, request.refiner.begin)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(made + call)
    context.timesteps = torch.cat([context.timesteps[:call], scheduler.timesteps[made + call :]])
    stage = _Stage(call, second.unet, scheduler, second.conditioner.condition(request, context.guided))
    context.hooks = (*context.hooks, SecondStageHook(stage))


def handed_over(timesteps: torch.Tensor, scheduler: Any, begin: float) -> int:
    """The number of calls of the network before the second stage: those noisier than what the share `begin` of all the
    noise leaves, and of samplers that call it twice a step, whole steps."""
    every = int(scheduler.config.num_train_timesteps)
    left = round(every - begin * every)
    calls = int((timesteps >= left).sum())
    return calls - calls % int(scheduler.order)


def check_second(model: LoadedModel, second: LoadedModel) -> None:
    """Raises InvalidRequest("refiner") for two models that do not go together."""
    one, other = model.latents, second.latents
    same = (one.channels, one.shift) == (other.channels, other.shift) and abs(one.scale - other.scale) < 1e-6
    plain = model.family in _FIRST and second.family in _SECOND and not second.inpainting
    distilled = [each.unet.config.time_cond_proj_dim for each in (model, second)]
    if same and plain and model.pixels_per_latent == second.pixels_per_latent and distilled == [None, None]:
        return
    raise InvalidRequest(
        "refiner",
        f"“{second.spec.name}” cannot finish what “{model.spec.name}” begins: they are of different kinds.",
        hint="Choose the SDXL refiner for SDXL models, or another model of the same family.",
    )
