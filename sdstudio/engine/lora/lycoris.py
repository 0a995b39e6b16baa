"""LyCORIS's kinds of change: LoHa and LoKr, whole differences, differences of norms, and IA3.

Yeh et al. 2023, “Navigating Text-To-Image Customization”; tensors and scales as in github.com/KohakuBlueleaf/LyCORIS.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sdstudio.engine.lora.branch import (
    Branch,
    Get,
    Misfit,
    Tensors,
    inputs_of,
    needs_kernel,
    run,
    scale_of,
    shaped,
    widened,
)
from sdstudio.engine.lora.keys import DIFF, DIFF_BIAS, IA3, ON_INPUT


class Hadamard(Branch):
    """LoHa: the product, number by number, of two low-rank matrices (Hyeon-Woo et al. 2021), made anew at each call:
    kept, the changes of all layers would be as large as the model."""

    @classmethod
    def of(cls, tensors: Tensors, layer: Any) -> Hadamard:
        """Raises Misfit."""
        outputs, inputs, *kernel = layer.weight.shape
        rank = int(tensors["hada_w1_b"].shape[0])
        for half in ("1", "2"):
            if f"hada_t{half}" in tensors:
                needs_kernel(kernel)
                shaped(tensors, f"hada_t{half}", (rank, rank, *kernel))
                shaped(tensors, f"hada_w{half}_a", (rank, outputs))
                shaped(tensors, f"hada_w{half}_b", (rank, inputs))
            else:
                shaped(tensors, f"hada_w{half}_a", (outputs, rank))
                shaped(tensors, f"hada_w{half}_b", (rank, inputs * int(torch.Size(kernel).numel())))
        return cls(tensors, scale_of(tensors, rank))

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        return run(layer, x, self._product(self.near(x), layer) * (strength * self.scale))

    def change(self, layer: Any) -> torch.Tensor:
        return self._product(self.wide(layer), layer) * self.scale

    def _product(self, get: Get, layer: Any) -> torch.Tensor:
        return self._half("1", get, layer) * self._half("2", get, layer)

    def _half(self, half: str, get: Get, layer: Any) -> torch.Tensor:
        first, second = get(f"hada_w{half}_a"), get(f"hada_w{half}_b")
        if f"hada_t{half}" in self._tensors:
            return _tucker(get(f"hada_t{half}"), first, second)
        return (first @ second).reshape(layer.weight.shape)


def _tucker(core: torch.Tensor, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """rank x rank x kernel, rank x outputs, rank x inputs to a convolution's weight."""
    return torch.einsum("ijkl,ip,jr->prkl", core, outputs, inputs)


class Kronecker(Branch):
    """LoKr: a Kronecker product of a small matrix and a block, either of them of low rank or not.

    It is never multiplied out: each block of inputs goes through the block, and the small matrix mixes the results.
    """

    @classmethod
    def of(cls, tensors: Tensors, layer: Any) -> Kronecker:
        """Raises Misfit."""
        outputs, inputs, *kernel = layer.weight.shape
        rank = 0
        for factor in ("lokr_w1", "lokr_w2"):
            if f"{factor}_b" in tensors:
                rank = int(tensors[f"{factor}_b"].shape[0])
        small_out, small_in = _small_shape(tensors)
        if outputs % small_out or inputs % small_in:
            raise Misfit(f"{small_out} x {small_in} does not divide {outputs} x {inputs}")
        block_out, block_in = outputs // small_out, inputs // small_in
        _shape_block(tensors, rank, (block_out, block_in, *kernel))
        branch = cls(tensors, scale_of(tensors, rank) if rank else 1.0)
        branch._block_shape = (block_out, block_in, *kernel)
        return branch

    _block_shape: tuple[int, ...] = ()

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        small, block = self._small(self.near(x)) * (strength * self.scale), self._block(self.near(x))
        if isinstance(layer, nn.Linear):
            through = functional.linear(x.unflatten(-1, (small.shape[1], block.shape[1])), block)
            return torch.einsum("pi,...iq->...pq", small, through).flatten(-2)
        blocks = x.unflatten(1, (small.shape[1], block.shape[1])).flatten(0, 1)
        through = run(layer, blocks, block).unflatten(0, (len(x), small.shape[1]))
        return torch.einsum("pi,niqhw->npqhw", small, through).flatten(1, 2)

    def change(self, layer: Any) -> torch.Tensor:
        small, block = self._small(self.wide(layer)), self._block(self.wide(layer))
        small = small.reshape(*small.shape, *(1,) * (block.ndim - 2))
        return torch.kron(small, block.contiguous()) * self.scale

    def _small(self, get: Get) -> torch.Tensor:
        return get("lokr_w1") if "lokr_w1" in self._tensors else get("lokr_w1_a") @ get("lokr_w1_b")

    def _block(self, get: Get) -> torch.Tensor:
        if "lokr_w2" in self._tensors:
            return get("lokr_w2")
        if "lokr_t2" in self._tensors:
            return _tucker(get("lokr_t2"), get("lokr_w2_a"), get("lokr_w2_b"))
        return (get("lokr_w2_a") @ get("lokr_w2_b")).reshape(self._block_shape)


