"""The edge of a mask at the screen's own pixels: how far each pixel lies from it and where along its dashes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
DASH = 5.0
"""Logical pixels of white, and as many of black."""
BLACK_HALF, WHITE_HALF = 1.25, 0.625
"""Half the line's width in logical pixels: white dashes on a black line twice as wide."""
STEPS = 30
"""Places along one dash and its gap that are told apart."""
DISTANCES = 8
_STEPS_A_PIXEL = STEPS / (2 * DASH)
_SLOPE = 2
_BROADER = 2
"""Directions are read from a square so much larger on each side: from the small one they would waver."""
_DIRECTIONS = 8
_CLOSE = 0.5


def reach(ratio: float) -> int:
    """How many pixels beyond a rectangle have to be known."""
    return _radius(ratio) + _BROADER + _SLOPE


def edge_codes(inside: Bytes, ratio: float, x: int, y: int) -> Bytes:
    """For a map of 0 and 1 with `reach(ratio)` known pixels on each side, a code for each pixel within it.

    0 = no edge, else 1 + distance step x STEPS + place along the dashes (see `edge_colours`). (x, y) is the first
    inner pixel's place from the picture's corner, so that dashes stay on the picture when it is moved.

    A pixel's share of inside pixels in a square around it tells its distance from the edge, the slope of that share
    the edge's direction. Directions are taken in eighths of a circle: places along them are exact to 8 %, and
    horizontal, vertical and diagonal edges never waver between two of them.
    """
    radius = _radius(ratio)
    air = reach(ratio) - radius
    if inside.size and inside.min() == inside.max():
        return np.zeros((inside.shape[0] - 2 * reach(ratio), inside.shape[1] - 2 * reach(ratio)), np.uint8)
    centre = _box(inside[air:-air, air:-air], radius)
    codes: Bytes = np.zeros(centre.shape, np.uint8)
    most = (2 * radius + 1) ** 2
    places = np.flatnonzero((centre - np.uint8(1)) < np.uint8(most - 1))
    if not len(places):
        return codes
    rows, columns = np.divmod(places, centre.shape[1])
    slope_x, slope_y = _slopes(_box(inside, radius + _BROADER), rows, columns)
    length = np.hypot(slope_x, slope_y)
    length[length == 0] = 1.0
    across = np.maximum(abs(slope_x), abs(slope_y)) / length
    across[across == 0] = 1.0
    distance = abs(centre.ravel()[places] / most - 0.5) * (2 * radius + 1) * across
    near = _beside_other(inside, rows + reach(ratio), columns + reach(ratio))
    distance = np.where(near, np.minimum(distance, _CLOSE), distance)
    widest = _widest(ratio)
    step = np.floor(distance / widest * DISTANCES)
    kept = step < DISTANCES
    along = _along(slope_x, slope_y, columns + x, rows + y) / ratio
    place = np.floor(along * _STEPS_A_PIXEL) % STEPS
    codes.ravel()[places[kept]] = (1 + step[kept] * STEPS + place[kept]).astype(np.uint8)
    return codes


def draft_codes(inside: Bytes, ratio: float, x: int, y: int) -> Bytes:
    """The same in a fiftieth of the time for a frame that is gone at once: a line of one pixel, dashed along its
    diagonals."""
    air = reach(ratio)
    height, width = inside.shape[0] - 2 * air, inside.shape[1] - 2 * air
    centre = inside[air : air + height, air : air + width]
    edge = centre ^ inside[air : air + height, air + 1 : air + 1 + width]
    edge |= centre ^ inside[air + 1 : air + 1 + height, air : air + width]
    codes = edge.ravel()
    places = codes.view(bool).nonzero()[0]
    rows, columns = np.divmod(places, width)
    codes[places] = (1 + ((rows + columns + x + y) * _STEPS_A_PIXEL / ratio).astype(np.intp) % STEPS).astype(np.uint8)
    return codes.reshape(height, width)


