"""The stack, the memo and the place of a pickle that is being read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdstudio.storage.recognise.pickle_values import Made, Name
from sdstudio.storage.recognise.refusal import broken, unsafe

LINE_MAX = 10_000
DIGITS_MAX = 1000

Build = Callable[[str, object], object]
"""(name of the global, its arguments) -> what stands for the result."""
Load = Callable[[object], object]
"""A persistent id -> what stands for it."""


class PickleState:
    """`globals` are the names met so far, in their order."""

    def __init__(self, data: bytes, begin: int, build: Build, load: Load) -> None:
        self.data = data
        self.place = begin
        self.globals: dict[str, None] = {}
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.build = build
        self.find = load

    # -- reading ------------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        end = self.place + count
        if count < 0 or end > len(self.data):
            raise broken("its pickle ends too early")
        part = self.data[self.place : end]
        self.place = end
        return part

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def signed(self, count: int) -> int:
        if count > DIGITS_MAX:
            raise unsafe("its pickle has an endless number")
        return int.from_bytes(self.take(count), "little", signed=True)

    def text(self, count: int) -> str:
        return self.take(count).decode("utf-8", "surrogatepass")

    def line(self) -> str:
        end = self.data.find(b"\n", self.place, self.place + LINE_MAX)
        if end < 0:
            raise broken("its pickle has a line without end")
        text = self.data[self.place : end].decode("utf-8")
        self.place = end + 1
        return text

    def line_number(self) -> int:
        text = self.line()
        if len(text) > DIGITS_MAX:
            raise unsafe("its pickle has an endless number")
        return int(text.rstrip("L"))

    def pop_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    # -- building -----------------------------------------------------------------------------------------------------

    def push(self, value: object) -> None:
        self.stack.append(value)

    def mention(self, name: str) -> None:
        self.globals[name] = None
        self.stack.append(Name(name))

    def call(self, maker: object, arguments: object) -> None:
        made = self.build(maker.name, arguments) if isinstance(maker, Name) else Made(maker, arguments)
        self.stack.append(made)

    def load(self, key: object) -> None:
        self.stack.append(self.find(key))

    def set_items(self, target: object, items: list[Any]) -> None:
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                # Only plain keys: the hash of a tuple of tuples of … could take for ever.
                if type(key) in (str, int):
                    target[key] = value

    def extend(self, target: object, items: list[Any]) -> None:
        if isinstance(target, list):
            target.extend(items)
