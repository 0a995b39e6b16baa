"""Parts of models in files of their own: VAE, text encoder, UNet of diffusers, ControlNet, TAESD, upscaler."""

from __future__ import annotations

import re

from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole
from sdstudio.storage.recognise.facts import known, named
from sdstudio.storage.recognise.stable_diffusion import trained_side
from sdstudio.storage.recognise.tensor_table import TensorTable

_SD_LATENTS = 4
_OTHER_LATENTS = {16: "Flux, SD 3 or another", 32: "Flux 2 or another", 128: "LTX-Video or another", 3: "a VQ model"}
_TOKENS = "embeddings.token_embedding.weight"
_TEXT_WIDTHS = {
    768: ("CLIP-L", ModelFamily.SD1),
    1024: ("OpenCLIP H", ModelFamily.SD2),
    1280: ("OpenCLIP G", ModelFamily.SDXL),
}
_UNET_FIRST = "conv_in.weight"
_CONTROL_PREFIXES = ("control_model.", "")


def find_part(table: TensorTable) -> ModelFile | None:
    for find in (_controlnet, _diffusers_unet, _taesd, _vae, _text_encoder, _upscaler):
        found = find(table)
        if found is not None:
            return found
    return None


# -- UNet and ControlNet ----------------------------------------------------------------------------------------------


def _controlnet(table: TensorTable) -> ModelFile | None:
    lora = table.any_having("lora_controlnet")
    own = any(
        table.any_with(f"{prefix}{part}")
        for prefix in _CONTROL_PREFIXES
        for part in ("input_hint_block.", "zero_convs.")
    )
    theirs = table.any_with("controlnet_cond_embedding.") or table.any_with("controlnet_down_blocks.")
    if not (lora or own or theirs):
        return None
    context = _any_context(table)
    family = _BY_CONTEXT.get(context)
    what = f"a ControlNet for {family.value}" if family is not None else "a ControlNet"
    kind = "Control-LoRA" if lora else "original" if own else "diffusers"
    return named(
        what, "not usable yet", role=ModelRole.CONTROLNET, family=family, kind=kind, context_width=context or None
    )


_BY_CONTEXT = {768: ModelFamily.SD1, 1024: ModelFamily.SD2, 2048: ModelFamily.SDXL, 1280: ModelFamily.SDXL_REFINER}


def _any_context(table: TensorTable) -> int:
    return next((table.size(name, 1) for name in table if name.endswith("attn2.to_k.weight")), 0)


def _diffusers_unet(table: TensorTable) -> ModelFile | None:
    if _UNET_FIRST not in table or "time_embedding.linear_1.weight" not in table:
        return None
    channels, context = table.size(_UNET_FIRST, 1), _any_context(table)
    if table.any_having("temporal_transformer_blocks.") or table.any_having("temp_convs."):
        return named("a video UNet")
    family = diffusers_family(channels, context, table.size("add_embedding.linear_1.weight", 1))
    if family is None:
        return named(f"a UNet with {channels} input channels and text of width {context}", channels=channels)
    return known(
        ModelRole.UNET,
        f"a UNet of {family.value}, without the other parts",
        family=family,
        kind="diffusers",
        precision=table.precision(),
        resolution=trained_side(family),
        channels=channels,
        context_width=context or None,
        parts=("unet",),
    )


def diffusers_family(channels: int, context: int, added: int) -> ModelFamily | None:
    """By input channels, width of the text, and width of what is added to the time (SDXL: 2816, refiner: 2560)."""
    if added:
        refined = added == 2560 or context == 1280
        table = {4: ModelFamily.SDXL_REFINER if refined else ModelFamily.SDXL, 9: ModelFamily.SDXL_INPAINTING}
        return table.get(channels)
    if channels in (5, 7):
        return ModelFamily.SD2_DEPTH if channels == 5 else ModelFamily.X4_UPSCALER
    if context == 1024:
        return {4: ModelFamily.SD2, 9: ModelFamily.SD2_INPAINTING}.get(channels)
    return {4: ModelFamily.SD1, 8: ModelFamily.PIX2PIX, 9: ModelFamily.SD1_INPAINTING}.get(channels)


# -- what turns latents into pictures ---------------------------------------------------------------------------------


