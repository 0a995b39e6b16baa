"""The stack, the memo and the place of a pickle that is being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sdstudio.storage.recognise.pickle_values import Made, Name
from sdstudio.storage.recognise.refusal import broken, unsafe

LINE_MAX = 10_000
DIGITS_MAX = 1000
_PLAIN = frozenset({str, int})

Build = Callable[[str, object], object]
"""(name of the global, its arguments) -> what stands for the result."""
Load = Callable[[object], object]
"""A persistent id -> what stands for it."""


class Memo(dict[int, Any]):
    """What was kept for later, by its place. Of long runs of tensors it is only made when something is asked for that
    is not there: most checkpoints never do."""

    def __init__(self) -> None:
        super().__init__()
        self._postponed: list[tuple[int, Callable[[], Iterable[object]]]] = []

    def __missing__(self, place: int) -> Any:
        if not self._postponed:
            raise KeyError(place)
        self._catch_up()
        return self[place]

    def postpone(self, first: int, count: int, make: Callable[[], Iterable[object]]) -> None:
        """`make` gives what is kept in `count` places from `first` on, in place of what is there."""
        places = range(first, first + count)
        known, others = (self, places) if len(self) < count else (places, self)
        for place in [place for place in known if place in others]:
            del self[place]
        self._postponed.append((first, make))

    def next_place(self) -> int:
        self._catch_up()
        return len(self)

    def is_dense(self) -> bool:
        """Whether there is nothing in the next places."""
        self._catch_up()
        return not self or max(self) < len(self)

    def _catch_up(self) -> None:
        # The newest first: what is there by then was put there later.
        while self._postponed:
            first, make = self._postponed.pop()
            for place, value in enumerate(make(), first):
                self.setdefault(place, value)


class PickleState:
    """`globals` are the names met so far, in their order."""

    def __init__(self, data: bytes, begin: int, build: Build, load: Load) -> None:
        self.data = data
        self.place = begin
        self.globals: dict[str, None] = {}
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo = Memo()
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

    def line(self, encoding: str = "utf-8") -> str:
        end = self.data.find(b"\n", self.place, self.place + LINE_MAX)
        if end < 0:
            raise broken("its pickle has a line without end")
        text = self.data[self.place : end].decode(encoding)
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
            keys, values = items[::2], items[1::2]
            # Only plain keys: the hash of a tuple of tuples of … could take for ever.
            plain = set(map(type, keys)) <= _PLAIN
            pairs = zip(keys, values, strict=True)
            target.update(pairs if plain else ((key, value) for key, value in pairs if type(key) in _PLAIN))

    def extend(self, target: object, items: list[Any]) -> None:
        if isinstance(target, list):
            target.extend(items)
