"""Inert stand-ins for what a pickle would build."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sdstudio.storage.recognise.tensor_table import BITS, TensorEntry


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


class TensorKind(NamedTuple):
    """What tensors have in common that differ in the storage only: a window into `numbers` numbers of the type
    `stored`, which take `stored_bytes`; `offset` and `strides` in numbers, not bytes. It needs the storage's bytes
    before the byte `end`; 0 for a tensor without numbers."""

    entry: TensorEntry
    offset: int
    strides: tuple[int, ...]
    end: int
    stored: str
    numbers: int
    stored_bytes: int


class TensorRef(NamedTuple):
    """A tensor of that kind in the storage with that key."""

    kind: TensorKind
    key: str

    @classmethod
    def of(
        cls, storage: StorageRef, dtype: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> TensorRef:
        size = BITS[dtype] // 8
        last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
        end = 0 if 0 in shape else size * (last + 1)
        entry = TensorEntry(dtype, shape, size * math.prod(shape))
        stored, key, numbers, stored_bytes = storage
        return cls(TensorKind(entry, offset, strides, end, stored, numbers, stored_bytes), key)

    @property
    def storage(self) -> StorageRef:
        return StorageRef(self.kind.stored, self.key, self.kind.numbers, self.kind.stored_bytes)

    @property
    def dtype(self) -> str:
        return self.kind.entry.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.kind.entry.shape

    @property
    def offset(self) -> int:
        return self.kind.offset

    @property
    def strides(self) -> tuple[int, ...]:
        return self.kind.strides


class Made:
    """An object that the pickle would make by calling `maker`."""

    __slots__ = ("arguments", "maker", "state")

    def __init__(self, maker: object, arguments: object) -> None:
        self.maker = maker
        self.arguments = arguments
        self.state: Any = None
