"""The composite mask: how far each pixel shows what was made, feathered inwards from the border of what is allowed.

By distance to the nearest pixel that is not allowed; the picture's own edge is no border. Where allowed is narrower
than two feathers the feather is as wide as fits, so that a stroke of 3 pixels still shows its result in the middle.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sdstudio.canvas import mask_ops
from sdstudio.canvas.fill_regions import Regions, regions
from sdstudio.canvas.region_filters import box_blur, enlarged
from sdstudio.canvas.region_mask import Flags, Floats, Region, floats
from sdstudio.domain.geometry import Rect

EXACT_REACH = 64
"""Pixels up to which distances are exact; further in they are taken from a coarser grid (an error of some percent)."""

TINY = np.float32(1e-6)

THICKNESS_RATIO = 1.5
"""Between the radii of the discs that local thickness is measured with."""

SMOOTH_MAX = 4
"""Pixels of radius over which local thickness is smoothed."""

STEPS_MAX = 3
"""Pixels that the steps of a round edge, or the scallops of a brush, stand out at most."""

DISC_EXACT = 16
"""Pixels of radius up to which those discs are laid at full resolution."""


def composite_weights(region: Region, part: Rect, frame: Rect, feather: int) -> Floats:
    """For the canvas's pixels of `part` (inside `frame`): 0 wherever it is not allowed, 1 where the canvas holds
    nothing yet, in between over `feather` pixels inwards. Greys of the mask do not matter here. What the frame cuts
    off is not allowed."""
    if not frame.contains(part):
        raise ValueError(f"{part} is not inside the frame {frame}")
    around = part.grown(1).intersected(Rect.of(region.size))
    allowed = region.allowed_in(around)
    if not frame.contains(around):
        inside = np.zeros_like(allowed)
        inside[frame.intersected(around).moved(-around.x, -around.y).slices] = True
        allowed = allowed & inside
    weights = feathered(allowed, feather)
    if region.fresh is not None:
        weights[allowed & region.fresh_in(around)] = 1
    inner: Floats = weights[part.moved(-around.x, -around.y).slices]
    return inner


def feathered(allowed: Flags, feather: int) -> Floats:
    """H x W, 0 to 1: a smooth step (3 t^2 - 2 t^3) of the distance over the feather, or over the local thickness
    where that is less. The array's edge is no border."""
    if feather <= 1 or allowed.all():
        return allowed.astype(np.float32)
    depth = depths(allowed, feather)
    share = floats(np.minimum(depth / _thickness(allowed, depth, feather), 1))
    return floats(share * share * (3 - 2 * share))


