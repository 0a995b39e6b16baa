"""What stands before the steps that all tensors of a pickle have in common: the name, and who makes the tensor."""

from __future__ import annotations

import re
from typing import NamedTuple

PUTS = 8
"""Of a tensor: name, key, persistent id, shape, strides, hooks, arguments, itself."""


class Head(NamedTuple):
    """The name's bytes go from `begin` to `end`, `put` is its place in the memo (None: the next one), `maker` where the
    memo has the maker, and the common steps begin at `place`."""

    begin: int
    end: int
    put: int | None
    maker: int
    place: int


is_head = re.compile(rb"(?:q(.)|r(.{4})|\x94)(?:h(.)|j(.{4}))(?=\(\([hj])", re.DOTALL).match
"""Of the bytes behind a text, whether it is a tensor's name: most texts are not, and there can be many."""


def read_head(data: bytes, begin: int, end: int) -> Head | None:
    """Of the tensor whose name is that text; None: the text is no tensor's name."""
    found = is_head(data, end)
    if found is None:
        return None
    short, long, low, high = found.groups()
    put = None if short is None and long is None else int.from_bytes(short or long, "little")
    return Head(begin, end, put, int.from_bytes(low or high, "little"), found.end())
