"""Filled shapes as coverage: exact antialiasing of polygons, ellipses and rectangles of whole pixels.

Every edge is cut at the pixel borders; each piece adds its signed height to the pixels right of it, and to its own
pixel the part that lies right of it. Summed along the rows this is the exact winding-weighted area (the method of
signed area accumulation, as in Raph Levien's font-rs). What a path goes round more than once is covered fully, in
whichever direction (|winding| >= 1). In a pixel that several edges cross their areas add up, to 255 at most: an
outline drawn twice has a harder edge than one drawn once.
Costs follow the outline: tiles that no edge crosses are not computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.tiles import keys_of, tile_rect
from sdstudio.canvas.tool_coverage import FULL, Coverage
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

Point = tuple[float, float]
Floats = npt.NDArray[np.float64]

NOTHING = Coverage({}, NO_PIXELS)
FLATNESS = 0.01
"""Pixels by which an ellipse's polygon may lie inside it."""

_ROUNDING = 1e-6
"""Far above the sum of float errors along a row, far below half a step of 1/255."""


def box_between(start: Point, end: Point, *, square: bool = False, centred: bool = False) -> Rect:
    """The whole pixels from the one under `start` to the one under `end`, both included. `square`: the longer side
    counts; `centred`: `start` is the middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    if square:
        side = max(abs(dx), abs(dy))
        dx, dy = math.copysign(side, dx), math.copysign(side, dy)
    x0, y0 = (start[0] - dx, start[1] - dy) if centred else start
    x1, y1 = start[0] + dx, start[1] + dy
    left, top, right, bottom = math.floor(min(x0, x1)), math.floor(min(y0, y1)), math.floor(max(x0, x1)), 0
    bottom = math.floor(max(y0, y1))
    if square:  # both sides were rounded by themselves
        side = max(right - left, bottom - top)
        left, right = (left, left + side) if dx >= 0 or centred else (right - side, right)
        top, bottom = (top, top + side) if dy >= 0 or centred else (bottom - side, bottom)
    return Rect.between(left, top, right + 1, bottom + 1)


def rectangle(rect: Rect, size: Size) -> Coverage:
    """Whole pixels, clipped to a canvas of that size."""
    inside = rect.intersected(Rect.of(size))
    tiles: dict[TileKey, Pixels] = {}
    for key in keys_of(inside):
        whole = tile_rect(key, size)
        part = whole.intersected(inside)
        if part == whole:
            tiles[key] = FULL
        else:
            tiles[key] = np.zeros((TILE, TILE), np.uint8)
            tiles[key][part.moved(-whole.x, -whole.y).slices] = 255
    return Coverage(tiles, inside)


def ellipse(rect: Rect, size: Size, *, antialias: bool = True) -> Coverage:
    """The largest that fits into the rectangle."""
    if rect.empty:
        return NOTHING
    return polygon(ellipse_points(rect), size, antialias=antialias)


def ellipse_points(rect: Rect) -> list[Point]:
    """As a polygon that is nowhere more than FLATNESS off."""
    across, down = rect.width / 2, rect.height / 2
    count = max(12, math.ceil(math.pi * math.sqrt(max(across, down) / (2 * FLATNESS))))
    angles = [2 * math.pi * i / count for i in range(count)]
    return [(rect.x + across * (1 + math.cos(a)), rect.y + down * (1 + math.sin(a))) for a in angles]


def polygon(points: Sequence[Point], size: Size, *, antialias: bool = True) -> Coverage:
    """Closed by itself; clipped to a canvas of that size. Without `antialias` pixels covered by half or more are
    covered fully, the others not at all."""
    if len(points) < 3:
        return NOTHING
    pieces = _pieces(np.asarray(points, np.float64), size)
    if not len(pieces):
        return NOTHING
    tiles: dict[TileKey, Pixels] = {}
    rows = pieces[:, 0] // TILE
    order = np.lexsort((pieces[:, 1] // TILE, rows))
    pieces, rows = pieces[order], rows[order]
    cuts = [0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), len(pieces)]
    for first, last in pairwise(cuts):
        _tile_row(pieces[first:last], int(rows[first]), size, tiles, antialias)
    left, top = max(0, math.floor(min(p[0] for p in points))), max(0, math.floor(min(p[1] for p in points)))
    right, bottom = math.ceil(max(p[0] for p in points)), math.ceil(max(p[1] for p in points))
    return Coverage(tiles, Rect.between(left, top, right, bottom).intersected(Rect.of(size)))


def _pieces(points: Floats, size: Size) -> Floats:
    """Row, column, signed height, and the mean distance from the pixel's left edge, of every piece of the outline."""
    segments = np.concatenate([points, np.roll(points, -1, axis=0)], axis=1)
    segments = segments[segments[:, 1] != segments[:, 3]]
    segments = _cut(_cut(segments, 1), 0)
    row = np.floor((segments[:, 1] + segments[:, 3]) / 2)
    middle = (segments[:, 0] + segments[:, 2]) / 2
    column = np.floor(middle)
    found = np.stack([row, column, segments[:, 3] - segments[:, 1], middle - column], axis=1)
    found = found[(row >= 0) & (row < size.height) & (column < size.width) & (found[:, 2] != 0)]
    outside = found[:, 1] < 0
    found[outside, 1] = found[outside, 3] = 0.0
    return np.asarray(found, np.float64)