def depths(inside: Flags, reach: int) -> Floats:
    """The distance of each pixel's centre to that of the nearest one that is not inside (so 1 at the border), at most
    `reach`; 0 for those that are not. The array's edge is no border."""
    if reach <= EXACT_REACH:
        return _exact_depths(inside, reach)
    cell = -(-reach // (EXACT_REACH // 2))
    height, width = inside.shape
    whole = _cells(inside, cell, np.logical_and)
    coarse = _exact_depths(whole, -(-reach // cell) + 1)
    coarse = np.maximum(coarse - np.float32(0.5), 0) * np.float32(cell)
    box = (0.0, 0.0, width / cell, height / cell)
    smooth = enlarged(coarse[..., None], width, height, box)[..., 0]
    near = _exact_depths(inside, 2 * cell)
    return floats(np.minimum(np.maximum(near, smooth * inside), reach))


def _exact_depths(inside: Flags, reach: int) -> Floats:
    """Euclid: along the columns by counting, then the lowest of squared distances along the rows."""
    if inside.all():
        return np.full(inside.shape, reach, np.float32)
    far = reach * reach  # as long as twice that fits into 16 bits, squares take half the time
    kind = np.uint16 if 2 * far < 1 << 16 else np.uint32
    squares: npt.NDArray[np.unsignedinteger] = np.square(_column_gaps(inside, reach)).astype(kind)
    lowest = squares.copy()
    for step in range(1, min(reach, inside.shape[1] - 1) + 1):
        square = kind(step * step)
        np.minimum(lowest[:, step:], squares[:, :-step] + square, out=lowest[:, step:])
        np.minimum(lowest[:, :-step], squares[:, step:] + square, out=lowest[:, :-step])
    return floats(np.sqrt(np.minimum(lowest, far), dtype=np.float32))


def _column_gaps(inside: Flags, reach: int) -> npt.NDArray[np.int32]:
    """How many rows away the nearest pixel of the column is that is not inside, at most `reach`."""
    rows = np.arange(inside.shape[0], dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(inside, np.int32(-reach), rows), axis=0)
    below = np.minimum.accumulate(np.where(inside, np.int32(inside.shape[0] + reach), rows)[::-1], axis=0)[::-1]
    gaps: npt.NDArray[np.int32] = np.minimum(np.minimum(rows - above, below - rows), np.int32(reach))
    return gaps


def _thickness(allowed: Flags, depth: Floats, feather: int) -> Floats:
    """For each pixel the radius of the largest disc inside allowed that holds it, up to `feather`; 1 at least.
    (T. Hildebrand, P. Rüegsegger, "A new method for the model-independent assessment of thickness", 1997.) Smoothed
    as its inverse, so that what is thin stays thin beside what is wide."""
    thickness = np.maximum(depth, np.float32(1))
    for radius in _radii(feather):
        centres = depth >= radius
        if not centres.any():
            break
        np.maximum(thickness, np.float32(radius), out=thickness, where=_discs(centres, allowed, radius))
    share = allowed.astype(np.float32)
    blur = min(max(1, feather // 6), SMOOTH_MAX)
    near, inverse = box_blur(share, blur, 2), box_blur(floats(share / thickness), blur, 2)
    return floats(np.where(allowed, np.maximum(near, TINY) / np.maximum(inverse, TINY), 1))


def _radii(feather: int) -> list[int]:
    """Growing by THICKNESS_RATIO up to the feather."""
    count = math.ceil(math.log(feather, THICKNESS_RATIO))
    return sorted({math.ceil(feather / THICKNESS_RATIO**power) for power in range(count)} - {1})


def _discs(centres: Flags, allowed: Flags, radius: int) -> Flags:
    """The allowed pixels nearer than `radius` to one of the centres, and the steps and scallops just beyond them, which
    are an edge drawn in pixels and not something thin. Large discs are laid on a coarser grid and so are a little too
    large: of them only what hangs together with a centre counts."""
    cell = -(-radius // DISC_EXACT)
    if cell == 1:
        reach = radius - 1 + min(STEPS_MAX, radius // 2)
        return allowed & (mask_ops.grow(centres.view(np.uint8), reach) > 0)
    coarse = mask_ops.grow(_cells(centres, cell, np.logical_or).view(np.uint8), radius // cell) > 0
    wide = coarse.repeat(cell, axis=0).repeat(cell, axis=1)[: centres.shape[0], : centres.shape[1]]
    found = regions(wide & allowed)
    held = np.zeros(found.count, np.bool_)
    held[found.label[_runs_with(found, centres)]] = True
    return found.paint(held)


def _runs_with(found: Regions, centres: Flags) -> Flags:
    """For each run whether any of its pixels is a centre."""
    lines = np.zeros((found.height, found.width + 1), np.bool_)
    lines[:, :-1] = centres
    total = np.append(0, np.cumsum(lines))
    return total[found.end] > total[found.start]


def _cells(flags: Flags, cell: int, together: np.ufunc) -> Flags:
    """Whether any (or all) of cell x cell pixels are set."""
    rows, columns = np.arange(0, flags.shape[0], cell), np.arange(0, flags.shape[1], cell)
    reduced: Flags = together.reduceat(together.reduceat(flags, rows, axis=0), columns, axis=1)
    return reduced