@cache
def edge_colours(ratio: float, moved: float = 0.0) -> list[int]:
    """For each code a colour 0xAARRGGBB (not premultiplied); the dashes moved by so many logical pixels. The list is
    kept, and not to be changed."""
    colours = [0]
    for step in range(DISTANCES):
        distance = (step + 0.5) / DISTANCES * _widest(ratio)
        black = _covered(BLACK_HALF * ratio - distance)
        white = _covered(WHITE_HALF * ratio - distance)
        for place in range(STEPS):
            at = ((place + 0.5) / _STEPS_A_PIXEL - moved) % (2 * DASH)
            dash = _covered(min(at, DASH - at) if at < DASH else max(DASH - at, at - 2 * DASH))
            grey = white * dash
            alpha = max(black, grey)
            level = round(255 * grey / alpha) if alpha else 0
            colours.append(round(255 * alpha) << 24 | level * 0x010101)
    return colours + [0] * (256 - len(colours))


def _radius(ratio: float) -> int:
    return max(2, math.ceil(BLACK_HALF * ratio - 0.001))


def _widest(ratio: float) -> float:
    return BLACK_HALF * ratio + 0.5


def _covered(depth: float) -> float:
    """How much of a pixel lies in an area, its middle being `depth` pixels inside."""
    return min(max(depth + 0.5, 0.0), 1.0)


def _box(inside: Bytes, radius: int) -> Bytes:
    """How many of the (2 radius + 1)² pixels around are set; smaller by `radius` on each side."""
    side = 2 * radius + 1
    return _sums(_sums(inside, side).T, side).T


def _sums(values: Bytes, count: int) -> Bytes:
    """Of each `count` neighbours along a row: sums of two, four, eight are made from each other."""
    width = values.shape[1] - count + 1
    doubled, span, done = values, 1, 0
    total: Bytes | None = None
    while True:
        if count & span:
            part = doubled[:, done : done + width]
            total = part if total is None else total + part
            done += span
        span *= 2
        if span > count:
            return values[:, :0] if total is None else total
        doubled = doubled[:, : -span // 2] + doubled[:, span // 2 :]


def _slopes(
    share: Bytes, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], ...]:
    """Towards the inside, over four pixels, from three rows and columns each."""
    flat, width = share.ravel(), share.shape[1]
    middle = (rows + _SLOPE) * width + columns + _SLOPE

    def at(dx: int, dy: int) -> npt.NDArray[np.float32]:
        values: npt.NDArray[np.float32] = flat[middle + (dy * width + dx)].astype(np.float32)
        return values

    far = _SLOPE
    corners = at(far, far) - at(-far, -far), at(far, -far) - at(-far, far)
    slope_x = 2 * (at(far, 0) - at(-far, 0)) + corners[0] + corners[1]
    slope_y = 2 * (at(0, far) - at(0, -far)) + corners[0] - corners[1]
    return slope_x, slope_y


def _beside_other(inside: Bytes, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether a neighbour is on the other side: such a pixel lies on the edge, however thin the shape is."""
    flat, width = inside.ravel(), inside.shape[1]
    middle = rows * width + columns
    here = flat[middle]
    other = np.zeros(len(middle), bool)
    for step in (-1, 1, -width, width):
        other |= flat[middle + step] != here
    return other


def _along(
    slope_x: npt.NDArray[np.float32],
    slope_y: npt.NDArray[np.float32],
    x: npt.NDArray[np.intp],
    y: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """The place along the edge, the inside at the right hand."""
    eighth = 2 * math.pi / _DIRECTIONS
    direction = np.round(np.arctan2(slope_y, slope_x) / eighth).astype(np.intp) % _DIRECTIONS
    angles = np.arange(_DIRECTIONS) * eighth
    result: npt.NDArray[np.float64] = x * np.sin(angles)[direction] - y * np.cos(angles)[direction]
    return result
