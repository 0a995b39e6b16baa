"""The list of a zip archive's members read for all of them side by side, when nothing in it is out of the ordinary.

Where an entry begins is guessed by its sign, and a guess counts only if the entry before ends there. Whatever else
there is, or cannot be, is left to the reader that goes from entry to entry and says what is wrong. Where this one
answers, the other would say the same: `tests/unit/storage/test_zip_members.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sdstudio.storage.recognise.zip_entries import ENTRY_BYTES, LOCAL_BYTES, SIGN, Members

_FULL32 = 0xFFFFFFFF
_PLACE_MAX = 2**62
_HEADER64 = 0x0008_0001
"""Field 1 with a single number of 64 bits."""

Column = npt.NDArray[Any]
"""One number for each member."""


_FIELDS = {
    "flags": (8, "<u2"),
    "method": (10, "<u2"),
    "packed": (20, "<u4"),
    "size": (24, "<u4"),
    "name_length": (28, "<u2"),
    "extra_length": (30, "<u2"),
    "comment_length": (32, "<u2"),
    "header": (42, "<u4"),
}
_ENTRY = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for _, kind in _FIELDS.values()],
        "offsets": [place for place, _ in _FIELDS.values()],
        "itemsize": ENTRY_BYTES,
    }
)
_EXTRA = np.dtype([("sign", "<u4"), ("header", "<u8")])


def usual_members(data: bytes, count: int, end: int) -> Members | None:
    """Those of an archive whose parts lie before `end`; None: the list is not a usual one."""
    places = _signs(data)
    if len(places) != count or count == 0 or places[0] != 0:
        return None
    entries = _records(data, _ENTRY, places)
    lengths = entries["name_length"].astype(np.int64)
    names = places + ENTRY_BYTES
    extra_lengths = entries["extra_length"]
    ends = names + lengths + extra_lengths + entries["comment_length"]
    if (ends[:-1] != places[1:]).any() or ends[-1] > len(data):
        return None
    size, header = entries["size"].astype(np.int64), entries["header"].astype(np.int64)
    if (entries["flags"] & 1).any() or entries["method"].any() or (entries["packed"] != size).any():
        return None
    far = header == _FULL32
    if (size == _FULL32).any() or (extra_lengths[far] < _EXTRA.itemsize).any():
        return None
    extras = _records(data, _EXTRA, (names + lengths)[far])
    if (extras["sign"] != _HEADER64).any() or (extras["header"] > _PLACE_MAX).any():
        return None
    header[far] = extras["header"]
    if not _lie_apart(header, LOCAL_BYTES + lengths + size, end):
        return None
    return _by_name(data, names, lengths, header, size)


def _signs(data: bytes) -> Column:
    """Where there is one, and behind it as many bytes as an entry has."""
    values = np.frombuffer(data, np.uint8)
    last = max(0, len(values) - ENTRY_BYTES + 1)
    there = values[:last] == SIGN[0]
    # All bytes at once: a list of nothing but the first letter would come to as many numbers of its places.
    for place in range(1, len(SIGN)):
        there &= values[place : last + place] == SIGN[place]
    return np.flatnonzero(there)


def _records(data: bytes, kind: np.dtype[Any], places: Column) -> Column:
    """Those that begin at the places, all of which lie inside."""
    everywhere: Column = np.ndarray((max(0, len(data) - kind.itemsize + 1),), kind, data, strides=(1,))
    return everywhere[places]


def _lie_apart(header: Column, length: Column, end: int) -> bool:
    order = np.argsort(header, kind="stable")
    begins = header[order]
    ends = begins + length[order]
    return bool((begins[1:] >= ends[:-1]).all() and ends[-1] <= end)


def _by_name(data: bytes, begins: Column, lengths: Column, header: Column, size: Column) -> Members | None:
    text = data.decode("latin-1")
    names = [text[begin:end] for begin, end in zip(begins.tolist(), (begins + lengths).tolist(), strict=True)]
    sizes = dict(zip(names, size.tolist(), strict=True))
    if len(sizes) != len(names) or not "".join(names).isascii():
        return None
    return Members(sizes, dict(zip(names, header.tolist(), strict=True)))
