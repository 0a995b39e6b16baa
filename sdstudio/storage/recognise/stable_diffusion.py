"""The Stable Diffusion families, by the names and shapes of the UNet's tensors in their original layout.

Widths decide where they are those of a published model. Where they are not (models made small for trying things), the
structure does: which text encoder there is, and whether attention projects by a convolution (SD 1.x) or not.
"""

from __future__ import annotations

from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole
from sdstudio.storage.recognise.facts import known, named
from sdstudio.storage.recognise.tensor_table import TensorTable

UNET_PREFIXES = ("model.diffusion_model.", "", "diffusion_model.")
_FIRST = "input_blocks.0.0.weight"
_LABEL = "label_emb.0.0.weight"
_ATTENTION = tuple(f"input_blocks.{number}.1." for number in (1, 2, 4, 5, 7, 8))
_CONTEXT = "transformer_blocks.0.attn2.to_k.weight"
_FULL_WIDTH = 320
"""Channels of the first block in all published families but the refiner, which has 384."""

_TEXT_PARTS = (
    ("text encoder", ("cond_stage_model.transformer.", "cond_stage_model.model.transformer.")),
    ("text encoder", ("conditioner.embedders.0.transformer.", "conditioner.embedders.0.model.transformer.")),
    ("text encoder 2", ("conditioner.embedders.1.model.transformer.", "conditioner.embedders.1.transformer.")),
)
_PARTS = (
    ("vae", ("first_stage_model.",)),
    *_TEXT_PARTS,
    ("image encoder", ("embedder.model.visual.",)),
    ("depth estimator", ("depth_model.",)),
)
_SIDES = {
    ModelFamily.SD1: 512,
    ModelFamily.SD1_INPAINTING: 512,
    ModelFamily.PIX2PIX: 512,
    ModelFamily.SD2_BASE: 512,
    ModelFamily.SD2_V: 768,
    ModelFamily.SD2_INPAINTING: 512,
    ModelFamily.SD2_DEPTH: 512,
    ModelFamily.X4_UPSCALER: 512,
    ModelFamily.UNCLIP_L: 768,
    ModelFamily.UNCLIP_H: 768,
    ModelFamily.SDXL: 1024,
    ModelFamily.SDXL_REFINER: 1024,
    ModelFamily.SDXL_INPAINTING: 1024,
}


def trained_side(family: ModelFamily | None) -> int:
    """In pixels; 0 where the family leaves it open."""
    return _SIDES.get(family, 0) if family is not None else 0


def find_stable_diffusion(table: TensorTable) -> ModelFile | None:
    """None where there is no UNet in the original layout."""
    prefix = next((prefix for prefix in UNET_PREFIXES if prefix + _FIRST in table), None)
    if prefix is None:
        return None
    unet = table.below(prefix) if prefix else table
    if unet.any_having("time_stack."):
        return named("Stable Video Diffusion")
    channels = unet.size(_FIRST, 1)
    context = _context(unet)
    other = _other(table, unet, channels)
    if other:
        return named(other, channels=channels, context_width=context or None)
    family = _family(table, unet, channels, context)
    parts = _parts(table)
    role = ModelRole.CHECKPOINT if len(parts) > 1 else ModelRole.UNET
    if family is None:
        return named(f"a UNet with {channels} input channels and text of width {context}", channels=channels)
    return known(
        role,
        family.value if role is ModelRole.CHECKPOINT else f"a UNet of {family.value}, without the other parts",
        family=family,
        precision=unet.precision(),
        has_ema=table.any_with("model_ema."),
        resolution=trained_side(family),
        channels=channels,
        context_width=context or None,
        parts=parts,
    )


def _context(unet: TensorTable) -> int:
    return next((unet.size(block + _CONTEXT, 1) for block in _ATTENTION if block + _CONTEXT in unet), 0)


def _parts(table: TensorTable) -> tuple[str, ...]:
    found = ["unet"]
    for part, prefixes in _PARTS:
        if part not in found and any(table.any_with(prefix) for prefix in prefixes):
            found.append(part)
    return tuple(found)


def _other(table: TensorTable, unet: TensorTable, channels: int) -> str:
    """Relatives that need a pipeline of their own; "" for none."""
    if "edm_mean" in table:
        return "Playground v2.5"
    if "edm_vpred.sigma_max" in table:
        return "CosXL"
    if "cc_projection.weight" in table:
        return "Zero123"
    if table.any_with("cond_stage_model.model.visual."):
        return "SD image variations"
    if unet.any_with("encoder_hid_proj."):
        return "Kolors"
    if _LABEL in unet and channels == 8:
        return "SDXL instruct-pix2pix"
    if unet.size(_FIRST, 0) == _FULL_WIDTH and _is_distilled(unet):
        return "a model with fewer layers (SSD-1B, Segmind, BK-SDM …)"
    return ""


def _is_distilled(unet: TensorTable) -> bool:
    if unet.size(_LABEL, 1) == 2816:
        return f"input_blocks.8.1.{_CONTEXT.replace('.0.', '.9.')}" not in unet
    return "output_blocks.11.0.in_layers.0.weight" not in unet or "middle_block.1.norm.weight" not in unet


def _family(table: TensorTable, unet: TensorTable, channels: int, context: int) -> ModelFamily | None:
    if channels == 7 or len(unet.shape("label_emb.weight")) == 2:
        return ModelFamily.X4_UPSCALER
    if channels == 5 or table.any_with("depth_model."):
        return ModelFamily.SD2_DEPTH
    label = unet.size(_LABEL, 1)
    if _LABEL in unet:
        return _labelled(table, unet, channels, label)
    generation = _generation(table, unet, context)
    return {
        (1, 4): ModelFamily.SD1,
        (1, 8): ModelFamily.PIX2PIX,
        (1, 9): ModelFamily.SD1_INPAINTING,
        (2, 4): ModelFamily.SD2,
        (2, 9): ModelFamily.SD2_INPAINTING,
    }.get((generation, channels))


def _labelled(table: TensorTable, unet: TensorTable, channels: int, label: int) -> ModelFamily | None:
    """Families that are also told something beside the text: sizes, an aesthetic score, a picture's embedding."""
    if label == 1536:
        return ModelFamily.UNCLIP_L
    if label == 2048 or table.any_with("noise_augmentor.") or table.any_with("embedder.model.visual."):
        return ModelFamily.UNCLIP_H
    refined = label == 2560 or table.any_with("conditioner.embedders.0.model.")
    if refined and label != 2816:
        return ModelFamily.SDXL_REFINER if channels == 4 else None
    return {4: ModelFamily.SDXL, 9: ModelFamily.SDXL_INPAINTING}.get(channels)


def _generation(table: TensorTable, unet: TensorTable, context: int) -> int:
    """1 or 2; 0 where nothing tells."""
    if context in (768, 1024):
        return 1 if context == 768 else 2
    if table.any_with("cond_stage_model.transformer."):
        return 1
    if table.any_with("cond_stage_model.model."):
        return 2
    projection = next(
        (unet.shape(f"{block}proj_in.weight") for block in _ATTENTION if f"{block}proj_in.weight" in unet), ()
    )
    return {4: 1, 2: 2}.get(len(projection), 0)
