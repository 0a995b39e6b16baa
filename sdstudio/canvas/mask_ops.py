"""Operations on masks as pure functions of arrays: grow, shrink, feather, fill holes, remove specks, from alpha.

A mask is H x W uint8: 255 may change fully, 0 is kept, and every value above 0 counts as allowed to change; greys say
when a pixel starts to change. So greys are carried along as they are: growing by r gives each pixel the highest value
within the distance r, shrinking the lowest. What lies outside the array is taken to go on as the array ends: a mask
that reaches the canvas's edge does not come off it. Nothing here knows documents; `mask_work` does.
"""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
from PIL import Image, ImageFilter

from sdstudio.canvas.fill_regions import regions
from sdstudio.domain.image import Pixels

RADIUS_MAX = 256
"""Pixels; for grow, shrink and feather."""

HOLE_LEVELS = 8
"""Grey masks: as many of their most frequent values are taken as what encloses a hole."""


def invert(mask: Pixels) -> Pixels:
    return 255 - mask


def from_alpha(pixels: Pixels) -> Pixels:
    """From H x W x 4: transparent = may change."""
    return 255 - pixels[..., 3]


def grow(mask: Pixels, radius: int) -> Pixels:
    """The highest value among the pixels whose centres are at most `radius` pixels away (Euclid, exact, greys too).

    A disc is a stack of horizontal bars: the rows' sliding maxima, each width made from the one before, are laid over
    the result shifted up and down. About 2.7 passes a pixel of radius, each of them one vectorised maximum.
    """
    if radius <= 0 or mask.size == 0:
        return np.array(mask)
    height, width = mask.shape
    reach = min(radius, width)
    result = np.zeros((height + 2 * radius, width), np.uint8)
    bars = np.zeros((height, width + 2 * reach), np.uint8)
    bars[:, reach : reach + width] = mask
    spare = np.zeros_like(bars)
    half = 0
    halves = [(math.isqrt(radius * radius - dy * dy), dy) for dy in range(radius, -1, -1)]
    for wanted, rows in groupby(halves, key=lambda pair: pair[0]):
        wanted = min(wanted, reach)
        while half < wanted:
            step = min(wanted - half, max(half, 1))
            _widen(bars, spare, step, keep_middle=half == 0)
            bars, spare = spare, bars
            half += step
        row = bars[:, reach : reach + width]
        for _, dy in rows:
            for top in {radius - dy, radius + dy}:
                part = result[top : top + height]
                np.maximum(part, row, out=part)
    return result[radius : radius + height]


def _widen(bars: Pixels, wider: Pixels, step: int, *, keep_middle: bool) -> None:
    """`wider` becomes every pixel's maximum with those `step` to its left and right. The outermost columns are not
    set: a pixel of the mask is reached from no further than the bars grow."""
    middle = wider[:, step:-step]
    np.maximum(bars[:, : -2 * step], bars[:, 2 * step :], out=middle)
    if keep_middle:
        np.maximum(middle, bars[:, step:-step], out=middle)


def shrink(mask: Pixels, radius: int) -> Pixels:
    """The lowest value among the pixels at most `radius` away; outside the array there are none."""
    return 255 - grow(255 - mask, radius)


def feather_reach(radius: int) -> int:
    """How many pixels out of a mask `feather` can leave anything but 0."""
    box = (math.sqrt(12 * (radius / 2) ** 2 / 3 + 1) - 1) / 2
    return 3 * (math.floor(box) + 1)


def feather(mask: Pixels, radius: int) -> Pixels:
    """A soft edge: an edge from 255 to 0 becomes a slope over about `radius` pixels inwards and as many outwards.

    A Gaussian with a standard deviation of radius / 2, approximated by three box blurs (Pillow; P. Gwosdek et al.,
    "Theoretical foundations of Gaussian convolution by extended box filtering", 2011). The slope outwards is above 0
    and so counts as allowed to change: whoever wants only the inside to soften shrinks by `radius` first. (When a
    result is composited it is feathered inwards from the border of what is allowed; that is another matter.)
    """
    if radius <= 0 or mask.size == 0:
        return np.array(mask)
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(radius / 2)))


def fill_holes(mask: Pixels) -> Pixels:
    """Raises what is enclosed: a region of lower pixels that hangs together by sides and does not reach the array's
    edge rises to the value around it. In a grey mask what counts as "around" are its HOLE_LEVELS most frequent values
    and 1 (the weakest that encloses at all); values between two of them count as the lower one."""
    result = np.array(mask)
    for level in _levels(mask):
        lower = regions(result < level)
        enclosed = ~lower.touching_border()
        if enclosed.any():
            result[lower.paint(enclosed)] = level
    return result


def _levels(mask: Pixels) -> list[int]:
    counts = np.bincount(mask.reshape(-1), minlength=256)
    counts[0] = 0
    frequent = np.argsort(-counts, kind="stable")[:HOLE_LEVELS]
    return sorted({1, *(int(value) for value in frequent if counts[value])})


def remove_specks(mask: Pixels, area: int) -> Pixels:
    """Regions of fewer than `area` pixels above 0 (connected by sides or corners) become 0."""
    found = regions(mask > 0, diagonal=True)
    result = np.array(mask)
    result[found.paint(found.areas < area)] = 0
    return result