def _shape_block(tensors: Tensors, rank: int, shape: tuple[int, ...]) -> None:
    outputs, inputs, *kernel = shape
    if "lokr_w2" in tensors:
        shaped(tensors, "lokr_w2", shape)
    elif "lokr_t2" in tensors:
        needs_kernel(kernel)
        shaped(tensors, "lokr_t2", (rank, rank, *kernel))
        shaped(tensors, "lokr_w2_a", (rank, outputs))
        shaped(tensors, "lokr_w2_b", (rank, inputs))
    else:
        shaped(tensors, "lokr_w2_a", (outputs, rank))
        shaped(tensors, "lokr_w2_b", (rank, inputs * int(torch.Size(kernel).numel())))


def _small_shape(tensors: Tensors) -> tuple[int, int]:
    if "lokr_w1" in tensors:
        outputs, inputs = _matrix(tensors["lokr_w1"])
        return outputs, inputs
    (outputs, rank), (rank_b, inputs) = _matrix(tensors["lokr_w1_a"]), _matrix(tensors["lokr_w1_b"])
    if rank != rank_b:
        raise Misfit("the ranks of its first factor differ")
    return outputs, inputs


def _matrix(tensor: torch.Tensor) -> tuple[int, int]:
    if tensor.ndim != 2 or not tensor.numel():
        raise Misfit("its first factor is no matrix")
    return int(tensor.shape[0]), int(tensor.shape[1])


class Difference(Branch):
    """The whole difference of a layer's weight, of its bias, or of both."""

    @classmethod
    def of(cls, tensors: Tensors, layer: Any, first: bool = False) -> Difference:
        """`first`: whether the layer is the network's first. Raises Misfit."""
        if DIFF in tensors:
            outputs, *others = layer.weight.shape
            if others:
                others[0] = inputs_of(tensors, DIFF, layer, first)
            shaped(tensors, DIFF, (outputs, *others))
        if DIFF_BIAS in tensors:
            shaped(tensors, DIFF_BIAS, (int(layer.weight.shape[0]),))
        return cls(tensors)

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        gained: Any = 0.0
        if DIFF in self._tensors:
            gained = self._of_weight(layer, x, self.near(x)(DIFF))
        if DIFF_BIAS in self._tensors:
            bias = self.near(x)(DIFF_BIAS)
            gained = gained + (bias[:, None, None] if output.ndim == 4 else bias)
        return (gained * strength).expand_as(output)

    def _of_weight(self, layer: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if isinstance(layer, nn.GroupNorm):
            return functional.group_norm(x, layer.num_groups, weight, None, layer.eps)
        if isinstance(layer, nn.LayerNorm):
            return functional.layer_norm(x, layer.normalized_shape, weight, None, layer.eps)
        return run(layer, x if weight.ndim == 2 else x[:, : weight.shape[1]], weight)

    def change(self, layer: Any) -> torch.Tensor:
        if DIFF not in self._tensors:
            return torch.zeros_like(layer.weight, dtype=torch.float32)
        return widened(self.wide(layer)(DIFF), layer)


class Scaling(Branch):
    """IA3: inputs or outputs of a layer are scaled (Liu et al. 2022)."""

    @classmethod
    def of(cls, tensors: Tensors, layer: Any) -> Scaling:
        """Raises Misfit."""
        outputs, inputs = layer.weight.shape[:2]
        held = tensors[IA3]
        by_input = bool(tensors[ON_INPUT].any()) if ON_INPUT in tensors else False
        if held.numel() != (inputs if by_input else outputs):
            raise Misfit(f"it scales {held.numel()} of {inputs if by_input else outputs} numbers")
        tensors[IA3] = held.reshape(-1)
        branch = cls(tensors)
        branch._by_input = by_input
        return branch

    _by_input = False

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        scales = over_channels(self.near(x)(IA3), layer) * strength
        if self._by_input:
            return run(layer, x * scales, layer.weight.to(x))
        return without_bias(layer, output) * scales

    def change(self, layer: Any) -> torch.Tensor:
        scales = self.wide(layer)(IA3)
        ends = (1,) * (layer.weight.ndim - 1)
        return layer.weight.float() * (
            scales.reshape(1, -1, *ends[1:]) if self._by_input else scales.reshape(-1, *ends)
        )


def over_channels(vector: torch.Tensor, layer: Any) -> torch.Tensor:
    """A number for each channel, in the shape that multiplies what goes into the layer or comes out of it."""
    return vector[:, None, None] if isinstance(layer, nn.Conv2d) else vector


def without_bias(layer: Any, output: torch.Tensor) -> torch.Tensor:
    return output if layer.bias is None else output - over_channels(layer.bias.to(output), layer)