def _taesd(table: TensorTable) -> ModelFile | None:
    """Both halves in diffusers' layout, or one half as its makers publish it."""
    latents = table.size("decoder.layers.0.weight", 1) or table.size("encoder.layers.14.weight", 0)
    if not latents and table.shape("1.weight") == (64, 4, 3, 3) and "3.conv.0.weight" in table:
        latents = 4  # the decoder
    if not latents and table.shape("0.weight")[1:] == (3, 3, 3) and "1.conv.0.weight" in table:
        latents = table.size("14.weight", 0) or _SD_LATENTS  # the encoder
    if not latents or (table.size("decoder.layers.0.weight", 1) and len(table.shape("decoder.layers.0.weight")) != 4):
        return None
    if latents != _SD_LATENTS:
        return named(f"a tiny autoencoder of {_OTHER_LATENTS.get(latents, 'another model')}", role=ModelRole.TAESD)
    return known(ModelRole.TAESD, "TAESD, a tiny VAE for previews", precision=table.precision())


def _vae(table: TensorTable) -> ModelFile | None:
    for prefix in ("", "first_stage_model.", "vae."):
        vae = table.below(prefix) if prefix else table
        if "decoder.conv_in.weight" in vae and ("encoder.conv_in.weight" in vae or "post_quant_conv.weight" in vae):
            return _vae_facts(vae)
    return None


def _vae_facts(vae: TensorTable) -> ModelFile:
    shape = vae.shape("decoder.conv_in.weight")
    if len(shape) == 5:
        return named("a VAE of a video model", role=ModelRole.VAE)
    latents = shape[1] if len(shape) == 4 else 0
    if latents != _SD_LATENTS:
        return named(
            f"a VAE of {_OTHER_LATENTS.get(latents, 'another model')} ({latents} channels)", role=ModelRole.VAE
        )
    kind = "diffusers" if vae.any_with("decoder.up_blocks.") else "original"
    # The VAEs of SD 1.x, SD 2.x and SDXL have the same names and shapes.
    return known(ModelRole.VAE, "a VAE", kind=kind, precision=vae.precision(), parts=("vae",))


def _text_encoder(table: TensorTable) -> ModelFile | None:
    name = next((name for name in table if name.endswith((_TOKENS, "token_embedding.weight"))), None)
    if name is None:
        return None
    width = table.size(name, 1)
    what, family = _TEXT_WIDTHS.get(width, ("of an unknown width", None))
    return known(
        ModelRole.TEXT_ENCODER,
        f"a text encoder ({what})",
        family=family,
        kind=what,
        precision=table.precision(),
        context_width=width or None,
        parts=("text encoder",),
    )


# -- upscalers --------------------------------------------------------------------------------------------------------

_UPSCALERS: tuple[tuple[str, str], ...] = (
    (r"model\.1\.sub\.0\.RDB1\.", "ESRGAN"),
    (r"(?:body|RRDB_trunk)\.0\.(?:rdb1|RDB1)\.", "ESRGAN"),
    (r"layers\.0\.residual_group\.blocks\.0\.attn\.relative_position_bias_table", "SwinIR"),
    (r"layers\.0\.residual_group\.blocks\.0\.conv_block", "HAT"),
    (r"layers\.0\.blocks\.0\.attn\.attns", "DAT"),
    (r"feats\.0\.", "SPAN"),
)
_ANY_UPSCALER = re.compile("|".join(f"({pattern})" for pattern, _ in _UPSCALERS))


def _upscaler(table: TensorTable) -> ModelFile | None:
    # One look at each name, in which the patterns are tried in their order.
    found = filter(None, map(_ANY_UPSCALER.match, table))
    first = min((match.lastindex or 0 for match in found), default=0)
    if first:
        return _upscaler_facts(_UPSCALERS[first - 1][1], table)
    # SRVGGNetCompact: nothing but convolutions and their slopes, under “body”.
    if table.size("body.0.weight", 1) == 3 and len(table.shape("body.1.weight")) == 1:
        return _upscaler_facts("Real-ESRGAN compact", table)
    return None


def _upscaler_facts(kind: str, table: TensorTable) -> ModelFile:
    return known(ModelRole.UPSCALER, f"an upscaler ({kind})", kind=kind, precision=table.precision())
