"""Stable Diffusion 1 and 2, inpainting networks of both among them, and the small models built like them."""

from __future__ import annotations

import torch

from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import Prediction
from sdstudio.domain.request import GenerationRequest, PromptSpec
from sdstudio.engine.conditioning import Conditioner
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.faults import damaged, gone, wrong_kind
from sdstudio.engine.latents import LatentColours, find_latent_spec
from sdstudio.engine.libraries import AutoencoderKL, UNet2DConditionModel
from sdstudio.engine.memory.keeper import ModelMemory
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.source import ModelSource
from sdstudio.engine.tasks.image import prepare_from_image
from sdstudio.engine.tasks.inpaint import prepare_for_inpaint
from sdstudio.engine.tasks.text import prepare_from_noise


def read_sd(source: ModelSource, probe: PredictionProbe, *, beside: int | None = None) -> LoadedModel:
    """`beside`: how many channels the network reads beside the latents; None: none, or those of inpainting.

    Raises what the source raises, and ModelError for parts that do not fit together.
    """
    spec, device = source.spec, source.device
    unet = source.network(UNet2DConditionModel)
    channels = int(unet.config.out_channels)
    if unet.config.in_channels not in ((channels, 2 * channels + 1) if beside is None else (channels + beside,)):
        raise wrong_kind(spec, f"its network reads {unet.config.in_channels} channels at once")
    vae = source.network(AutoencoderKL, "vae")
    encoder = source.text_encoder()
    if encoder.config.hidden_size != unet.config.cross_attention_dim:
        raise damaged("text_encoder", "its text encoder and its network do not fit together")
    # Before the first of them is called: only from now on each is where it can be.
    memory = ModelMemory(device, unet=unet, vae=vae, text=[encoder], plan=source.plan)
    conditioner = Conditioner(source.tokenizer(), encoder, unet.dtype)
    if source.must_be_tried:
        source = source.predicting(_try(source, unet, conditioner, probe))
    return LoadedModel(
        spec=spec,
        device=device,
        unet=unet,
        vae=vae,
        conditioner=conditioner,
        scheduler_config=source.scheduler(),
        latents=(latents := find_latent_spec(source.described, vae)),
        colours=LatentColours(latents, device.torch_device),
        begin=begin_sd,
        family=source.family,
        memory=memory,
    )


def _try(source: ModelSource, unet: object, conditioner: Conditioner, probe: PredictionProbe) -> Prediction:
    try:
        return probe.ask(source.spec.path, unet, conditioner.encode(PromptSpec(), guided=False))
    except OSError as error:
        raise gone(source.spec) from error


def begin_sd(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
) -> DenoiseContext:
    """From noise, from a picture, or behind a mask."""
    if start is None:
        return prepare_from_noise(request, model, generator)
    if mask is not None:
        return prepare_for_inpaint(request, model, generator, start, mask)
    return prepare_from_image(request, model, generator, start)
