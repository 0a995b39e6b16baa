"""InstructPix2Pix: a picture, and an instruction what to change in it (Brooks et al. 2023).

The network sees the picture's latents beside the noisy ones, at every step, and begins with noise alone. It is asked
three times: with the instruction and the picture, with the picture alone, and with neither; one guidance says how
closely the instruction is followed, the other how closely the picture is. Order of draws and arithmetic are those of
StableDiffusionInstructPix2PixPipeline, bit for bit; behind a mask the rest of the picture is put back after each step.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, SamplingSpec
from sdstudio.engine.denoise import Combine, DenoiseContext, rescale_guidance
from sdstudio.engine.encode import most_likely
from sdstudio.engine.families.sd import read_sd
from sdstudio.engine.families.wants import picture_for
from sdstudio.engine.hooks.mask import ShownHook
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.source import ModelSource
from sdstudio.engine.tasks.image import fitted_rgb
from sdstudio.engine.tasks.inpaint import prepare_for_inpaint
from sdstudio.engine.tasks.text import prepare_from_noise

_PICTURE_CHANNELS = 4


def read_pix2pix(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """Raises what the source raises, and ModelError for parts that do not fit together."""
    return replace(read_sd(source, probe, beside=_PICTURE_CHANNELS), begin=begin_pix2pix)


def begin_pix2pix(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
) -> DenoiseContext:
    """From noise, beside the picture. Raises InvalidRequest("image") without one."""
    start = picture_for(model, start)
    # Not scaled, unlike latents that are made: so the network has learnt it.
    seen = most_likely(model, fitted_rgb(start, request.size))
    if mask is None:
        context = prepare_from_noise(request, model, generator)
    else:
        context = prepare_for_inpaint(request, model, generator, start, mask)
    _guide(context, seen, request.sampling)
    return context


def _guide(context: DenoiseContext, seen: torch.Tensor, sampling: SamplingSpec) -> None:
    """Three rows, or one where either guidance asks for nothing, as the pipeline has it."""
    if not context.guided:
        context.hooks = (ShownHook(seen), *context.hooks)
        return
    nothing, wanted = context.embeddings.chunk(2)
    if sampling.image_guidance_scale < 1.0:
        context.embeddings, shown = wanted, seen
    else:
        context.embeddings = torch.cat([wanted, nothing, nothing])
        shown = torch.cat([seen, seen, torch.zeros_like(seen)])
        context.combine = _combine(sampling)
    context.hooks = (ShownHook(shown), *context.hooks)


def _combine(sampling: SamplingSpec) -> Combine:
    def combine(output: torch.Tensor) -> torch.Tensor:
        wanted, picture, nothing = output.chunk(3)
        guided = (
            nothing + sampling.guidance_scale * (wanted - picture) + sampling.image_guidance_scale * (picture - nothing)
        )
        if sampling.guidance_rescale > 0.0:
            guided = rescale_guidance(guided, wanted, sampling.guidance_rescale)
        return guided

    return combine
