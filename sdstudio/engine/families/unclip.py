"""Stable Diffusion 2.1 unCLIP: beside the prompt the network is told what CLIP sees in one or several pictures.

A variation begins with noise alone; below strength 1 it also begins with the picture's latents, noised so far. Without
any picture the network is told nothing, as in the half without a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.embedding_stats import find_stats
from sdstudio.engine.families.sd import begin_sd, read_sd
from sdstudio.engine.faults import damaged
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.picture_embedding import EmbeddingNoise, PictureEncoder, mixed_embedding
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.source import ModelSource


@dataclass(frozen=True, slots=True, eq=False)
class UnclipParts:
    """What looks at pictures, and what puts noise on what it saw."""

    encoder: PictureEncoder
    noise: EmbeddingNoise


def read_unclip(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """Raises what the source raises, and ModelError for parts that do not fit together."""
    model = read_sd(source, probe)
    encoder = PictureEncoder(source.image_encoder(), source.device)
    if model.unet.config.projection_class_embeddings_input_dim != 2 * encoder.width:
        raise damaged("image_encoder", "its picture encoder and its network do not fit together")
    noise = _noise(source, encoder)
    return replace(
        model,
        begin=begin_unclip,
        begin_mixed=begin_unclip,
        parts=UnclipParts(encoder, noise),
        more_networks=(encoder.network,),
    )


def _noise(source: ModelSource, encoder: PictureEncoder) -> EmbeddingNoise:
    mean, std, measured = find_stats(source, encoder.width)
    like: dict[str, Any] = {"device": source.device.torch_device, "dtype": source.device.dtype}
    scheduler = DDPMScheduler.from_config(source.scheduler("image_noising_scheduler"))
    return EmbeddingNoise(mean.to(**like), std.to(**like), scheduler, measured)


def begin_unclip(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
    mixed: tuple[ImageBuffer, ...] = (),
) -> DenoiseContext:
    """`mixed` are the pictures of `request.mix`, in its order. The noise of the embedding is drawn before all else."""
    told = _told(request, model.parts, generator, start, mixed)
    varied = mask is None and request.strength == 1.0
    context = begin_sd(request, model, generator, None if varied else start, mask)
    width = 2 * model.parts.encoder.width
    nothing = torch.zeros(1, width, dtype=model.unet.dtype, device=model.device.torch_device)
    told = nothing if told is None else told.to(nothing)
    labels = torch.cat([nothing, told]) if context.guided else told
    context.unet_options = context.unet_options | {"class_labels": labels}
    return context


def _told(
    request: GenerationRequest,
    parts: UnclipParts,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mixed: tuple[ImageBuffer, ...],
) -> torch.Tensor | None:
    """1 x 2 width of all pictures together; None where there is none. The picture that is begun with has the weight 1
    unless it is one of the mixed ones itself."""
    pictures = [(image, each.weight) for image, each in zip(mixed, request.mix, strict=True)]
    named = request.image is not None and request.image.sha256 in {each.image.sha256 for each in request.mix}
    if start is not None and not named:
        pictures.insert(0, (start, 1.0))
    if not pictures:
        return None
    weights = [weight for _, weight in pictures]
    embedding = mixed_embedding([parts.encoder.embed(image) for image, _ in pictures], weights)
    return parts.noise.add(embedding, request.noise_level or 0, generator)
