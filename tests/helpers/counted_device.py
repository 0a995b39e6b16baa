"""A device without memory, only a count of it: networks run on shapes alone, and every tensor that lives counts."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class AsOnCards(TorchFunctionMode):
    """Attention without its matrix of all pairs, norms as one piece of work: nothing in between is kept."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.nn.functional.scaled_dot_product_attention, torch.nn.functional.group_norm):
            return torch.empty_like(args[0])
        return function(*args, **(kwargs or {}))


class CountedMemory(TorchDispatchMode):
    """`now` and `peak`: bytes of storages on the meta device made while it lasts and not gone. Raises
    torch.cuda.OutOfMemoryError when `limit` is passed, as a card does."""

    def __init__(self, limit: int | None = None, already: int = 0) -> None:
        super().__init__()
        self.limit = limit
        self.now = self.peak = already
        self._alive: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                self._count(tensor)
        return result

    def _count(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = storage._cdata, storage.nbytes()
        if place in self._alive:
            return
        if self.limit is not None and self.now + size > self.limit:
            raise torch.cuda.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / 2**20:.0f} MiB.")
        self._alive.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._end, place, size).atexit = False

    def _end(self, place: int, size: int) -> None:
        self._alive.discard(place)
        self.now -= size
