"""Inert stand-ins for what a pickle would build."""

from __future__ import annotations

from typing import Any, NamedTuple


class Name(NamedTuple):
    """A global that the pickle mentions; never looked up."""

    name: str


class StorageRef(NamedTuple):
    """Where the bytes of tensors lie: the file `key` in the archive, with `numbers` numbers of the type `dtype`."""

    dtype: str
    key: str
    numbers: int


class TensorRef(NamedTuple):
    """A window into a storage; `offset` and `strides` in numbers, not bytes."""

    storage: StorageRef
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Made:
    """An object that the pickle would make by calling `maker`."""

    __slots__ = ("arguments", "maker", "state")

    def __init__(self, maker: object, arguments: object) -> None:
        self.maker = maker
        self.arguments = arguments
        self.state: Any = None
