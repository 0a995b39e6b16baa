"""A LoRA's file: its tensors by the layers that they change, whatever trainer wrote it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from sdstudio.engine.added_files import SAFETENSORS, check_finite, read_added, refused
from sdstudio.engine.lora.branch import Tensors
from sdstudio.engine.lora.keys import ALPHA, DIFF, DOWN, IA3, UNET, refused_kind, take_apart

_log = logging.getLogger(__name__)

FIELD = "lora"
Place = tuple[str, str]
"""Part and plain name of a layer."""


@dataclass(slots=True, eq=False)
class LoraFile:
    """`layers`: the tensors of each layer, in the computer's memory. `unknown`: how many tensors' names say nothing."""

    name: str
    layers: dict[Place, Tensors]
    unknown: int = 0

    @property
    def words(self) -> str:
        return words_for(self.name)

    @property
    def text_width(self) -> int:
        """How wide the text is that it expects; 0 where it changes nothing that reads text."""
        return next(
            (_text_width(tensors) for (part, layer), tensors in self.layers.items() if _reads_text(part, layer)), 0
        )


def words_for(name: str) -> str:
    return f"The LoRA “{name}”"


def read_lora(path: Path, name: str, dtype: torch.dtype) -> LoraFile:
    """All tensors in `dtype`. Raises InvalidRequest("lora") in words for a file that is missing, damaged, no LoRA, or
    of a kind that is not worked with."""
    what = words_for(name)
    found = _flat(read_added(path, FIELD, what))
    for key in found:
        if kind := refused_kind(key):
            raise refused(FIELD, what, f"it is of the kind {kind}, which SD Studio does not work with")
    layers: dict[Place, Tensors] = {}
    unknown = 0
    for key, tensor in found.items():
        parts = take_apart(key)
        if parts is None:
            unknown += 1
            continue
        floats = tensor.is_floating_point() and parts.role != ALPHA
        layers.setdefault((parts.part, parts.layer), {})[parts.role] = tensor.to(dtype) if floats else tensor
    layers = {place: tensors for place, tensors in layers.items() if set(tensors) != {ALPHA}}
    if not layers:
        raise refused(FIELD, what, "the file holds no LoRA")
    check_finite(
        ((f"{place[1]}, {role}", t) for place, held in layers.items() for role, t in held.items()), FIELD, what
    )
    _add_alphas(layers, _told(path))
    return LoraFile(name, layers, unknown)


def _flat(found: Any) -> dict[str, torch.Tensor]:
    inner = found.get("state_dict", found) if isinstance(found, dict) else {}
    return {str(key): value for key, value in inner.items() if isinstance(value, torch.Tensor)}


def _reads_text(part: str, layer: str) -> bool:
    return part == UNET and layer.endswith(("attn2_to_k", "attn2_to_v"))


def _text_width(tensors: Tensors) -> int:
    for role in (DOWN, "hada_w1_b", DIFF):
        if role in tensors and tensors[role].ndim > 1:
            return int(tensors[role].shape[1])
    small, block = (_first(tensors, f"lokr_{w}", f"lokr_{w}_b") for w in ("w1", "w2"))
    return small * block if IA3 not in tensors else 0


def _first(tensors: Tensors, *roles: str) -> int:
    return next((int(tensors[role].shape[-1]) for role in roles if role in tensors and tensors[role].ndim > 1), 0)


# -- alpha that stands in the metadata --------------------------------------------------------------------------------


def _told(path: Path) -> dict[str, Any]:
    """What diffusers writes of PEFT's settings beside the tensors: `unet.lora_alpha` and others; {} where nothing."""
    if path.suffix.lower() not in SAFETENSORS:
        return {}
    try:
        with safe_open(path, "pt") as file:
            told = json.loads((file.metadata() or {}).get("lora_adapter_metadata", "{}"))
    except (OSError, ValueError, SafetensorError) as error:
        _log.info("The metadata of %s tell nothing: %s", path.name, error)
        return {}
    return told if isinstance(told, dict) else {}


_TOLD_PARTS = {"unet": UNET, "text_encoder": "text encoder", "text_encoder_2": "text encoder 2"}


def _add_alphas(layers: dict[Place, Tensors], told: dict[str, Any]) -> None:
    """PEFT keeps one alpha for all layers, and others for layers whose name ends so (`alpha_pattern`)."""
    for front, part in _TOLD_PARTS.items():
        alpha = told.get(f"{front}.lora_alpha", told.get("lora_alpha") if part == UNET else None)
        pattern = told.get(f"{front}.alpha_pattern") or {}
        if not isinstance(alpha, int | float) or not isinstance(pattern, dict):
            continue
        root = told.get(f"{front}.use_rslora") is True
        for (own, layer), tensors in layers.items():
            if own == part and DOWN in tensors and ALPHA not in tensors:
                ends = (value for key, value in pattern.items() if layer.endswith(str(key).replace(".", "_")))
                one = next(ends, alpha)
                value = float(one) * (tensors[DOWN].shape[0] ** 0.5 if root else 1.0)
                tensors[ALPHA] = torch.tensor(value)
