"""A harmless .ckpt rewritten as .safetensors: the weights are copied as bytes, nothing is unpickled."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sdstudio.domain.errors import StorageError, UnreadableFile
from sdstudio.domain.model_file import Verdict
from sdstudio.storage.files import write_new
from sdstudio.storage.recognise.first_bytes import START_BYTES, stranger
from sdstudio.storage.recognise.links import resolve
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.pickle_values import TensorRef
from sdstudio.storage.recognise.recogniser import recognise
from sdstudio.storage.recognise.refusal import Refusal, unsafe, unsupported
from sdstudio.storage.recognise.safetensors_header import has_header
from sdstudio.storage.recognise.tensor_table import BITS
from sdstudio.storage.recognise.torch_archive import TorchFile, read_torch_file

_BLOCK = 4 * 2**20
_GROWTH, _GROWTH_BYTES = 4, 64 * 2**20
"""Weights that are shared or spread out are written as often as they are named; more than that is a bomb."""
_KEPT_TEXTS = ("global_step", "epoch")

Progress = Callable[[int, int], None]
"""Bytes written and bytes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    path: Path
    tensors: int
    bytes: int


def convert_checkpoint(source: Path, target: Path, progress: Progress = lambda done, whole: None) -> Converted:
    """Writes `target`, with a number added to its name where it is taken. Tensors keep their names, types and values;
    whatever else a checkpoint holds (optimizer, callbacks) is left out. Raises UnreadableFile or StorageError."""
    try:
        with OpenFile(resolve(source, (source.parent,)), source) as file:
            found = _read(file)
            entries, whole = _plan(found, file.size)
            written = write_new(
                target.parent,
                target.stem,
                target.suffix,
                lambda out: _write(out, file, found, entries, whole, progress),
            )
            file.check_unchanged()
    except Refusal as error:
        message = f"“{source.name}” was not converted: {error.reason}."
        raise UnreadableFile(message, meaning="The file is as it was.") from error
    if recognise(written).verdict in (Verdict.BROKEN, Verdict.UNREACHABLE):
        raise StorageError(
            f"“{written}” came back damaged from the disk.", hint="Look at the disk, then convert again."
        )
    return Converted(path=written, tensors=len(entries), bytes=written.stat().st_size)


def _read(file: OpenFile) -> TorchFile:
    start = file.peek(0, START_BYTES)
    if has_header(start):
        raise unsupported("it is a .safetensors file already", "there is nothing to do")
    other = stranger(file, start)
    if other is not None:
        raise other
    return read_torch_file(file, start)


def _plan(found: TorchFile, size: int) -> tuple[list[tuple[str, TensorRef]], int]:
    """The larger types first, so that every tensor lies at a multiple of its own size."""
    entries = sorted(found.tensors.items(), key=lambda entry: (-BITS[entry[1].dtype], entry[0]))
    whole = sum(_bytes(tensor) for _, tensor in entries)
    if whole > _GROWTH * size + _GROWTH_BYTES:
        raise unsafe(f"it would grow from {size:,} to {whole:,} bytes")
    return entries, whole


def _bytes(tensor: TensorRef) -> int:
    return math.prod(tensor.shape) * BITS[tensor.dtype] // 8


def _header(entries: list[tuple[str, TensorRef]], texts: Mapping[str, str]) -> bytes:
    ends = list(accumulate((_bytes(tensor) for _, tensor in entries), initial=0))
    table: dict[str, object] = {
        "__metadata__": {"format": "pt", **{key: texts[key] for key in _KEPT_TEXTS if key in texts}}
    }
    for (name, tensor), begin, end in zip(entries, ends[:-1], ends[1:], strict=True):
        table[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _write(
    out: BinaryIO,
    file: OpenFile,
    found: TorchFile,
    entries: list[tuple[str, TensorRef]],
    whole: int,
    progress: Progress,
) -> None:
    out.write(_header(entries, found.texts))
    done = 0
    for _, tensor in entries:
        for block in _blocks(file, found, tensor):
            out.write(block)
            done += len(block)
            progress(done, whole)


def _blocks(file: OpenFile, found: TorchFile, tensor: TensorRef) -> Iterator[bytes]:
    """The numbers of a tensor in their order, row by row."""
    size = _bytes(tensor)
    if size == 0:
        return
    item = BITS[tensor.dtype] // 8
    begin = found.offset(file, tensor.storage) + tensor.offset * item
    if _in_order(tensor):
        for place in range(0, size, _BLOCK):
            yield file.read(begin + place, min(_BLOCK, size - place))
        return
    reach = 1 + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    numbers = np.ndarray(
        tensor.shape,
        dtype=f"u{item}",
        buffer=file.read(begin, reach * item),
        strides=tuple(step * item for step in tensor.strides),
    )
    yield np.ascontiguousarray(numbers).tobytes()


def _in_order(tensor: TensorRef) -> bool:
    step = 1
    for side, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if side != 1 and stride != step:
            return False
        step *= side
    return True