def _cut(segments: Floats, axis: int) -> Floats:
    """Cut at every whole number of one coordinate (0: x, 1: y)."""
    start, end = segments[:, axis], segments[:, axis + 2]
    low, high = np.minimum(start, end), np.maximum(start, end)
    crossings = np.maximum(np.ceil(high) - np.floor(low) - 1, 0).astype(np.int64)
    total = crossings + 1
    index = np.repeat(np.arange(len(segments)), total)
    step = np.arange(len(index)) - np.repeat(np.cumsum(total) - total, total)
    whole = segments[index]
    rising = (start <= end)[index]
    first = np.where(rising, np.floor(low)[index] + 1, np.ceil(high)[index] - 1)
    sign = np.where(rising, 1.0, -1.0)
    pieces = whole.copy()
    other = 1 - axis
    span = whole[:, axis + 2] - whole[:, axis]
    slope = np.divide(whole[:, other + 2] - whole[:, other], span, out=np.zeros_like(span), where=span != 0)
    begins, ends = step > 0, step < crossings[index]
    at = first + sign * (step - 1)
    pieces[begins, axis] = at[begins]
    pieces[begins, other] = (whole[:, other] + (at - whole[:, axis]) * slope)[begins]
    at = at + sign
    pieces[ends, axis + 2] = at[ends]
    pieces[ends, other + 2] = (whole[:, other] + (at - whole[:, axis]) * slope)[ends]
    return pieces


def _tile_row(pieces: Floats, row: int, size: Size, tiles: dict[TileKey, Pixels], antialias: bool) -> None:
    """Pieces of one row of tiles, sorted by tile; `carry` is the winding that comes in from the left."""
    carry = np.zeros(TILE)
    columns = (pieces[:, 1] // TILE).astype(np.int64)
    for column in range(int(columns[0]), -(-size.width // TILE)):
        first, last = np.searchsorted(columns, [column, column + 1])
        if first == last:
            if first == len(columns) and not (np.abs(carry) > _ROUNDING).any():
                return
            tile = _row_values(carry, antialias)
        else:
            area = _areas(pieces[first:last], row, column)
            winding = np.cumsum(area, axis=1)
            winding[:, :TILE] += carry[:, None]
            tile = _values(winding[:, :TILE], antialias)
            carry = carry + winding[:, TILE]
        if tile is not None and tile.any():
            tiles[column, row] = tile


def _areas(pieces: Floats, row: int, column: int) -> Floats:
    """What each pixel of a tile, and the column right of it, adds to the winding of those right of it."""
    place = (pieces[:, 0] - row * TILE) * (TILE + 1) + pieces[:, 1] - column * TILE
    place = place.astype(np.int64)
    height, share = pieces[:, 2], pieces[:, 3]
    count = TILE * (TILE + 1)
    own = np.bincount(place, height * (1 - share), count) + np.bincount(place + 1, height * share, count + 1)[:count]
    return np.asarray(own.reshape(TILE, TILE + 1), np.float64)


def _values(winding: Floats, antialias: bool) -> Pixels:
    cover = np.minimum(np.abs(winding), 1.0)
    if not antialias:
        return np.where(cover >= 0.5 - _ROUNDING, 255, 0).astype(np.uint8)
    return np.floor(cover * 255 + 0.5).astype(np.uint8)


def _row_values(carry: Floats, antialias: bool) -> Pixels | None:
    """A tile without edges: each row has one value; None for nothing at all."""
    values = _values(carry, antialias)
    if values.min() == 255:
        return FULL
    return np.repeat(values[:, None], TILE, axis=1) if values.any() else None
