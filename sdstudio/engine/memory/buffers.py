"""Memory of weights that nobody needs any more, kept for the next model of the same kind.

On a CPU what loading costs is not the disk but fresh memory: four times as much as copying into memory that is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

from sdstudio.engine.memory.widening import drop_all

KIND = "_sdstudio_kind"
"""Of a network built from one of our configurations: two with the same differ in their weights alone."""
_Key = tuple[tuple[int, ...], torch.dtype, torch.device, bool]


class BufferPool:
    """Free tensors by shape, type, device and order in memory."""

    def __init__(self) -> None:
        self._networks: dict[object, nn.Module] = {}
        self._free: defaultdict[_Key, list[torch.Tensor]] = defaultdict(list)

    @property
    def size_bytes(self) -> int:
        whole = [parameter for network in self._networks.values() for parameter in network.parameters()]
        return sum(one.numel() * one.itemsize for free in [whole, *self._free.values()] for one in free)

    def take(
        self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device, *, channels_last: bool = False
    ) -> torch.Tensor:
        """Its values are whatever they were. Raises what torch raises when memory is short."""
        free = self._free.get((shape, dtype, device, channels_last))
        if free:
            return free.pop()
        order = torch.channels_last if channels_last else torch.contiguous_format
        return torch.empty(shape, dtype=dtype, device=device, memory_format=order)

    def give(self, tensor: torch.Tensor) -> None:
        """Nobody may use the tensor afterwards."""
        if tensor.is_meta or tensor.is_inference() or tensor.data_ptr() == 0:
            return
        turned = tensor.ndim == 4 and not tensor.is_contiguous()
        if turned and not tensor.is_contiguous(memory_format=torch.channels_last):
            return
        if not turned and not tensor.is_contiguous():
            return
        self._free[tuple(tensor.shape), tensor.dtype, tensor.device, turned].append(tensor)

    def network(self, kind: object) -> nn.Module | None:
        """A whole network of the kind, to be filled with other weights; given out once."""
        return self._networks.pop(kind, None)

    def take_apart(self, networks: Iterable[nn.Module]) -> None:
        """All weights of networks that are not used any more. One whose kind is known, with nothing hanging on it,
        stays whole: building it anew would cost a third of a second. A call of the others fails from now on."""
        nothing = torch.empty(0)
        seen: set[int] = set()
        for network in networks:
            drop_all(network)
            kind = getattr(network, KIND, None)
            if kind is not None and kind not in self._networks and _is_plain(network):
                self._networks[kind] = network
                continue
            for parameter in network.parameters():
                tensor = parameter.data
                parameter.data = nothing.to(tensor.dtype)
                if tensor.data_ptr() not in seen:
                    seen.add(tensor.data_ptr())
                    self.give(tensor)

    def clear(self) -> None:
        self._free.clear()
        self._networks.clear()


def _is_plain(network: nn.Module) -> bool:
    """Without anybody's hooks."""
    return not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
