"""Inert stand-ins for what a pickle would build."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sdstudio.storage.recognise.tensor_table import BITS


class Name(NamedTuple):
    """A global that the pickle mentions; never looked up."""

    name: str


class StorageRef(NamedTuple):
    """Where the `bytes` of tensors lie: the file `key` in the archive, with `numbers` numbers of the type `dtype`."""

    dtype: str
    key: str
    numbers: int
    bytes: int

    @classmethod
    def of(cls, dtype: str, key: str, numbers: int) -> StorageRef:
        return cls(dtype, key, numbers, numbers * BITS[dtype] // 8)


class TensorRef(NamedTuple):
    """A window into a storage; `offset` and `strides` in numbers, not bytes. It has `bytes` and needs those of the
    storage before the byte `end`; 0 for a tensor without numbers."""

    storage: StorageRef
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    bytes: int
    end: int

    @classmethod
    def of(
        cls, storage: StorageRef, dtype: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> TensorRef:
        size = BITS[dtype] // 8
        last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
        end = 0 if 0 in shape else size * (last + 1)
        return cls(storage, dtype, offset, shape, strides, size * math.prod(shape), end)


class Made:
    """An object that the pickle would make by calling `maker`."""

    __slots__ = ("arguments", "maker", "state")

    def __init__(self, maker: object, arguments: object) -> None:
        self.maker = maker
        self.arguments = arguments
        self.state: Any = None
