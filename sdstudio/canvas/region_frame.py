"""The generation frame: which rectangle of the canvas the model sees, and at which size it is made.

Sides of a frame are multiples of 8 wherever the picture has room for that; the size that is made always has them.
Method: bounding box plus context, grown to the model's own resolution and a fair aspect ratio, moved into the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.fill_regions import Regions, regions
from sdstudio.canvas.region_mask import Flags, Region, bounds_of
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import SIDE_MAX, SIDE_MIN, SIDE_STEP, Rect, Size

ASPECT_MAX = 2.0
"""Longer side to shorter: models have seen little beyond it."""

SLACK = 1.25
"""A frame up to so much larger than the model's own resolution (side and area) is made as it is: one more pass would
cost more than the little coherence that is lost (others allow 1.5 for Stable Diffusion 1.5)."""

ENLARGED_MAX = 4
"""A small frame is made at most so many times larger: beyond it the model paints what the picture cannot hold."""

REFINED_MAX = 2.0
"""Sides of the second pass, in the model's own resolutions: attention's cost grows with the fourth power of a side."""

ISLANDS_EXACT = 128
"""Up to so many islands are told apart by pixels, more by cells."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`frame` is what the model sees, in the canvas's pixels; `made` the size of the first pass; `refined` that of the
    second one, at low strength, where the frame is larger than the model's own resolution (None: no second pass).
    `allowed_bounds`: what may change in it."""

    frame: Rect
    made: Size
    allowed_bounds: Rect
    refined: Size | None = None

    @property
    def scale(self) -> float:
        """Pixels made for one of the canvas's, along the longer side; 1 exactly where nothing is resampled."""
        if is_padded(Size(self.frame.width, self.frame.height), self.made):
            return 1.0
        return max(self.made.width, self.made.height) / max(self.frame.width, self.frame.height)


def is_padded(inner: Size, outer: Size) -> bool:
    """Whether `outer` is `inner` filled up to the next multiples of 8: then pixels are carried over, not resampled."""
    return 0 <= outer.width - inner.width < SIDE_STEP and 0 <= outer.height - inner.height < SIDE_STEP


def plan_region(region: Region, native: int, context: int, frame: Rect | None = None) -> Plan:
    """One frame around all. `native`: the model's own resolution, pixels a side. `frame` None = chosen.
    Raises InvalidRequest("frame") for one that shows nothing of what may change."""
    return plan_bounds(region.bounds, region.size, native, context, frame)


def plan_bounds(bounds: Rect, size: Size, native: int, context: int, frame: Rect | None = None) -> Plan:
    """The same from the bounds of what is allowed: cheap enough for every event while painting."""
    if bounds.empty:
        raise InvalidRequest("mask", "Nothing is masked.", hint="Paint over what should change.")
    chosen = _auto_frame(bounds, size, native, context) if frame is None else snapped_frame(frame, size)
    inside = bounds.intersected(chosen)
    if inside.empty:
        raise InvalidRequest(
            "frame", "The frame shows nothing of what is masked.", hint="Move it over the mask, or leave it to itself."
        )
    made, refined = made_sizes(chosen, native)
    return Plan(chosen, made, inside, refined)


def plan_islands(region: Region, native: int, context: int) -> tuple[Plan, ...]:
    """One frame for each island of what is allowed, in reading order; islands whose frames overlap share one."""
    boxes = [box.moved(region.rect.x, region.rect.y) for box in _island_boxes(region.allowed, native)]
    while True:
        frames = [_auto_frame(box, region.size, native, context) for box in boxes]
        merged = _merged(boxes, frames)
        if len(merged) == len(boxes):
            break
        boxes = merged
    plans = [plan_bounds(box, region.size, native, context) for box in boxes]
    return tuple(sorted(plans, key=lambda plan: (plan.frame.y, plan.frame.x)))


def snapped_frame(frame: Rect, size: Size) -> Rect:
    """Outwards to multiples of 8 and cut to the picture. Raises InvalidRequest("frame") where nothing is left."""
    step = SIDE_STEP
    wide = Rect.between(
        frame.x // step * step, frame.y // step * step, -(-frame.right // step) * step, -(-frame.bottom // step) * step
    )
    inside = wide.intersected(Rect.of(size))
    if frame.empty or inside.empty:
        raise InvalidRequest(
            "frame",
            f"The frame {frame.width} x {frame.height} at ({frame.x}, {frame.y}) holds nothing of the picture.",
            hint=f"The picture has {size.width} x {size.height} pixels.",
        )
    return inside


