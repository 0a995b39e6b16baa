"""Tensors that lie in a file and are read piece by piece, straight to where they are needed.

Read, not memory-mapped: when another program cuts off a mapped file, the operating system ends the process that looks
at it; a read comes back short and can be told in words. Through a small buffer that stays in the processor's cache it
takes hardly longer.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdstudio.engine.sources.finite import Bits, bits_of

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Of the safetensors format, https://github.com/huggingface/safetensors#format."""
HEADER_MAX = 100_000_000
BLOCK = 2**18
"""Bytes of a piece: it stays in the processor's cache between reading, copying and checking."""
CUDA_BLOCK = 2**20
"""Smaller copies would not fill the way to a graphics card."""


class FileChanged(OSError):
    """A file that became another one, or shorter, since it was opened."""


class TensorFile:
    """One open file; its size and time are remembered, so that a change is noticed."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._file = path.open("rb", buffering=0)
        self._stamp = self._now()

    @property
    def size(self) -> int:
        return self._stamp[0]

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fills the buffer. Raises FileChanged when the file is shorter than it was, OSError as the system does."""
        self._file.seek(offset)
        got = 0
        while got < len(buffer):
            count = self._file.readinto(buffer[got:])
            if not count:
                raise FileChanged(f"{self.path.name} ends at {offset + got} of {self.size} bytes")
            got += count

    def check_unchanged(self) -> None:
        """Raises FileChanged."""
        if self._now() != self._stamp:
            raise FileChanged(f"{self.path.name} is not what it was when it was opened")

    def close(self) -> None:
        self._file.close()

    def _now(self) -> tuple[int, int]:
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A tensor in a file. It knows what diffusers' name converters do to tensors (their shape, a few views, "copies")
    without anything being read: `rows` gives the values."""

    file: TensorFile
    name: str
    offset: int
    """Of its first value, in bytes from the beginning of the file."""
    dtype: torch.dtype
    shape: tuple[int, ...]
    turned: bool = False
    """Stored the other way round: `shape` is that of the transposed matrix."""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stored_shape(self) -> tuple[int, ...]:
        return self.shape[::-1] if self.turned else self.shape

    @property
    def T(self) -> Stored:
        if self.ndim != 2:
            raise TypeError("only matrices are turned")
        return replace(self, shape=self.shape[::-1], turned=not self.turned)

    def clone(self) -> Stored:
        return self

    def detach(self) -> Stored:
        return self

    def contiguous(self) -> Stored:
        return self

    def chunk(self, count: int) -> tuple[Stored, ...]:
        """As many equal parts of the rows."""
        step = -(-self.shape[0] // count)
        return tuple(self[first : first + step] for first in range(0, self.shape[0], step))

    def __getitem__(self, key: Any) -> Stored:
        """Some of the rows, or without last axes of length 1: `[a:b]`, `[a:b, :]`, `[:, :, 0]`, `[:, :, 0, 0]`."""
        keys = key if isinstance(key, tuple) else (key,)
        if self.turned or not isinstance(keys[0], slice) or len(keys) > self.ndim:
            raise TypeError(f"tensor {self.name} cannot be cut as {key}")
        shape = self.shape
        for axis in range(len(keys) - 1, 0, -1):
            if keys[axis] == 0 and shape[axis] == 1 and axis == len(shape) - 1:
                shape = shape[:-1]
            elif keys[axis] != slice(None):
                raise TypeError(f"tensor {self.name} cannot be cut as {key}")
        first, last, step = keys[0].indices(shape[0])
        if step != 1:
            raise TypeError(f"tensor {self.name} cannot be cut as {key}")
        row = math.prod(shape[1:]) * self.dtype.itemsize
        return replace(self, offset=self.offset + first * row, shape=(max(0, last - first), *shape[1:]))

    def rows(self, scratch: Scratch) -> Iterator[tuple[int, int, torch.Tensor]]:
        """(first, last, values) piece by piece; the values are of the file's type and live until the next piece. Raises
        FileChanged and OSError."""
        stored = self.stored_shape
        count = stored[0] if stored else 1
        row = math.prod(stored[1:]) * self.dtype.itemsize
        step = count if self.turned else max(1, scratch.block // max(1, row))
        for first in range(0, count, max(1, step)):
            last = min(count, first + step)
            buffer = scratch.take((last - first) * row)
            self.file.read_into(memoryview(buffer.numpy()), self.offset + first * row)
            values = buffer.view(self.dtype).view(last - first, *stored[1:]) if stored else buffer.view(self.dtype)[0]
            yield (0, self.shape[0], values.T) if self.turned else (first, last, values)

    def lies_as(self, into: torch.Tensor) -> bool:
        """Whether `into` is memory that the values can be read to as they are."""
        as_stored = into.dtype == self.dtype and tuple(into.shape) == self.shape and not self.turned
        return as_stored and into.device.type == "cpu" and into.is_contiguous()

    def read_to(self, landing: Landing, block: int) -> Iterator[Bits]:
        """Straight to memory that they `lies_as`, without a copy: the bits of each `block` bytes as soon as they are
        there. Raises FileChanged and OSError."""
        bits, memory, read_into = landing.bits, landing.memory, self.file.read_into
        size = self.dtype.itemsize
        step = max(1, block // size)
        for first in range(0, len(bits), step):
            part = bits[first : first + step]
            read_into(memory[first * size : (first + step) * size], self.offset + first * size)
            yield part

    def read(self) -> torch.Tensor:
        """The whole of it, in memory of its own."""
        values = torch.empty(self.stored_shape, dtype=self.dtype)
        for _ in self.read_to(Landing(values), BLOCK):
            pass
        return values.T.contiguous() if self.turned else values


class Landing:
    """Contiguous memory of a tensor, as bytes to read to and as the bits of its values."""

    __slots__ = ("bits", "memory")

    def __init__(self, values: torch.Tensor) -> None:
        self.bits = bits_of(values.view(-1))
        self.memory = self.bits.view(np.uint8).data


class Scratch:
    """The buffer that pieces are read into: one, or for CUDA two of page-locked memory in turn, so that the next piece
    is read while the last one is on its way."""

    def __init__(self, *, pinned: bool = False) -> None:
        self.block = CUDA_BLOCK if pinned else BLOCK
        self._pinned = pinned
        self._buffers: list[torch.Tensor] = [torch.empty(0, dtype=torch.uint8)] * (2 if pinned else 1)
        self._sent: list[Any] = [None] * len(self._buffers)
        self._next = 0

    def take(self, count: int) -> torch.Tensor:
        """`count` bytes; what was taken `len(buffers)` calls ago is overwritten."""
        self._next = (self._next + 1) % len(self._buffers)
        if self._sent[self._next] is not None:
            self._sent[self._next].synchronize()
        if len(self._buffers[self._next]) < count:
            self._buffers[self._next] = torch.empty(max(count, self.block), dtype=torch.uint8, pin_memory=self._pinned)
        return self._buffers[self._next][:count]

    def sent(self) -> None:
        """The piece taken last is being copied to the device."""
        if self._pinned:
            event = torch.cuda.Event()
            event.record()
            self._sent[self._next] = event


def open_safetensors(path: Path) -> dict[str, Stored]:
    """Every tensor by its name. Raises OSError and ValueError in the words of a fault."""
    file = TensorFile(path)
    try:
        return _entries(file)
    except BaseException:
        file.close()
        raise


def _entries(file: TensorFile) -> dict[str, Stored]:
    head = bytearray(8)
    if file.size < 8:
        raise ValueError("it is too short for weights")
    file.read_into(memoryview(head), 0)
    length = int.from_bytes(head, "little")
    if length > min(HEADER_MAX, file.size - 8):
        raise ValueError("its list of contents is longer than the file")
    listed = bytearray(length)
    file.read_into(memoryview(listed), 8)
    try:
        contents = json.loads(listed)
        entries = {name: value for name, value in contents.items() if name != "__metadata__"}
        found = {name: _entry(file, name, value, 8 + length) for name, value in entries.items()}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its list of contents is damaged") from error
    _check_places(found, 8 + length)
    return found


def _entry(file: TensorFile, name: str, value: dict[str, Any], base: int) -> Stored:
    begin, end = (int(number) for number in value["data_offsets"])
    shape = tuple(int(side) for side in value["shape"])
    if value["dtype"] not in DTYPES:
        raise ValueError(f"it has values of the unknown type {value['dtype']}")
    stored = Stored(file, name, base + begin, DTYPES[value["dtype"]], shape)
    if begin < 0 or min(shape, default=0) < 0 or end - begin != stored.size_bytes or base + end > file.size:
        raise ValueError(f"the place of {name} lies outside of the file")
    return stored


def _check_places(found: dict[str, Stored], base: int) -> None:
    """One after the other without gaps, as the format demands: nothing lies over anything else."""
    place = base
    for stored in sorted(found.values(), key=lambda one: (one.offset, one.size_bytes)):
        if stored.offset != place:
            raise ValueError(f"the place of {stored.name} lies over another one")
        place += stored.size_bytes
