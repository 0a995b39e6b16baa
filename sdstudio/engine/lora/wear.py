"""LoRAs put on a model for a job, and taken off after it: hooks beside its layers, the weights stay as they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine.added_files import refused
from sdstudio.engine.lora.branch import Branch, LowRank, Misfit, Tensors
from sdstudio.engine.lora.dora import Decomposed
from sdstudio.engine.lora.file import FIELD, LoraFile, Place
from sdstudio.engine.lora.keys import DIFF, DIFF_BIAS, DORA, DORA_OUT, DOWN, IA3, UNET
from sdstudio.engine.lora.layers import Layer, Layers, layers_of
from sdstudio.engine.lora.lycoris import Difference, Hadamard, Kronecker, Scaling
from sdstudio.engine.model import LoadedModel

_log = logging.getLogger(__name__)

_FAMILIES = {768: "SD 1.5", 1024: "SD 2", 1280: "the SDXL refiner", 2048: "SDXL"}
"""By how wide the text is that the network reads."""
_FIRST = "conv_in"


@dataclass(frozen=True, slots=True)
class Term:
    branch: Branch
    strength: float


Plan = dict[Any, list[Term]]
"""What each layer's output gains."""


def plan_loras(uses: Sequence[tuple[LoraUse, LoraFile]], model: LoadedModel) -> Plan:
    """Those of weight 0 are looked at and left out, so that nothing of them is computed. Raises InvalidRequest("lora")
    for a LoRA of another family, or of which nothing belongs to the model."""
    plan: Plan = {}
    parts = layers_of(model)
    # In an order of their own: sums of more than two numbers depend on the order in their last bits.
    for use, file in sorted(uses, key=lambda one: (one[0].path, one[0].weight, one[0].text_weight or 0.0)):
        found = _matched(file, parts, model)
        for place, layer in found.items():
            strength = _strength(use, place)
            branch = _branch(file, place, layer, model)
            if strength:
                plan.setdefault(layer.module, []).append(Term(branch, strength))
    return plan


def changes_text(use: LoraUse, file: LoraFile) -> bool:
    return any(part != UNET and _strength(use, (part, layer)) for part, layer in file.layers)


@contextmanager
def worn(plan: Plan) -> Iterator[None]:
    """While it lasts, each layer of the plan answers with what it gains."""
    handles = [module.register_forward_hook(partial(_add, terms)) for module, terms in plan.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _add(terms: list[Term], layer: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
    gained = terms[0].branch.answer(layer, args[0], output, terms[0].strength)
    for term in terms[1:]:
        gained = gained + term.branch.answer(layer, args[0], output, term.strength)
    return output + gained


def _strength(use: LoraUse, place: Place) -> float:
    return use.weight if place[0] == UNET or use.text_weight is None else use.text_weight


def _matched(file: LoraFile, parts: dict[str, Layers], model: LoadedModel) -> dict[Place, Layer]:
    _check_family(file, model)
    found = {(part, name): layer for part, name in file.layers if (layer := parts.get(part, {}).get(name)) is not None}
    if not found:
        raise refused(FIELD, file.words, f"none of its {len(file.layers)} layers is one of “{model.spec.name}”")
    left = len(file.layers) - len(found)
    if left or file.unknown:
        _log.warning(
            "%s: %d of %d layers are not in the model, %d further tensors are of no known use",
            file.words,
            left,
            len(file.layers),
            file.unknown,
        )
    return found


def _check_family(file: LoraFile, model: LoadedModel) -> None:
    own = model.unet.config.cross_attention_dim
    own = int(own[0] if isinstance(own, list | tuple) else own or 0)
    theirs = file.text_width
    if not theirs or not own or theirs == own:
        return
    if theirs in _FAMILIES and own in _FAMILIES:
        words = f"{file.words} is for {_FAMILIES[theirs]}, the model is {_FAMILIES[own]}."
    else:
        told = _FAMILIES.get(theirs, "another kind of model")
        words = f"{file.words} is for {told}: it reads text of width {theirs}, “{model.spec.name}” of width {own}."
    raise InvalidRequest(FIELD, words, hint="Choose a LoRA for this model, or a model that it is for.")


def _branch(file: LoraFile, place: Place, layer: Layer, model: LoadedModel) -> Branch:
    tensors = file.layers[place]
    try:
        branch = _made(tensors, layer)
        if DORA in tensors or DORA_OUT in tensors:
            return Decomposed(branch, tensors, layer.module)
    except (ValueError, KeyError, IndexError) as error:
        reason = str(error) if isinstance(error, Misfit) else "some of its tensors are missing"
        why = f"it does not fit “{model.spec.name}” (at {layer.path}: {reason})"
        raise refused(FIELD, file.words, why) from error
    return branch


def _made(tensors: Tensors, layer: Layer) -> Branch:
    """Raises Misfit, or KeyError, IndexError or ValueError where tensors are missing or of no shape at all."""
    module, first = layer.module, layer.path == _FIRST
    if isinstance(module, nn.GroupNorm | nn.LayerNorm) and not {DIFF, DIFF_BIAS} & set(tensors):
        raise Misfit("a norm has no such weights")
    if DOWN in tensors:
        return LowRank.of(tensors, module, first)
    if "hada_w1_a" in tensors:
        return Hadamard.of(tensors, module)
    if any(role.startswith("lokr_") for role in tensors):
        return Kronecker.of(tensors, module)
    if IA3 in tensors:
        return Scaling.of(tensors, module)
    return Difference.of(tensors, module, first)