def made_sizes(frame: Rect, native: int) -> tuple[Size, Size | None]:
    """The size of the first pass and, where it is smaller than the frame, of the second."""
    long, short = max(frame.width, frame.height), min(frame.width, frame.height)
    fits = long <= native * SLACK and long * short <= native * native * SLACK
    if fits and long * SLACK >= native and _side(short) - short < SIDE_STEP:
        return _generated(frame.width, frame.height, 1.0), None
    scale = max(min(native / long, ENLARGED_MAX), SIDE_MIN / short)
    made = _generated(frame.width, frame.height, scale)
    if scale >= 1.0:
        return made, None
    refined = _generated(frame.width, frame.height, min(1.0, REFINED_MAX * native / long))
    return made, refined if refined.pixels > made.pixels else None


def _generated(width: int, height: int, scale: float) -> Size:
    return Size(_side(width * scale), _side(height * scale))


def _side(length: float) -> int:
    side = math.ceil(round(length, 6) / SIDE_STEP) * SIDE_STEP
    return min(max(side, SIDE_MIN), SIDE_MAX)


def _auto_frame(bounds: Rect, size: Size, native: int, context: int) -> Rect:
    box = bounds.grown(context).intersected(Rect.of(size))
    long = max(box.width, box.height, native)
    least = math.ceil(long / ASPECT_MAX)
    x, width = _span(box.x, box.right, max(native, least), size.width)
    y, height = _span(box.y, box.bottom, max(native, least), size.height)
    return Rect(x, y, width, height)


def _span(low: int, high: int, wanted: int, limit: int) -> tuple[int, int]:
    """Start and length of at least `wanted` pixels around [low, high), inside [0, limit), by steps of 8."""
    step = SIDE_STEP
    low = low // step * step
    high = min(-(-high // step) * step, limit)
    length = min(-(-max(high - low, wanted) // step) * step, limit)
    start = (low - (length - (high - low)) // 2) // step * step
    start = min(max(start, high - length, 0), limit - length)
    return start, length


def _island_boxes(allowed: Flags, native: int) -> list[Rect]:
    found = regions(allowed, diagonal=True)
    if found.count <= ISLANDS_EXACT:
        return _boxes(found)
    cell = max(SIDE_STEP, native // 8)
    height, width = allowed.shape
    cells = np.logical_or.reduceat(allowed, np.arange(0, height, cell), axis=0)
    cells = np.logical_or.reduceat(cells, np.arange(0, width, cell), axis=1)
    found = regions(cells, diagonal=True)
    if found.count > ISLANDS_EXACT:
        return [bounds_of(allowed)]
    whole = Rect(0, 0, width, height)
    boxes = (Rect(b.x * cell, b.y * cell, b.width * cell, b.height * cell) for b in _boxes(found))
    return [box.intersected(whole) for box in boxes]


def _boxes(found: Regions) -> list[Rect]:
    """Around each region."""
    rows, first = np.divmod(found.start, found.width + 1)
    last = found.end - rows * (found.width + 1)
    boxes = np.empty((4, found.count), np.int64)
    boxes[:2] = np.iinfo(np.int64).max
    boxes[2:] = 0
    np.minimum.at(boxes[0], found.label, first)
    np.minimum.at(boxes[1], found.label, rows)
    np.maximum.at(boxes[2], found.label, last)
    np.maximum.at(boxes[3], found.label, rows + 1)
    return [Rect.between(*(int(value) for value in box)) for box in boxes.T]


def _merged(boxes: list[Rect], frames: list[Rect]) -> list[Rect]:
    """Boxes whose frames overlap, directly or through others of this round, become one."""
    result: list[tuple[Rect, Rect]] = []
    for box, frame in zip(boxes, frames, strict=True):
        apart: list[tuple[Rect, Rect]] = []
        for other, seen in result:
            if frame.intersected(seen).empty:
                apart.append((other, seen))
            else:
                box, frame = box.united(other), frame.united(seen)
        result = [*apart, (box, frame)]
    return [box for box, _frame in result]
