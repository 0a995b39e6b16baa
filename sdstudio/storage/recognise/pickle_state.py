"""The stack, the memo and the place of a pickle that is being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sdstudio.storage.recognise.pickle_budget import Budget
from sdstudio.storage.recognise.pickle_values import Made, Name
from sdstudio.storage.recognise.refusal import broken, unsafe

LINE_MAX = 10_000
DIGITS_MAX = 1000
_PLACES = 2**32
"""Of the memo, by the opcodes."""
_KEY_MAX = 2**60
"""A whole number below is its own hash; larger ones can be chosen so that thousands have the same."""

Build = Callable[[str, object], object]
"""(name of the global, its arguments) -> what stands for the result."""
Load = Callable[[object], object]
"""A persistent id -> what stands for it."""


def _is_plain(key: object) -> bool:
    """As a key. The hash of a tuple of tuples of … could take for ever."""
    return type(key) is str or (type(key) is int and -_KEY_MAX < key < _KEY_MAX)


class Memo(dict[int, Any]):
    """What was kept for later, by its place. Of long runs of tensors it is only made when something is asked for that
    is not there: most checkpoints never do.

    While the places in use are 0, 1, 2, … without a gap, which they are in every pickle that goes by MEMOIZE, the next
    one is known without what was postponed being made.
    """

    def __init__(self) -> None:
        super().__init__()
        self._postponed: list[tuple[int, Callable[[], Iterable[object]]]] = []
        self._in_use = 0
        """All places before this one and no others, as long as there are `_own` that are not postponed."""
        self._own = 0

    def __missing__(self, place: int) -> Any:
        if not self._postponed:
            raise KeyError(place)
        self._catch_up()
        return self[place]

    def postpone(self, first: int, count: int, make: Callable[[], Iterable[object]]) -> None:
        """`make` gives what is kept in `count` places from `first` on, in place of what is there."""
        if self._own == len(self) and first == self._in_use:
            self._in_use += count
        else:
            self._forget(range(first, first + count))
            self._own = -1
        self._postponed.append((first, make))

    def add(self, value: object) -> None:
        """Into the next place."""
        place = self.next_place()
        self[place] = value
        if self._own >= 0 and place == self._in_use:
            self._in_use, self._own = place + 1, len(self)

    def next_place(self) -> int:
        if self._own != len(self):
            self._catch_up()
            return len(self)
        return self._in_use

    def is_dense(self) -> bool:
        """Whether there is nothing in the next places."""
        if self._own != len(self):
            self._catch_up()
            if self and max(self) >= len(self):
                return False
            self._in_use = self._own = len(self)
        return True

    def _forget(self, places: range) -> None:
        known, others = (self, places) if len(self) < len(places) else (places, self)
        for place in [place for place in known if place in others]:
            del self[place]

    def _catch_up(self) -> None:
        # The newest first: what is there by then was put there later.
        while self._postponed:
            first, make = self._postponed.pop()
            for place, value in enumerate(make(), first):
                self.setdefault(place, value)
        self._own = -1


class PickleState:
    """`globals` are the names met so far, in their order."""

    def __init__(self, data: bytes, begin: int, build: Build, load: Load, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
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
        return self.budget.letters(self.take(count))

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

    def line_place(self) -> int:
        """Of the memo. It is written as a text, in which any number can stand."""
        place = self.line_number()
        if not 0 <= place < _PLACES:
            raise broken("its pickle keeps something in a place that there is not")
        return place

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
            pairs = zip(keys, values, strict=True)
            texts = set(map(type, keys)) <= {str}
            target.update(pairs if texts else ((key, value) for key, value in pairs if _is_plain(key)))

    def extend(self, target: object, items: list[Any]) -> None:
        if isinstance(target, list):
            target.extend(items)
