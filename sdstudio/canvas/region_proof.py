"""The proof that nothing else changed: every pixel outside what is allowed is compared, after compositing.

Counted from the two pictures alone. On a canvas of tiles, which never change, the same tile is the same pixels; every
other one is compared byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.region_mask import Flags, Region
from sdstudio.canvas.tiles import tile_rect
from sdstudio.domain.canvas_state import TILE, TileKey, Tiles
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

STRIP_BYTES = 1 << 19
"""Compared at a time, so that what is computed with stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Proof:
    """`pixels_outside`: of the original's pixels, those outside allowed. `changed_outside`: how many of them differ in
    any of R, G, B, A."""

    pixels_outside: int
    changed_outside: int


def prove(original: Pixels, result: Pixels, regions: Sequence[Region], at: Rect | None = None) -> Proof:
    """Both H x W x 4. `at`: where the original's pixels lie in the result, if that is larger (outpainting). Several
    regions (islands, steps) allow together."""
    place = at or Rect(0, 0, original.shape[1], original.shape[0])
    if (place.height, place.width, 4) != original.shape or not Rect(0, 0, *result.shape[1::-1]).contains(place):
        raise ValueError(f"an original of {original.shape} at {place} of a result of {result.shape}")
    before, after = _words(original), _words(result)[place.slices]
    rows = max(1, STRIP_BYTES // max(1, original.shape[1] * 4))
    differs = np.empty((rows, place.width), np.bool_)
    changed = 0
    for top in range(0, place.height, rows):
        strip = differs[: min(rows, place.height - top)]
        np.not_equal(before[top : top + rows], after[top : top + rows], out=strip)
        if strip.any():
            where = Rect(place.x, place.y + top, place.width, len(strip))
            changed += int(np.count_nonzero(strip & ~_allowed(regions, where)))
    return Proof(place.pixels - _count(regions, place), changed)


def prove_tiles(before: Tiles, after: Tiles, size: Size, regions: Sequence[Region]) -> Proof:
    """The same for two states of a layer, or of a picture in tiles, of `size`."""
    changed = 0
    for key in before.keys() | after.keys():
        differs = _tile_differs(before, after, key)
        if differs is not None and differs.any():
            whole = tile_rect(key, size)
            strip = differs[: whole.height, : whole.width]
            changed += int(np.count_nonzero(strip & ~_allowed(regions, whole)))
    return Proof(size.width * size.height - _count(regions, Rect.of(size)), changed)


def _tile_differs(before: Tiles, after: Tiles, key: TileKey) -> Flags | None:
    first, second = before.get(key), after.get(key)
    if first is second:
        return None
    empty = np.zeros((TILE, TILE, 4), np.uint8)
    one = empty if first is None else first.pixels
    other = empty if second is None else second.pixels
    differs: Flags = (one != other).any(axis=2)
    return differs


def _words(pixels: Pixels) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(pixels).view(np.uint32)[..., 0]


def _allowed(regions: Sequence[Region], rect: Rect) -> Flags:
    """rect.height x rect.width: what any of them allows."""
    result = np.zeros((rect.height, rect.width), np.bool_)
    for region in regions:
        result |= region.allowed_in(rect)
    return result


def _count(regions: Sequence[Region], rect: Rect) -> int:
    """Pixels of `rect` that any of them allows."""
    if len(regions) == 1:
        return int(np.count_nonzero(regions[0].allowed_in(regions[0].rect.intersected(rect))))
    total = 0
    for top in range(rect.y, rect.bottom, TILE):
        total += int(np.count_nonzero(_allowed(regions, Rect(rect.x, top, rect.width, min(TILE, rect.bottom - top)))))
    return total
