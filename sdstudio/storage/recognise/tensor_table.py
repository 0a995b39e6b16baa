"""The names, types, shapes and places of a file's tensors: what both kinds of header come to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from operator import attrgetter
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
    """Tensors of the same kind may share one."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int


_dtype_of, _bytes_of = attrgetter("dtype"), attrgetter("bytes")


class TensorTable:
    """`texts` is what the file says of itself: the metadata of a safetensors header, or small values of a pickle."""

    def __init__(
        self,
        *,
        entries: Mapping[str, TensorEntry],
        texts: Mapping[str, str] | None = None,
        layout: str = "",
        prefix: str = "",
        names: list[str] | None = None,
    ) -> None:
        """With a prefix it is of those `names`, which all begin with it and are sorted; they are called without it."""
        self.entries = entries
        self.texts = texts or {}
        self.layout = layout
        self._prefix = prefix
        self._names = sorted(entries) if names is None else names
        self._joined: str | None = None

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self.entries

    def __iter__(self) -> Iterator[str]:
        """In the order of the names."""
        cut = len(self._prefix)
        return (name[cut:] for name in self._names) if cut else iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def shape(self, name: str) -> tuple[int, ...]:
        """() where there is no such tensor."""
        entry = self.entries.get(self._prefix + name)
        return entry.shape if entry is not None else ()

    def size(self, name: str, axis: int) -> int:
        """One side of a tensor; 0 where there is none."""
        shape = self.shape(name)
        return shape[axis] if -len(shape) <= axis < len(shape) else 0

    def below(self, prefix: str) -> TensorTable:
        """What begins with the prefix, without it."""
        whole = self._prefix + prefix
        begin = bisect_left(self._names, whole)
        # No name goes on with the last of all characters.
        end = bisect_left(self._names, whole + "\U0010ffff", begin)
        names = self._names[begin:end]
        return TensorTable(entries=self.entries, texts=self.texts, layout=self.layout, prefix=whole, names=names)

    def any_with(self, prefix: str) -> bool:
        whole = self._prefix + prefix
        place = bisect_left(self._names, whole)
        return place < len(self._names) and self._names[place].startswith(whole)

    def any_having(self, part: str) -> bool:
        """`part` has no line break."""
        if self._joined is None:
            self._joined = "\n".join(self._names)
        if part not in self._joined:
            return False
        return not self._prefix or any(part in name for name in self)

    def parameters(self) -> int:
        return sum(size * 8 // BITS[dtype] for dtype, size in self._bytes().items())

    def precision(self) -> str:
        """The type that most of the bytes have: “fp16”, “fp32”, “bf16”, “fp8” …; "" for nothing."""
        shown: dict[str, int] = {}
        for dtype, size in self._bytes().items():
            word = _SHOWN.get(dtype, dtype.lower())
            shown[word] = shown.get(word, 0) + size
        return max(shown, key=lambda word: shown[word]) if shown else ""

    def _bytes(self) -> dict[str, int]:
        """Of each type."""
        whole = len(self._names) == len(self.entries)
        entries = list(self.entries.values() if whole else map(self.entries.__getitem__, self._names))
        dtypes = set(map(_dtype_of, entries))
        if len(dtypes) == 1:
            return {dtypes.pop(): sum(map(_bytes_of, entries))}
        sums = dict.fromkeys(dtypes, 0)
        for dtype, _, size in entries:
            sums[dtype] += size
        return sums
