"""The steps with which torch.save writes a tensor, followed for all tensors of a pickle side by side.

Two bytes that all of them have are looked for. From there on each step's first byte says how long it is, so that the
steps of a tensor are the usual ones to the last byte, or it is left out; and tensors count as a run only as far as each
begins where the one before it ended. Where the first begins, the caller knows.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sdstudio.storage.recognise.tensor_head import PUTS, Head

WINDOW_BYTES = 2**20
"""Looked through in one go; the pickle of an SDXL checkpoint has 0.4 megabytes."""
_GUESSES_MAX = WINDOW_BYTES // 60
"""No tensor has fewer bytes, so that more are wrong ones."""
_SIDES_MAX = 16
_MARK, _NONE, _TUPLE, _TUPLE1, _MEMOIZE, _TRUE, _FALSE = b"(Nt\x85\x94\x88\x89"

Column = npt.NDArray[Any]
"""One number for each tensor."""
_NO_WORD: Column = np.zeros(1, np.int32)


class _Steps(NamedTuple):
    """By a step's first byte: how long it is with its operand (0: it is another step), and the bits of the operand."""

    widths: Column
    masks: Column

    @classmethod
    def of(cls, steps: dict[bytes, tuple[int, int]]) -> _Steps:
        table = cls(np.zeros(256, np.int32), np.zeros(256, np.int32))
        for step, (width, mask) in steps.items():
            table.widths[step[0]], table.masks[step[0]] = width, mask
        return table


_NUMBER = _Steps.of({b"K": (2, 0xFF), b"M": (3, 0xFFFF), b"J": (5, -1)})
_GET = _Steps.of({b"h": (2, 0xFF), b"j": (5, -1)})
_PUT = _Steps.of({b"q": (2, 0xFF), b"r": (5, -1), b"\x94": (1, 0)})
_TEXT = _Steps.of({b"X": (5, -1), b"\x8c": (2, 0xFF)})


class _Window:
    def __init__(self, data: memoryview) -> None:
        self.bytes: Column = np.frombuffer(data, np.uint8)
        self.known = max(0, len(data) - 3)
        """The four bytes from any place before this one are there as a number."""
        self._words: Column = np.ndarray((self.known,), "<i4", data, strides=(1,)) if self.known else _NO_WORD

    def operands(self, at: Column) -> Column:
        """Four bytes from there on, of which shorter operands need some only."""
        # Picked where they are, aligned or not: a copy for each of four alignments is memory that the system has to
        # find, which takes longer than all the picking.
        found: Column = self._words[np.minimum(at, len(self._words) - 1)]
        return found

    def guesses(self) -> Column:
        """Where two marks stand before a GET."""
        marks = np.flatnonzero(self.bytes == _MARK).astype(np.int32)
        second, third = self.bytes.take(marks + 1, mode="clip"), self.bytes.take(marks + 2, mode="clip")
        found: Column = marks[(second == _MARK) & (_GET.widths.take(third) > 0)]
        return found[:_GUESSES_MAX]


class _Walk:
    """`at` is where the next step of each tensor begins, `usual` whether its steps were the usual ones until there.

    The others go on from wherever they are; places outside of the window are those at its end.
    """

    def __init__(self, window: _Window, at: Column) -> None:
        self._window = window
        self.at = at
        self.usual: Column = np.ones(len(at), np.bool_)
        self._puts: list[Column] = []
        self._put_width: Column = np.zeros(len(at), np.int32)

    def _step(self) -> Column:
        return self._window.bytes.take(self.at, mode="clip")

    def _try(self, step: Column, steps: _Steps) -> tuple[Column, Column]:
        """The operands, and where there was such a step at all (0: of the others)."""
        words = self._window.operands(self.at + 1)
        width = steps.widths.take(step)
        self.at = self.at + width
        return words & steps.masks.take(step), width > 0

    def operand(self, steps: _Steps) -> Column:
        operands, there = self._try(self._step(), steps)
        self.usual &= there
        return operands

    def constant(self, step: int) -> None:
        self.usual &= self._step() == step
        self.at = self.at + 1

    def optional(self, step: int) -> Column:
        there: Column = self._step() == step
        self.at = self.at + there
        return there

    def flag(self) -> Column:
        step = self._step()
        self.usual &= (step == _TRUE) | (step == _FALSE)
        self.at = self.at + 1
        return np.asarray(step == _TRUE)

    def text(self) -> tuple[Column, Column]:
        length = self.operand(_TEXT)
        fits = length.view(np.uint32) < WINDOW_BYTES
        self.usual &= fits
        begin, self.at = self.at, self.at + length * fits
        return begin, self.at

    def sides(self) -> list[Column]:
        """Of a tuple: how many numbers there are, then the numbers."""
        marked = self.optional(_MARK)
        count: Column = np.zeros(len(self.at), np.int32)
        numbers: list[Column] = []
        for _ in range(_SIDES_MAX):
            step = self._step()
            if not _NUMBER.widths.take(step).any():
                break
            operands, there = self._try(step, _NUMBER)
            numbers.append(operands)
            count = count + there
        close = self._step()
        self.usual &= (count > 0) & np.where(marked, close == _TUPLE, (close == _TUPLE1 - 1 + count) & (count <= 3))
        self.at = self.at + 1
        return [count, *numbers]

    def put(self) -> None:
        """All of a tensor's are of one length, and `check_puts` looks at them together."""
        if not self._puts:
            self._put_width = _PUT.widths.take(self._step())
        self._puts.append(self.at)
        self.at = self.at + self._put_width

    def check_puts(self) -> tuple[Column, Column]:
        """Each into the place of the memo behind that of the one before; MEMOIZE always does so. Returns the place of
        the first, and which are MEMOIZE."""
        at = np.stack(self._puts)
        steps = self._window.bytes.take(at, mode="clip")
        places = self._window.operands(at + 1) & _PUT.masks.take(steps[0])
        memoised = steps[0] == _MEMOIZE
        onward = np.arange(len(at), dtype=np.int32)[:, None] * ~memoised
        together = ((steps == steps[0]) & (places == places[0] + onward)).all(axis=0)
        self.usual &= together & (self._put_width > 0)
        return places[0], memoised


