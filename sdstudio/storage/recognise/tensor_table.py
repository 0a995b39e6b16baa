"""The names, types, shapes and places of a file's tensors: what both kinds of header come to."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

BITS = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F4": 4,
    "C64": 64,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
}
"""Of the safetensors format."""
_SHOWN = {"F16": "fp16", "F32": "fp32", "BF16": "bf16", "F64": "fp64", "F8_E4M3": "fp8", "F8_E5M2": "fp8"}


class TensorEntry(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    bytes: int

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


class TensorTable:
    """`texts` is what the file says of itself: the metadata of a safetensors header, or small values of a pickle."""

    def __init__(
        self,
        *,
        entries: Mapping[str, TensorEntry],
        texts: Mapping[str, str] | None = None,
        layout: str = "",
        names: list[str] | None = None,
    ) -> None:
        """`names` are those of the entries in their order, where somebody has them sorted already."""
        self.entries = entries
        self.texts = texts or {}
        self.layout = layout
        self._names = sorted(entries) if names is None else names

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        """In the order of the names."""
        return iter(self._names)

    def shape(self, name: str) -> tuple[int, ...]:
        """() where there is no such tensor."""
        entry = self.entries.get(name)
        return entry.shape if entry is not None else ()

    def size(self, name: str, axis: int) -> int:
        """One side of a tensor; 0 where there is none."""
        shape = self.shape(name)
        return shape[axis] if -len(shape) <= axis < len(shape) else 0

    def below(self, prefix: str) -> TensorTable:
        """What begins with the prefix, without it."""
        begin = bisect_left(self._names, prefix)
        # No name goes on with the last of all characters.
        end = bisect_left(self._names, prefix + "\U0010ffff", begin)
        inside = self._names[begin:end]
        cut = len(prefix)
        names = [name[cut:] for name in inside]
        entries = dict(zip(names, map(self.entries.__getitem__, inside), strict=True))
        return TensorTable(entries=entries, texts=self.texts, layout=self.layout, names=names)

    def any_with(self, prefix: str) -> bool:
        place = bisect_left(self._names, prefix)
        return place < len(self._names) and self._names[place].startswith(prefix)

    def any_having(self, part: str) -> bool:
        return any(part in name for name in self._names)

    def parameters(self) -> int:
        return sum(math.prod(shape) for _, shape, _ in self.entries.values())

    def precision(self) -> str:
        """The type that most of the bytes have: “fp16”, “fp32”, “bf16”, “fp8” …; "" for nothing."""
        sums: dict[str, int] = {}
        for dtype, _, size in self.entries.values():
            sums[dtype] = sums.get(dtype, 0) + size
        shown: dict[str, int] = {}
        for dtype, size in sums.items():
            word = _SHOWN.get(dtype, dtype.lower())
            shown[word] = shown.get(word, 0) + size
        return max(shown, key=lambda word: shown[word]) if shown else ""
