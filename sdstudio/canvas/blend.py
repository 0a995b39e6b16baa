"""Straight-alpha "over" of one layer onto what lies below it, and premultiplying for the screen.

With source alpha `s` and the alpha `d` below it (0 to 255), the result's alpha is `(255 s + d (255 - s)) / 255`, its
colour the mean of both colours weighted by `255 s` and `d (255 - s)`; both are rounded to the nearest, the weights
carried to 1/128 of a step (Pillow's integer arithmetic), so that a value is at most 1 off the exact one. Where `s` is
0 the pixels below stay bit for bit, transparent ones with their RGB; where it is 255 the source replaces them. A
layer's opacity scales its alpha first, rounded to the nearest.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from sdstudio.domain.image import Pixels

OPAQUE = 255

BLOCK = 1 << 14
"""Pixels that are mixed at a time: what is computed with then stays in the processor's cache."""

Words = npt.NDArray[np.uint32]
"""H x W, red in the lowest byte, alpha in the highest."""

_LOW_BYTES, _HIGH_BYTES = np.uint32(0x00FF00FF), np.uint32(0xFF00FF00)
_HALVES = np.uint32(0x00800080)
_FULL_ALPHA = np.uint32(OPAQUE << 24)


def opacity_step(opacity: float) -> int:
    """0 to 1 as 0 to 255."""
    return round(min(max(opacity, 0.0), 1.0) * OPAQUE)


@lru_cache(maxsize=64)
def _alpha_table(step: int) -> Words:
    """Alpha in the highest byte, by alpha."""
    scaled = (np.arange(256) * step + OPAQUE // 2) // OPAQUE
    return scaled.astype(np.uint32) << np.uint32(24)


def with_opacity(pixels: Pixels, opacity: float) -> Pixels:
    """H x W x 4; the same array for 1, else a copy with its alpha scaled."""
    step = opacity_step(opacity)
    if step == OPAQUE or pixels.size == 0:
        return pixels
    words = _words(pixels)
    faded = np.take(_alpha_table(step), words >> 24)
    faded |= words & 0xFFFFFF
    return faded.view(np.uint8).reshape(pixels.shape)


def over(below: Pixels, source: Pixels, opacity: float = 1.0, *, opaque: bool = False) -> Pixels:
    """Both H x W x 4, straight alpha; a new array. `opaque`: `below` is known to be."""
    if below.size == 0 or opacity_step(opacity) == 0:
        return np.array(below)
    source = with_opacity(source, opacity)
    if opaque or is_opaque(below):
        return _over_opaque(below, source)
    below, source = np.ascontiguousarray(below), np.ascontiguousarray(source)
    return np.asarray(Image.alpha_composite(_image(below), _image(source)))


def _over_opaque(below: Pixels, source: Pixels) -> Pixels:
    """The same bits as Pillow's for an opaque background, in half the time: no division is needed there. Most pixels
    of a stroke stay or are covered; the others are mixed by themselves."""
    upper = _words(source)
    alpha = (upper >> 24).astype(np.uint8)
    result = np.where(alpha == OPAQUE, upper, below.view("<u4")[..., 0])
    faint = ((alpha.reshape(-1) - np.uint8(1)) < OPAQUE - 1).nonzero()[0]
    mixed, over_them = result.reshape(-1), upper.reshape(-1)
    for start in range(0, len(faint), BLOCK):
        places = faint[start : start + BLOCK]
        mixed[places] = _mixed(mixed[places], over_them[places])
    return result.view(np.uint8).reshape(below.shape)


def _mixed(under: Words, upper: Words) -> Words:
    """(255 - a) under + a upper, divided by 255 and rounded to the nearest, for two bytes of every word at a time:
    x / 255 is (y + (y >> 8)) >> 8 with y = x + 128, exactly, for all x up to 255 * 255."""
    alpha = upper >> 24
    rest = alpha ^ OPAQUE
    low = under & _LOW_BYTES
    low *= rest
    part = upper & _LOW_BYTES
    part *= alpha
    low += part
    _divide_by_255(low, part)
    low >>= 8
    low &= _LOW_BYTES
    high = under & _HIGH_BYTES
    high >>= 8
    high *= rest
    np.right_shift(upper, 8, out=part)
    part &= _LOW_BYTES
    part *= alpha
    high += part
    _divide_by_255(high, part)
    high &= _HIGH_BYTES
    high |= _FULL_ALPHA
    high |= low
    return high


def _divide_by_255(words: Words, spare: Words) -> None:
    """In place; the quotients are in the upper byte of each half."""
    words += _HALVES
    np.right_shift(words, 8, out=spare)
    spare &= _LOW_BYTES
    words += spare


def premultiplied(pixels: Pixels) -> Pixels:
    """H x W x 4, colour times alpha rounded to the nearest; a new array."""
    if pixels.size == 0:
        return np.array(pixels)
    return np.asarray(_image(pixels).convert("RGBa"))


def is_opaque(pixels: Pixels) -> bool:
    """H x W x 4: whether no pixel lets anything through."""
    if not pixels.flags.c_contiguous:
        return bool((pixels[..., 3] == OPAQUE).all())
    return pixels.size == 0 or bool(np.bitwise_and.reduce(_words(pixels), axis=None) >= _FULL_ALPHA)


def _words(pixels: Pixels) -> Words:
    return np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1).view("<u4")


def _image(pixels: Pixels) -> Image.Image:
    height, width = pixels.shape[:2]
    return Image.frombuffer("RGBA", (width, height), np.ascontiguousarray(pixels), "raw", "RGBA", 0, 1)
