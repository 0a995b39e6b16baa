"""What a layer's output gains by a LoRA: the base of all kinds, and plain LoRA with its forms for convolutions.

Weights of the base are never touched. For a layer y = W x + b and a change D of W, a branch gives D x, from the small
tensors of the file where it can (Hu et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sdstudio.engine.lora.keys import ALPHA, DOWN, MID, UP

Tensors = dict[str, torch.Tensor]
"""Of one layer, by their roles (see keys)."""


Get = Callable[[str], torch.Tensor]
"""A tensor by its role, where and how it is needed."""


class Misfit(ValueError):
    """The tensors are not of the shapes that the layer needs."""


class Branch:
    """`tensors` are the file's own and shared; copies on the device are the branch's, and go with it after the job: the
    files that were used last would otherwise fill a small card."""

    def __init__(self, tensors: Tensors, scale: float = 1.0) -> None:
        self._tensors = tensors
        self._near: Tensors = {}
        self.scale = scale

    def near(self, x: torch.Tensor) -> Get:
        """On the device and in the precision of `x`, and from then on kept there."""

        def get(role: str) -> torch.Tensor:
            held = self._near.get(role, self._tensors[role])
            if held.device != x.device or held.dtype != x.dtype:
                held = self._near[role] = self._tensors[role].to(device=x.device, dtype=x.dtype)
            return held

        return get

    def wide(self, layer: Any) -> Get:
        """In float32 where the layer's weight is."""
        return lambda role: self._tensors[role].to(device=layer.weight.device, dtype=torch.float32)

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        """What the output gains at that strength; `output` is the layer's own."""
        raise NotImplementedError

    def change(self, layer: Any) -> torch.Tensor:
        """The change of the layer's weight at strength 1, in float32."""
        raise NotImplementedError


def run(layer: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """What the layer would answer with another weight and no bias: strides and borders are its own."""
    if isinstance(layer, nn.Linear):
        return functional.linear(x, weight)
    return layer._conv_forward(x, weight, None)


def scale_of(tensors: Tensors, rank: int) -> float:
    """alpha / rank; without alpha 1. Raises Misfit."""
    alpha = tensors.get(ALPHA)
    if alpha is None:
        return 1.0
    if alpha.numel() != 1 or rank < 1:
        raise Misfit("its alpha is no number")
    return float(alpha.float()) / rank


def shaped(tensors: Tensors, role: str, shape: tuple[int, ...]) -> None:
    """Brings a tensor into the shape that a layer needs: files write 1 x 1 convolutions as matrices and the other way
    round. Raises Misfit where that cannot be."""
    held = tensors[role]
    needed = torch.Size(shape)
    if held.numel() != needed.numel() or held.shape[0] != shape[0]:
        raise Misfit(f"{role} has {_words(held.shape)} instead of {_words(needed)} numbers")
    if held.shape != needed:
        tensors[role] = held.reshape(needed)


def needs_kernel(kernel: list[int]) -> None:
    """Raises Misfit for a core tensor at a layer that is no convolution."""
    if not kernel:
        raise Misfit("it is made for a convolution")


def _words(shape: torch.Size) -> str:
    return " x ".join(map(str, shape)) or "one"


def inputs_of(tensors: Tensors, role: str, layer: Any, first: bool) -> int:
    """How many channels a change reads: all, or fewer where the layer is the `first` of an inpainting network and the
    LoRA was made for one that is not shown a mask."""
    inputs, held = int(layer.weight.shape[1]), tensors[role]
    return min(inputs, int(held.shape[1])) if first and held.ndim == 4 else inputs


def widened(change: torch.Tensor, layer: Any) -> torch.Tensor:
    """A change of fewer channels as one of all."""
    missing = layer.weight.shape[1] - change.shape[1] if change.ndim == 4 else 0
    return functional.pad(change, (0, 0, 0, 0, 0, missing)) if missing else change


class LowRank(Branch):
    """LoRA; for convolutions LoCon: first of the layer's own kernel, then 1 x 1; with `mid` 1 x 1, the kernel, 1 x 1
    (a Tucker decomposition, as LyCORIS has it)."""

    @classmethod
    def of(cls, tensors: Tensors, layer: Any, first: bool = False) -> LowRank:
        """`first`: whether the layer is the network's first. Raises Misfit."""
        outputs, inputs, *kernel = layer.weight.shape
        rank = int(tensors[DOWN].shape[0])
        ones = (1,) * len(kernel)
        if MID in tensors:
            needs_kernel(kernel)
            shaped(tensors, DOWN, (rank, inputs, *ones))
            rank_up = int(tensors[MID].shape[0])
            shaped(tensors, MID, (rank_up, rank, *kernel))
            shaped(tensors, UP, (outputs, rank_up, *ones))
        else:
            shaped(tensors, DOWN, (rank, inputs_of(tensors, DOWN, layer, first), *kernel))
            shaped(tensors, UP, (outputs, rank, *ones))
        return cls(tensors, scale_of(tensors, rank))

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        get = self.near(x)
        if isinstance(layer, nn.Linear):
            return functional.linear(functional.linear(x, get(DOWN)) * (strength * self.scale), get(UP))
        if MID in self._tensors:
            small = run(layer, functional.conv2d(x, get(DOWN)), get(MID))
        else:
            small = run(layer, x[:, : get(DOWN).shape[1]], get(DOWN))
        return functional.conv2d(small * (strength * self.scale), get(UP))

    def change(self, layer: Any) -> torch.Tensor:
        get = self.wide(layer)
        down, up = get(DOWN).flatten(1), get(UP).flatten(1)
        if MID in self._tensors:
            return torch.einsum("or,rskl,si->oikl", up, get(MID), down) * self.scale
        return widened((up @ down).reshape(len(up), *get(DOWN).shape[1:]), layer) * self.scale
