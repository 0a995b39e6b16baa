"""Stable Diffusion XL: base and inpainting networks with two text encoders, and the refiner with one."""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPTextModelWithProjection

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.clip_tower import ClipTower
from sdstudio.engine.conditioning_xl import ConditionerXL, XLRules, read_before_last
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.families.sd import begin_sd
from sdstudio.engine.faults import damaged, read_json, wrong_kind
from sdstudio.engine.latents import LatentColours, find_latent_spec
from sdstudio.engine.libraries import AutoencoderKL, UNet2DConditionModel
from sdstudio.engine.memory.keeper import ModelMemory
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sources.source import ModelSource

_MEASURES, _SCORED_MEASURES = 6, 5
"""Numbers beside the prompt: two sizes and a corner; one size, a corner and an aesthetic score."""


def read_sdxl(source: ModelSource) -> LoadedModel:
    """Raises what the source raises, and ModelError for parts that do not fit together."""
    unet = source.network(UNet2DConditionModel)
    _check_network(source, unet)
    towers = _read_towers(source)
    rules = XLRules(
        empty_is_zero=bool(_index(source).get("force_zeros_for_empty_prompt", True)),
        scored=_count_measures(unet, towers) == _SCORED_MEASURES,
    )
    vae = _read_vae(source)
    text = [tower.encoder for tower in towers]
    memory = ModelMemory(source.device, unet=unet, vae=vae, text=text, plan=source.plan)
    return LoadedModel(
        spec=source.spec,
        device=source.device,
        unet=unet,
        vae=vae,
        conditioner=ConditionerXL(towers, rules, unet.dtype),
        scheduler_config=source.scheduler(),
        latents=(latents := find_latent_spec(source.described, vae)),
        colours=LatentColours(latents, source.device.torch_device),
        begin=begin_refiner if rules.scored else begin_sd,
        family=source.family,
        memory=memory,
    )


def begin_refiner(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
) -> DenoiseContext:
    """Raises InvalidRequest("image") without a picture: the refiner has learnt the last, least noisy steps alone, and
    makes shapeless pictures of noise."""
    if start is None:
        raise InvalidRequest(
            "image",
            f"“{model.spec.name}” refines what there is: it needs a picture, and makes none from words alone.",
            hint="Open the picture that it is to refine, or choose it as the refiner of an SDXL model.",
        )
    return begin_sd(request, model, generator, start, mask)


def _index(source: ModelSource) -> dict[str, Any]:
    return read_json(source.described / "model_index.json", "model_index.json")


def _read_towers(source: ModelSource) -> list[ClipTower]:
    towers = [] if _without_first(source) else [ClipTower(source.tokenizer(), source.text_encoder(), read_before_last)]
    second = source.text_encoder("text_encoder_2", CLIPTextModelWithProjection)
    return [*towers, ClipTower(source.tokenizer("tokenizer_2"), second, read_before_last, number=len(towers))]


def _without_first(source: ModelSource) -> bool:
    entry = _index(source).get("text_encoder")
    return not (isinstance(entry, list) and len(entry) == 2 and entry[1])


def _check_network(source: ModelSource, unet: Any) -> None:
    config, channels = unet.config, int(unet.config.out_channels)
    if config.in_channels not in (channels, 2 * channels + 1):
        raise wrong_kind(source.spec, f"its network reads {config.in_channels} channels at once")
    if config.addition_embed_type != "text_time":
        raise wrong_kind(source.spec, "it is described as SDXL, but its network does not read the size of the picture")


def _count_measures(unet: Any, towers: list[ClipTower]) -> int:
    """How many numbers the network reads beside the pooled prompt. Raises ModelError for encoders of another model."""
    config = unet.config
    if sum(int(tower.encoder.config.hidden_size) for tower in towers) != config.cross_attention_dim:
        raise damaged("text_encoder_2", "its text encoders and its network do not fit together")
    pooled = int(towers[-1].encoder.config.projection_dim)
    count, rest = divmod(
        int(config.projection_class_embeddings_input_dim) - pooled, int(config.addition_time_embed_dim)
    )
    if rest or count not in (_MEASURES, _SCORED_MEASURES):
        raise damaged("text_encoder_2", "its text encoders and its network do not fit together")
    return count


def _read_vae(source: ModelSource) -> Any:
    """In single precision where its description does not say that half is enough for it (force_upcast): the published
    one overflows in half precision. What a file holds cannot be told from its names, so that it counts as that one."""
    description = read_json(source.described / "vae" / "config.json", "vae")
    vae = source.network(AutoencoderKL, "vae", single=bool(description.get("force_upcast", True)))
    if getattr(vae.config, "latents_mean", None) is not None:
        raise wrong_kind(source.spec, "its latents have a mean of their own")
    return vae
