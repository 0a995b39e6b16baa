"""The header of a .safetensors file, read with limits and checked to the last offset."""

from __future__ import annotations

import json
from typing import Any

from sdstudio.storage.recognise.header_tensors import usual_header
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import broken, truncated, unsafe
from sdstudio.storage.recognise.tensor_rules import ENTRIES_MAX, METADATA, bad_tensor, entry_of, place_of, short
from sdstudio.storage.recognise.tensor_table import TensorEntry, TensorTable

HEADER_BYTES_MAX = 8 * 2**20
"""A checkpoint's header has 0.1 to 0.4 megabytes; with a merge's recipe or a trainer's log in it, a few."""
PIECES_FROM = 2**19
"""Bytes of a header whose pieces are counted; in fewer there cannot be too many."""
BRACKETS_MAX = 400_000
"""Lists and tables, also those in the texts of the metadata: three for each tensor, some thousands in a workflow."""
TEXTS_MAX = 550_000
"""With the names of tensors and of what is said of them: five for each tensor."""
_DIGITS_MAX = 400
"""Larger numbers are none; the time to read them grows with the square of their length."""


def has_header(start: bytes) -> bool:
    """Whether the first bytes could be a safetensors file's: a length, then a JSON object."""
    return len(start) >= 9 and start[8:9] == b"{"


def read_header(file: OpenFile) -> TensorTable:
    """Raises Refusal for a header that lies, is too large, or does not fit the file."""
    length, data = _read(file)
    entries, whole, texts = _decoded(data)
    held = file.size - 8 - length
    if held < whole:
        raise truncated(file.size, 8 + length + whole)
    if held > whole:
        raise broken(f"{held - whole:,} bytes lie behind the last tensor")
    file.check_unchanged()
    return TensorTable(entries=entries, texts=texts, layout="safetensors")


def _read(file: OpenFile) -> tuple[int, bytes]:
    length = int.from_bytes(file.read(0, 8), "little")
    if length > HEADER_BYTES_MAX and length + 8 > file.size:
        raise unsafe(f"its header claims to have {length:,} bytes")
    if length > HEADER_BYTES_MAX:
        raise unsafe(f"its header has {length:,} bytes; {HEADER_BYTES_MAX:,} is the most that is read")
    if length + 8 > file.size:
        raise truncated(file.size, length + 8)
    return length, file.read(8, length)


def _decoded(data: bytes) -> tuple[dict[str, TensorEntry], int, dict[str, str]]:
    """The tensors, how many bytes they take together, and the metadata."""
    if len(data) > PIECES_FROM:
        _check_pieces(data)
    try:
        text = data.decode("utf-8")
        usual = usual_header(text)
        table = json.loads(text, object_pairs_hook=_Tables(), parse_int=_whole) if usual is None else {}
    except RecursionError:
        raise unsafe("its header is nested too deeply") from None
    except ValueError as error:
        raise broken(f"its header is no JSON: {str(error)[:80]}") from error
    if usual is not None:
        return usual
    if not isinstance(table, dict):
        raise broken("its header is no table of tensors")
    return *_entries(table), _texts(table.get(METADATA))


def _check_pieces(data: bytes) -> None:
    """There are objects to be made of each, which takes a hundred times as long as to read the same length of text."""
    if data.count(b"[") + data.count(b"{") > BRACKETS_MAX:
        raise unsafe(f"its header has more than {BRACKETS_MAX:,} lists and tables")
    # Two quotes each; those within texts, of which a trainer's log has many, are escaped.
    if data.count(b'"') - data.count(b'\\"') > 2 * TEXTS_MAX:
        raise unsafe(f"its header has more than {TEXTS_MAX:,} texts")


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise ValueError(f"Exceeds the limit of {_DIGITS_MAX} digits for a number")
    return int(digits)


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
        if name == METADATA:
            continue
        if not isinstance(value, dict):
            raise bad_tensor(name, "is described by no table")
        entries[name] = entry = entry_of(name, value)
        places.append((*place_of(name, value, entry.bytes), name))
    if not places:
        raise broken("it holds no tensors")
    places.sort()
    last = 0
    for begin, end, name in places:
        if begin < last:
            raise unsafe(f"the tensor {short(name)} overlaps another")
        if begin > last:
            raise broken(f"there is a gap of {begin - last:,} bytes before the tensor {short(name)}")
        last = end
    return entries, last
