"""What the safetensors format demands of the description of a tensor."""

from __future__ import annotations

from typing import Any

from sdstudio.storage.recognise.refusal import Refusal, broken, unsafe
from sdstudio.storage.recognise.tensor_table import BITS, TensorEntry

ENTRIES_MAX = 20_000
"""SDXL has 2,500 tensors, twice that with an EMA; LoRAs for it up to 7,000."""
METADATA = "__metadata__"
BITS_MAX = 2**66
"""Of a tensor, and of a place in the file."""
_DIMENSIONS_MAX = 16


def entry_of(name: str, value: dict[str, Any]) -> TensorEntry:
    """By its type and shape. Raises Refusal for what cannot be."""
    dtype, shape = value.get("dtype"), value.get("shape")
    bits = BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is None or not isinstance(dtype, str):
        raise bad_tensor(name, f"has the unknown type {str(dtype)[:20]!r}")
    if not isinstance(shape, list) or len(shape) > _DIMENSIONS_MAX:
        raise bad_tensor(name, "has no proper shape")
    count = bits
    for side in shape:
        # bool is an int in Python, but not in JSON.
        if type(side) is not int or side < 0:
            raise bad_tensor(name, "has no proper shape")
        count *= side
        if count >= BITS_MAX:
            raise unsafe(f"the tensor {short(name)} claims more numbers than any disk holds")
    if count % 8:
        raise bad_tensor(name, f"has {count:,} bits, which are no whole bytes")
    return TensorEntry(dtype, tuple(shape), count // 8)


def place_of(name: str, value: dict[str, Any], size: int) -> tuple[int, int]:
    """Where its `size` bytes begin and end. Raises Refusal for what cannot be."""
    offsets = value.get("data_offsets")
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise bad_tensor(name, "has no proper place")
    begin, end = offsets
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end < BITS_MAX:
        raise bad_tensor(name, "has no proper place")
    if size != end - begin:
        raise bad_tensor(name, f"takes {end - begin:,} bytes, but its shape and type need {size:,}")
    return begin, end


def bad_tensor(name: str, words: str) -> Refusal:
    return broken(f"the tensor {short(name)} {words}")


def short(name: str) -> str:
    shown = name if len(name) <= 60 else name[:57] + "…"
    return f"“{shown}”"
