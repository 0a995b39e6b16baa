"""Stable Diffusion 2 depth: the network is told how far away everything in the picture is, and keeps to that.

The picture's depth is estimated by the model's own MiDaS network. Order and arithmetic are those of
StableDiffusionDepth2ImgPipeline, bit for bit; behind a mask the rest of the picture is put back after each step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.depth_sight import DepthSight, read_sight
from sdstudio.engine.families.sd import begin_sd, read_sd
from sdstudio.engine.families.wants import picture_for
from sdstudio.engine.hooks.mask import ShownHook
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.source import ModelSource
from sdstudio.engine.tasks.image import fitted_rgb

_DEPTH_CHANNELS = 1


@dataclass(frozen=True, slots=True, eq=False)
class DepthParts:
    """What estimates depth."""

    sight: DepthSight


def read_depth(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """Raises what the source raises, and ModelError for parts that do not fit together."""
    model = read_sd(source, probe, beside=_DEPTH_CHANNELS)
    sight = read_sight(source)
    return replace(model, begin=begin_depth, parts=DepthParts(sight), more_networks=(sight.network,))


def begin_depth(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
) -> DenoiseContext:
    """From a picture, or behind a mask in it. Raises InvalidRequest("image") without one."""
    start = picture_for(model, start)
    factor = model.pixels_per_latent
    cells = (request.size.height // factor, request.size.width // factor)
    depth = model.parts.sight.depth(fitted_rgb(start, request.size), cells).to(model.unet.dtype)
    context = begin_sd(request, model, generator, start, mask)
    context.hooks = (ShownHook(depth), *context.hooks)
    return context
