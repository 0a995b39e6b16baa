"""Weights of 16 bits that become single precision when their layer is first used on a CPU, not when they are read.

Until then they wait in the second half of the memory that they will fill: reading a model touches half as much of it
and converts nothing. The first step of the first picture does, with all cores; what no picture needs (a VAE's encoder)
never is. Afterwards nothing is left of it, not even a hook.

Meanwhile `module.weight` has its usual shape and type, and no values (a view of one zero).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

_WAITING = "_sdstudio_waiting"
_FEW = 1024
"""Values that are converted through a copy: halving what is left any further would not pay."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """`whole`: the weight as it will be; its second half holds the `stored` values."""

    name: str
    module: nn.Module
    whole: nn.Parameter
    stored: torch.Tensor
    handle: RemovableHandle | None = None

    def widened(self) -> None:
        self.settled()
        widen(self.whole.data, self.stored)

    def settled(self) -> None:
        """The weight is the module's own again, with whatever its memory holds."""
        if self.handle is not None:
            self.handle.remove()
        self.module._parameters["weight"] = self.whole


def second_half(whole: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Of the memory of contiguous single-precision values: room for as many of 16 bits, in the same shape."""
    return whole.view(-1).view(dtype)[whole.numel() :].view(whole.shape)


def widen(whole: torch.Tensor, stored: torch.Tensor) -> None:
    """In place: `stored` is the second half of `whole`, and is gone afterwards.

    The first half of the values goes where nothing lies. Of the others again the first half, and so on: source and
    destination of one copy never touch.
    """
    values, narrow = whole.view(-1), stored.view(-1)
    first, count = 0, values.numel()
    while count - first > _FEW:
        last = first + (count - first) // 2
        values[first:last].copy_(narrow[first:last])
        first = last
    values[first:].copy_(narrow[first:].clone())


class _FirstUse:
    """Before every other hook of its layer, once."""

    def __init__(self, waiting: dict[str, _Waiting], one: _Waiting) -> None:
        self._waiting, self._one = waiting, one

    def __call__(self, _module: nn.Module, _args: Any) -> None:
        self._one.widened()
        del self._waiting[self._one.name]


def wait_for_use(network: nn.Module, name: str, module: nn.Module, whole: torch.Tensor, stored: torch.Tensor) -> None:
    """The network's module of that name gets its weight, `whole`, when it is first called; `stored` is its
    `second_half`."""
    nothing = torch.zeros((), dtype=whole.dtype).expand(whole.shape)
    module._parameters["weight"] = nn.Parameter(nothing, requires_grad=False)
    waiting = network.__dict__.setdefault(_WAITING, {})
    one = waiting[name] = _Waiting(name, module, nn.Parameter(whole, requires_grad=False), stored)
    one.handle = module.register_forward_pre_hook(_FirstUse(waiting, one), prepend=True)


def is_waiting(network: nn.Module) -> bool:
    return any(True for _ in _all(network))


def waiting_bytes(network: nn.Module) -> int:
    """Memory that the network has asked for and not touched yet."""
    return sum(one.stored.numel() * one.stored.itemsize for one in _all(network))


def waiting_values(network: nn.Module) -> dict[str, torch.Tensor]:
    """By their names, as they will be computed with: copies."""
    return {f"{one.name}.weight": one.stored.to(one.whole.dtype) for one in _all(network)}


def widen_all(network: nn.Module) -> None:
    """For somebody who looks at the weights, or changes them."""
    for one in _all(network):
        one.widened()
    network.__dict__.pop(_WAITING, None)


def shrink_all(network: nn.Module) -> None:
    """The values stay in their 16 bits, in memory of their own as `module.weight`, and the rest is given back. Vectors
    of words become single precision: they are handed on as they are."""
    for one in _all(network):
        if isinstance(one.module, nn.Embedding):
            one.widened()
            continue
        one.settled()
        one.module._parameters["weight"] = nn.Parameter(one.stored.clone(), requires_grad=False)
    network.__dict__.pop(_WAITING, None)


def drop_all(network: nn.Module) -> None:
    """Nobody wants the values any more: the weights' memory is the modules' own again, to be filled anew."""
    for one in _all(network):
        one.settled()
    network.__dict__.pop(_WAITING, None)


def _all(network: nn.Module) -> Iterator[_Waiting]:
    yield from list(network.__dict__.get(_WAITING, {}).values())
