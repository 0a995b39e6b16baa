"""The layers of a loaded model that LoRAs can change, by every name that a file may call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.lora.keys import TEXTS, UNET, plain_name
from sdstudio.engine.lora.original_names import original_fronts, original_path
from sdstudio.engine.model import LoadedModel

_KINDS = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)
_OLD_TEXT_NAMES = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}
"""As diffusers before PEFT called the text encoder's projections."""


@dataclass(frozen=True, slots=True)
class Layer:
    """`path` is its place in its network."""

    path: str
    module: Any


Layers = dict[str, Layer]
"""By plain names (see keys.plain_name)."""


def layers_of(model: LoadedModel) -> dict[str, Layers]:
    """Of each part that a file can name."""
    texts = [text_layers(encoder) for encoder in model.conditioner.encoders]
    # SDXL's refiner has the second of its text encoders alone.
    names = TEXTS[1:] if model.family is ModelFamily.SDXL_REFINER else TEXTS
    return {UNET: unet_layers(model.unet), **dict(zip(names, texts, strict=False))}


def unet_layers(unet: Any) -> Layers:
    fronts = original_fronts(unet)
    found: Layers = {}
    for layer in _changeable(unet):
        original = original_path(layer.path, fronts)
        for path in (layer.path, original):
            if path:
                found[plain_name(path)] = layer
    return found


def text_layers(encoder: Any) -> Layers:
    found: Layers = {}
    for layer in _changeable(encoder):
        # Some versions of transformers keep the layers below “text_model”, some do not; files always do.
        inner = layer.path.removeprefix("text_model.")
        names = {inner, f"text_model.{inner}"}
        front, _, last = inner.rpartition(".")
        if last in _OLD_TEXT_NAMES:
            names |= {f"{above}{front}.{_OLD_TEXT_NAMES[last]}" for above in ("", "text_model.")}
        found |= {plain_name(name): layer for name in names}
    return found


def _changeable(network: Any) -> list[Layer]:
    return [Layer(path, module) for path, module in network.named_modules() if isinstance(module, _KINDS)]