class Shared(NamedTuple):
    """Places in the memo of what most tensors have in common; those from 2**31 on are negative."""

    maker: int
    word: int
    kind: int
    device: int
    hooks: int


class Numbers(NamedTuple):
    """Of a tensor's steps."""

    shared: Shared
    stored: int
    view: int
    offset: int
    grad: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_SINGLE = len(Shared._fields) + 4
"""Numbers before the shape."""


class TensorRows:
    """The tensors in a window of a pickle that begins at a place. They are numbered."""

    def __init__(self, data: bytes, begin: int) -> None:
        view = memoryview(data)[begin : begin + WINDOW_BYTES]
        window = _Window(view)
        self._begin, self.end = begin, begin + len(view)
        self._data = view
        self._letters = str(view, "latin-1")
        self._read_bodies(window)
        self._read_heads(window)

    def _read_bodies(self, window: _Window) -> None:
        guesses = window.guesses()
        walk = _Walk(window, guesses + 2)
        word, kind = walk.operand(_GET), walk.operand(_GET)
        key_begin, key_end = walk.text()
        walk.put()
        device, stored, view = walk.operand(_GET), walk.operand(_NUMBER), walk.optional(_NONE)
        walk.constant(_TUPLE)
        walk.put()
        walk.constant(ord("Q"))
        offset, shape = walk.operand(_NUMBER), walk.sides()
        walk.put()
        strides = walk.sides()
        walk.put()
        grad, hooks = walk.flag(), walk.operand(_GET)
        for steps in b")R", b"t", b"R":
            for step in steps:
                walk.constant(step)
            walk.put()
        puts, memoised = walk.check_puts()
        usual = walk.usual & (walk.at <= window.known)
        maker = np.zeros(len(guesses), np.int32)
        numbers = (maker, word, kind, device, hooks, stored, view, offset, grad, *shape, *strides)
        self._sides = len(shape) - 1
        self._numbers = np.array(numbers, np.int32).T[usual]
        self._guesses, self._ends = guesses[usual], walk.at[usual]
        self._puts, self._memoised = puts[usual], memoised[usual]
        self._keys = key_begin[usual], key_end[usual]

    def _read_heads(self, window: _Window) -> None:
        """Of all but the first, which follow the tensor before."""
        walk = _Walk(window, self._ends[:-1])
        begin, end = walk.text()
        walk.put()
        self._numbers[1:, 0] = walk.operand(_GET)
        put, memoised = walk.check_puts()
        onward = (~self._memoised[1:]).astype(np.int32)
        follows = walk.usual & (walk.at == self._guesses[1:])
        follows &= (memoised == self._memoised[1:]) & (memoised == self._memoised[:-1])
        follows &= (put == self._puts[1:] - onward) & (self._puts[1:] == self._puts[:-1] + PUTS * onward)
        self._breaks = np.append(1 + np.flatnonzero(~follows), len(self._ends))
        self._names = np.append(0, begin), np.append(0, end)

    def run(self, head: Head) -> tuple[int, int]:
        """The numbers of the tensors from that one on, without gap; none if its steps are not the usual ones."""
        guess = head.place - self._begin
        first = int(np.searchsorted(self._guesses, guess))
        if first == len(self._guesses) or self._guesses[first] != guess or head.maker >= 2**31:
            return 0, 0
        if bool(self._memoised[first]) != (head.put is None) or head.put not in (None, self._puts[first] - 1):
            return 0, 0
        self._numbers[first, 0] = head.maker
        for column, place in zip(self._names, (head.begin, head.end), strict=True):
            column[first] = place - self._begin
        return first, int(self._breaks[np.searchsorted(self._breaks, first, "right")])

    def rows(self, first: int, last: int) -> list[bytes]:
        """The same for tensors that differ in nothing but the name, the key and their places in the memo."""
        rows = np.ascontiguousarray(self._numbers[first:last])
        found: list[bytes] = rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist()
        return found

    def numbers(self, row: bytes) -> Numbers:
        values = struct.unpack(f"={len(row) // 4}i", row)
        shape, strides = values[_SINGLE : _SINGLE + self._sides + 1], values[_SINGLE + self._sides + 1 :]
        stored, view, offset, grad = values[len(Shared._fields) : _SINGLE]
        sides = shape[1 : 1 + shape[0]], strides[1 : 1 + strides[0]]
        return Numbers(Shared._make(values[: len(Shared._fields)]), stored, view, offset, grad, *sides)

    def names(self, first: int, last: int) -> list[str]:
        return self._texts(self._names, first, last)

    def keys(self, first: int, last: int) -> list[str]:
        return self._texts(self._keys, first, last)

    def _texts(self, places: tuple[Column, Column], first: int, last: int) -> list[str]:
        """Raises UnicodeDecodeError."""
        begins, ends = (column[first:last].tolist() for column in places)
        text = self._letters
        found = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        if "".join(found).isascii():
            return found
        return [str(self._data[begin:end], "utf-8") for begin, end in zip(begins, ends, strict=True)]

    def place_behind(self, last: int) -> int:
        return self._begin + int(self._ends[last - 1])
