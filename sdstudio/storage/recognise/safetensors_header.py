"""The header of a .safetensors file, read with limits and checked to the last offset."""

from __future__ import annotations

import json
from typing import Any

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal, broken, truncated, unsafe
from sdstudio.storage.recognise.tensor_table import BITS, TensorEntry, TensorTable

HEADER_BYTES_MAX = 8 * 2**20
"""A checkpoint's header has 0.1 to 0.4 megabytes; with a merge's recipe or a trainer's log in it, a few."""
ENTRIES_MAX = 20_000
"""SDXL has 2,500 tensors, twice that with an EMA; LoRAs for it up to 7,000."""
_DIMENSIONS_MAX = 16
_BITS_MAX = 2**66
_METADATA = "__metadata__"


def has_header(start: bytes) -> bool:
    """Whether the first bytes could be a safetensors file's: a length, then a JSON object."""
    return len(start) >= 9 and start[8:9] == b"{"


def read_header(file: OpenFile) -> TensorTable:
    """Raises Refusal for a header that lies, is too large, or does not fit the file."""
    length, table = read_json_header(file)
    entries, whole = _entries(table)
    held = file.size - 8 - length
    if held < whole:
        raise truncated(file.size, 8 + length + whole)
    if held > whole:
        raise broken(f"{held - whole:,} bytes lie behind the last tensor")
    file.check_unchanged()
    texts = table.get(_METADATA)
    return TensorTable(entries=entries, texts=_texts(texts), layout="safetensors")


def read_json_header(file: OpenFile) -> tuple[int, dict[str, Any]]:
    length = int.from_bytes(file.read(0, 8), "little")
    if length > HEADER_BYTES_MAX and length + 8 > file.size:
        raise unsafe(f"its header claims to have {length:,} bytes")
    if length > HEADER_BYTES_MAX:
        raise unsafe(f"its header has {length:,} bytes; {HEADER_BYTES_MAX:,} is the most that is read")
    if length + 8 > file.size:
        raise truncated(file.size, length + 8)
    try:
        table = json.loads(file.read(8, length).decode("utf-8"), object_pairs_hook=_Tables())
    except RecursionError:
        raise unsafe("its header is nested too deeply") from None
    except ValueError as error:
        raise broken(f"its header is no JSON: {str(error)[:80]}") from error
    if not isinstance(table, dict):
        raise broken("its header is no table of tensors")
    return length, table


class _Tables:
    """Makes the tables of a header, until there are too many."""

    def __init__(self) -> None:
        self._left = ENTRIES_MAX

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise unsafe(f"its header lists more than {ENTRIES_MAX:,} tensors")
        table = dict(pairs)
        if len(table) != len(pairs):
            # Two readers could take different ones of the two.
            raise unsafe("a name stands twice in its header")
        return table


def _texts(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise broken("the metadata of its header is no table of texts")
    return value


def _entries(table: dict[str, Any]) -> tuple[dict[str, TensorEntry], int]:
    """The tensors, and how many bytes they take together: without gap and overlap, as the format demands."""
    places: list[tuple[int, int, str]] = []
    entries: dict[str, TensorEntry] = {}
    for name, value in table.items():
        if name == _METADATA:
            continue
        entries[name], begin, end = _entry(name, value)
        places.append((begin, end, name))
    if not places:
        raise broken("it holds no tensors")
    places.sort()
    last = 0
    for begin, end, name in places:
        if begin < last:
            raise unsafe(f"the tensor {_short(name)} overlaps another")
        if begin > last:
            raise broken(f"there is a gap of {begin - last:,} bytes before the tensor {_short(name)}")
        last = end
    return entries, last


def _entry(name: str, value: object) -> tuple[TensorEntry, int, int]:
    if not isinstance(value, dict):
        raise _bad(name, "is described by no table")
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    bits = BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is None or not isinstance(dtype, str):
        raise _bad(name, f"has the unknown type {str(dtype)[:20]!r}")
    if not isinstance(shape, list) or len(shape) > _DIMENSIONS_MAX:
        raise _bad(name, "has no proper shape")
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise _bad(name, "has no proper place")
    count = bits
    for side in shape:
        # bool is an int in Python, but not in JSON.
        if type(side) is not int or side < 0:
            raise _bad(name, "has no proper shape")
        count *= side
        if count >= _BITS_MAX:
            raise unsafe(f"the tensor {_short(name)} claims more numbers than any disk holds")
    begin, end = offsets
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end < _BITS_MAX:
        raise _bad(name, "has no proper place")
    if count != (end - begin) * 8:
        raise _bad(name, f"takes {end - begin:,} bytes, but its shape and type need {count // 8:,}")
    return TensorEntry(dtype, tuple(shape), end - begin), begin, end


def _bad(name: str, words: str) -> Refusal:
    return broken(f"the tensor {_short(name)} {words}")


def _short(name: str) -> str:
    shown = name if len(name) <= 60 else name[:57] + "…"
    return f"“{shown}”"
