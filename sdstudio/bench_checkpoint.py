"""Writes checkpoints as torch.save does, opcode by opcode, for the benchmark of their recognition: torch is not needed.

What all tensors share stands once and is then taken from the memo; a table comes in batches of 1000 entries; from
protocol 4 on, the places of the memo are not written, and frames of 64 kB go through everything.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

Shapes = dict[str, tuple[int, ...]]

_BATCH, _FRAME_BYTES = 1000, 2**16
"""Of Python's own pickler, which torch.save uses."""
_MAKER, _HOOKS = ("torch._utils", "_rebuild_tensor_v2"), ("collections", "OrderedDict")
_STORAGE = ("torch", "HalfStorage")


def write_checkpoint(path: Path, shapes: Shapes, protocol: int = 2) -> Path:
    """Of half precision, with next to no weights."""
    path = path.with_suffix(".ckpt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _Pickle(protocol).of(shapes))
        for number, shape in enumerate(shapes.values()):
            archive.writestr(f"archive/data/{number}", bytes(2 * numbers_in(shape)))
    return path


def numbers_in(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


class _Pickle:
    def __init__(self, protocol: int) -> None:
        self._protocol = protocol
        self._places = 0
        self._known: dict[object, int] = {}
        self._steps: list[bytes] = []

    def of(self, shapes: Shapes) -> bytes:
        self._write(b"}", self._put())
        for number, (name, shape) in enumerate(shapes.items()):
            if number % _BATCH == 0:
                self._write(b"u(" if number else b"(")
            self._tensor(name, str(number), shape)
        self._write(b"u.")
        begin = b"\x80" + bytes([self._protocol])
        return begin + b"".join(self._steps if self._protocol < 4 else self._framed())

    def _tensor(self, name: str, key: str, shape: tuple[int, ...]) -> None:
        self._text(name)
        self._global(_MAKER)
        self._write(b"(", b"(")
        self._once("storage")
        self._global(_STORAGE)
        self._text(key)
        self._once("cpu")
        self._write(_number(numbers_in(shape)), b"t", self._put(), b"Q", b"K\0")
        for numbers in (shape, [numbers_in(shape[axis + 1 :]) for axis in range(len(shape))]):
            self._write(*_tuple(list(map(_number, numbers))), self._put())
        self._write(b"\x89")
        self._global(_HOOKS)
        self._write(b")", b"R", self._put(), b"t", self._put(), b"R", self._put())

    def _write(self, *steps: bytes) -> None:
        self._steps += steps

    def _put(self, known: object = None) -> bytes:
        place, self._places = self._places, self._places + 1
        self._known[known] = place
        if self._protocol >= 4:
            return b"\x94"
        return b"q" + bytes([place]) if place < 256 else b"r" + struct.pack("<I", place)

    def _text(self, value: str) -> None:
        data = value.encode()
        short = self._protocol >= 4 and len(data) < 256
        self._write((b"\x8c" + bytes([len(data)]) if short else b"X" + struct.pack("<I", len(data))) + data)
        self._write(self._put(value))

    def _once(self, value: str) -> None:
        if value in self._known:
            self._write(b"h" + bytes([self._known[value]]))
        else:
            self._text(value)

    def _global(self, name: tuple[str, str]) -> None:
        if name in self._known:
            self._write(b"h" + bytes([self._known[name]]))
        elif self._protocol < 4:
            self._write("c{}\n{}\n".format(*name).encode(), self._put(name))
        else:
            for part in name:
                self._once(part)
            self._write(b"\x93", self._put(name))

    def _framed(self) -> Iterable[bytes]:
        """A frame ends behind the step with which it is full."""
        ends = accumulate(map(len, self._steps))
        frames: dict[int, list[bytes]] = {}
        for step, end in zip(self._steps, ends, strict=True):
            frames.setdefault((end - len(step)) // _FRAME_BYTES, []).append(step)
        for steps in frames.values():
            frame = b"".join(steps)
            yield b"\x95" + struct.pack("<Q", len(frame)) + frame


def _number(value: int) -> bytes:
    if value < 2**16:
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)
    return b"J" + struct.pack("<i", value)


def _tuple(steps: list[bytes]) -> list[bytes]:
    return [*steps, bytes([0x84 + len(steps)])] if 0 < len(steps) < 4 else [b"(", *steps, b"t"]
