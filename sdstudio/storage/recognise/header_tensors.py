"""The tensors of a safetensors header that is written as usual, by one expression for all: there are thousands.

An entry is a name without escapes, then type, shape and place in this order, with at most one blank behind each colon
and comma. Whatever else a header holds, or claims that cannot be, is left to the reader of JSON, which knows every form
and says what is wrong. Where this one answers, the other would say the same:
`tests/unit/storage/test_header_tensors.py`.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from operator import attrgetter, sub

from sdstudio.storage.recognise.refusal import Refusal
from sdstudio.storage.recognise.tensor_rules import BITS_MAX, ENTRIES_MAX, METADATA, entry_of
from sdstudio.storage.recognise.tensor_table import TensorEntry

_NUMBER = r"(0|[1-9][0-9]{0,19})"
_NAME, _KIND = r'"([^"\\\x00-\x1f]*)"', r'(\{"dtype": ?"[A-Z0-9_]{1,12}", ?"shape": ?\[[0-9, ]*\])'
_split_tensors = re.compile(rf'{_NAME}: ?{_KIND}, ?"data_offsets": ?\[{_NUMBER}, ?{_NUMBER}\]\}}').split
_STEP = 5
"""Of what was split: what stands between, then the four groups of an entry."""
_SPACE = " \t\r\n"


def usual_header(text: str) -> tuple[dict[str, TensorEntry], int, dict[str, str]] | None:
    """The tensors, how many bytes they take together, and the metadata; None: the header is not a usual one."""
    parts = _split_tensors(text, ENTRIES_MAX)
    names, begins, ends = parts[1::_STEP], parts[3::_STEP], parts[4::_STEP]
    # The whole header and the metadata are tables, too.
    if not names or len(names) + 2 > ENTRIES_MAX or METADATA in names:
        return None
    if parts[-1].rstrip(_SPACE) != "}" or not {", ", ","}.issuperset(parts[_STEP:-1:_STEP]):
        return None
    texts, kinds = _metadata(parts[0]), _kinds(set(parts[2::_STEP]))
    if texts is None or kinds is None:
        return None
    entries = dict(zip(names, map(kinds.__getitem__, parts[2::_STEP]), strict=True))
    whole = _whole(begins, ends, list(entries.values())) if len(entries) == len(names) else None
    return None if whole is None else (entries, whole, texts)


def _metadata(begin: str) -> dict[str, str] | None:
    """Of what stands before the first tensor."""
    if begin == "{":
        return {}
    begin = begin.rstrip(_SPACE)
    if not begin.endswith(","):
        return None
    try:
        # Objects become tuples of pairs, in which a name that stands twice is still to be seen; and numbers, which the
        # metadata must not have, floats, since whole ones of many digits take long.
        pairs = json.loads(begin.removesuffix(",") + "}", object_pairs_hook=tuple, parse_int=float)
    except (ValueError, RecursionError):
        return None
    if len(pairs) != 1 or pairs[0][0] != METADATA or not isinstance(pairs[0][1], tuple):
        return None
    texts = {name: text for name, text in pairs[0][1] if isinstance(text, str)}
    return texts if len(texts) == len(pairs[0][1]) else None


def _kinds(texts: set[str]) -> dict[str, TensorEntry] | None:
    """One for all tensors of the same type and shape."""
    try:
        return {text: entry_of("", json.loads(text + "}")) for text in texts}
    except (ValueError, Refusal):
        return None


def _whole(begins: list[str], ends: list[str], entries: list[TensorEntry]) -> int | None:
    """Where the last tensor ends, if each is as long as it must be, and they stand without gap and overlap."""
    last = list(map(int, ends))
    if begins[0] == "0" and begins[1:] == ends[:-1]:
        first = [0, *last[:-1]]
    else:
        first = list(map(int, begins))
        places = sorted(zip(first, last, strict=True))
        if places[0][0] != 0 or any(end != begin for (_, end), (begin, _) in pairwise(places)):
            return None
    if list(map(sub, last, first)) != list(map(attrgetter("bytes"), entries)):
        return None
    whole = max(last)
    return whole if whole < BITS_MAX else None
