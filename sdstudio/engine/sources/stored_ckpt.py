"""Tensors of .ckpt files, read piece by piece as those of .safetensors are, without unpickling what is not a tensor."""

from __future__ import annotations

import logging
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sdstudio.engine.safe_pickles import read_tensors
from sdstudio.engine.sources.stored import Scratch, Stored, TensorFile

_log = logging.getLogger(__name__)
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Lengths of name and extra field at the end of a zip's local header of 30 bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A tensor that is in memory already, with the face of `Stored`: of files that cannot be read in pieces."""

    name: str
    values: torch.Tensor

    @property
    def dtype(self) -> torch.dtype:
        return self.values.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size_bytes(self) -> int:
        return self.values.numel() * self.values.dtype.itemsize

    @property
    def T(self) -> Held:
        return Held(self.name, self.values.T)

    def clone(self) -> Held:
        return self

    def detach(self) -> Held:
        return self

    def contiguous(self) -> Held:
        return self

    def chunk(self, count: int) -> tuple[Held, ...]:
        return tuple(Held(self.name, part) for part in self.values.chunk(count))

    def __getitem__(self, key: Any) -> Held:
        return Held(self.name, self.values[key])

    def rows(self, scratch: Scratch) -> Iterator[tuple[int, int, torch.Tensor]]:
        if not self.shape:
            yield 0, 1, self.values
            return
        step = max(1, scratch.block // max(1, self.size_bytes // max(1, self.shape[0])))
        for first in range(0, self.shape[0], step):
            last = min(self.shape[0], first + step)
            yield first, last, self.values[first:last]

    def read(self) -> torch.Tensor:
        return self.values


def open_ckpt(path: Path) -> dict[str, Stored | Held]:
    """Every tensor by its name. Raises what `read_tensors` raises."""
    places = _places(path)
    described = read_tensors(path, "meta") if places else {}
    if described and all(_lies_in(places, tensor) for tensor in described.values()):
        file = TensorFile(path)
        return {name: _stored(file, name, tensor) for name, tensor in described.items()}
    _log.info("%s cannot be read in pieces: all of it is read at once", path.name)
    return {name: Held(name, tensor) for name, tensor in read_tensors(path).items()}


def _places(path: Path) -> dict[int, int]:
    """Where each uncompressed part of the zip begins, and its length; {} where it is no zip, or of a machine that
    writes numbers the other way round. Raises OSError."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            parts = [part for part in archive.infolist() if part.compress_type == zipfile.ZIP_STORED]
            if any(p.filename.endswith("/byteorder") and archive.read(p) != b"little" for p in parts):
                return {}
            return {_beginning(raw, part.header_offset): part.file_size for part in parts}
    except (zipfile.BadZipFile, struct.error, NotImplementedError, EOFError, ValueError):
        return {}


def _beginning(raw: Any, header: int) -> int:
    raw.seek(header)
    name, extra = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
    return header + _LOCAL_HEADER.size + int(name) + int(extra)


def _lies_in(places: dict[int, int], tensor: torch.Tensor) -> bool:
    storage = tensor.untyped_storage()
    offset = getattr(storage, "_checkpoint_offset", None)
    inside = tensor.storage_offset() * tensor.itemsize + tensor.numel() * tensor.itemsize <= storage.nbytes()
    return offset in places and storage.nbytes() <= places[offset] and tensor.is_contiguous() and inside


def _stored(file: TensorFile, name: str, tensor: torch.Tensor) -> Stored:
    begin = int(tensor.untyped_storage()._checkpoint_offset)
    return Stored(file, name, begin + tensor.storage_offset() * tensor.itemsize, tensor.dtype, tuple(tensor.shape))
