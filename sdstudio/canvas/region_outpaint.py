"""Pictures extended beyond their edges: the larger canvas, and the steps in which its new ground is made.

The original's pixels are never allowed to change. While it works the model may bend a soft strip of them (the
overlap), late and so only in detail, that what it makes fits; that strip is not kept. Where a step adjoins what an
earlier one has made, that is blended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sdstudio.canvas.edits import check_size
from sdstudio.canvas.region_feather import depths
from sdstudio.canvas.region_frame import SLACK, Plan, made_sizes, plan_region
from sdstudio.canvas.region_mask import Flags, Region
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

OVERLAP = 32
"""Pixels of what is there that the model may bend, or that are blended where it was made."""

OVERLAP_TOP = 128
"""How soon it may, at the very edge: half-way through; from there it falls to 0."""

DEPTH_SHARE = 5 / 8
"""Of a step's frame at most so much is new: the rest shows the model what to go on with."""

SHARED_SHARE = 1 / 8
"""Of the model's own resolution: how far the frames along one side overlap."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Pixels added on each side. Raises InvalidRequest(side) for a negative one, "right" where all are 0."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __post_init__(self) -> None:
        for side in ("left", "top", "right", "bottom"):
            if getattr(self, side) < 0:
                raise InvalidRequest(side, f"{getattr(self, side)} pixels on the {side} are not possible.")
        if not self.left + self.top + self.right + self.bottom:
            raise InvalidRequest("right", "Nothing is added to any side.", hint="Give the pixels for at least one.")

    def place(self, size: Size) -> Rect:
        """Where a picture of that size lies on the larger canvas."""
        return Rect(self.left, self.top, size.width, size.height)

    def canvas(self, size: Size) -> Size:
        """Raises InvalidRequest("size") for one that is larger than any may be."""
        larger = Size(size.width + self.left + self.right, size.height + self.top + self.bottom)
        check_size(larger)
        return larger


@dataclass(frozen=True, slots=True, eq=False)
class OutpaintStep:
    """One generation: what is new in it, which frame the model sees."""

    region: Region
    plan: Plan


def extended(picture: Pixels, margins: Margins) -> Pixels:
    """H x W x 4 on the larger canvas, transparent around it."""
    size = Size(picture.shape[1], picture.shape[0])
    larger = margins.canvas(size)
    canvas = np.zeros((larger.height, larger.width, 4), np.uint8)
    canvas[margins.place(size).slices] = picture
    return canvas


def plan_outpaint(
    size: Size, margins: Margins, native: int, overlap: int = OVERLAP, in_steps: bool | None = None
) -> tuple[OutpaintStep, ...]:
    """In the order in which they are to be made, each on the canvas that the ones before have left. `in_steps` None:
    all at once where the larger canvas is about the model's own resolution, else side by side in steps; False: one
    frame around everything."""
    canvas, old = margins.canvas(size), margins.place(size)
    whole = Rect.of(canvas)
    if in_steps is None:
        in_steps = max(canvas.width, canvas.height) > native * SLACK
    if not in_steps:
        region = fresh_region(canvas, whole, old, (), overlap)
        return (OutpaintStep(region, plan_region(region, native, 0, whole)),)
    steps: list[OutpaintStep] = []
    done: list[Rect] = []
    for frame, new in _frames(canvas, old, margins, native):
        region = fresh_region(canvas, new, old, done, overlap, frame)
        made, refined = made_sizes(frame, native)
        steps.append(OutpaintStep(region, Plan(frame, made, region.bounds.intersected(frame), refined)))
        done.append(new)
    return tuple(steps)


def outpaint_frames(size: Size, margins: Margins, native: int) -> tuple[Plan, ...]:
    """The plans of those steps alone, without their regions: cheap enough for every event while an edge is dragged.
    `allowed_bounds` is the new ground of each. Raises InvalidRequest("size")."""
    canvas, old = margins.canvas(size), margins.place(size)
    if max(canvas.width, canvas.height) <= native * SLACK:
        whole = Rect.of(canvas)
        made, refined = made_sizes(whole, native)
        return (Plan(whole, made, whole, refined),)
    plans = []
    for frame, new in _frames(canvas, old, margins, native):
        made, refined = made_sizes(frame, native)
        plans.append(Plan(frame, made, new, refined))
    return tuple(plans)


def fresh_region(
    canvas: Size, new: Rect, old: Rect, made: Sequence[Rect], overlap: int, frame: Rect | None = None
) -> Region:
    """`new` without the picture at `old` and what is `made` already; of the latter up to `overlap` pixels inside
    `frame` may change too."""
    rect = new.grown(overlap).intersected(frame or Rect.of(canvas))
    kept = _covered(rect, (old,))
    earlier = _covered(rect, made) & ~kept
    fresh = _covered(rect, (new,)) & ~kept & ~earlier
    if not fresh.any():
        raise ValueError(f"nothing of {new} is new")
    distance = depths(~fresh, overlap + 1)
    near: Flags = (distance > 0) & (distance <= overlap)
    bend = np.where(near & (kept | earlier), OVERLAP_TOP * (1 - distance / (overlap + 1)), 0)
    blend: Flags = near & earlier
    when = np.maximum(np.rint(bend).astype(np.uint8), np.where(fresh, 255, 0).astype(np.uint8))
    return Region(canvas, rect, np.where(blend, np.maximum(when, 1), when), fresh | blend, fresh)


def _covered(rect: Rect, parts: Sequence[Rect]) -> Flags:
    flags = np.zeros((rect.height, rect.width), np.bool_)
    for part in parts:
        inside = part.intersected(rect)
        if not inside.empty:
            flags[inside.moved(-rect.x, -rect.y).slices] = True
    return flags


def _frames(canvas: Size, old: Rect, margins: Margins, native: int) -> Iterator[tuple[Rect, Rect]]:
    """Frame and new ground of each step: left, right, then top and bottom over the whole width. What lies upright is
    planned on its side: rectangles with x and y changed over."""
    for ahead, behind, flipped in ((margins.right, margins.left, False), (margins.bottom, margins.top, True)):
        known = _turned(old) if flipped else old
        if flipped:
            known = Rect(known.x, 0, known.width, canvas.width)
        for amount, forwards in ((behind, False), (ahead, True)):
            for frame, new in _side_steps(known, amount, forwards, native):
                yield (_turned(frame), _turned(new)) if flipped else (frame, new)
            known = Rect(known.x - (0 if forwards else amount), known.y, known.width + amount, known.height)


def _turned(rect: Rect) -> Rect:
    return Rect(rect.y, rect.x, rect.height, rect.width)


def _side_steps(known: Rect, amount: int, forwards: bool, native: int) -> Iterator[tuple[Rect, Rect]]:
    """To the right (or left) of what is known, `amount` pixels in even depths, each along the whole side."""
    count = -(-amount // int(native * DEPTH_SHARE))
    edges = [round(amount * number / max(count, 1)) for number in range(count + 1)]
    for near, far in pairwise(edges):
        depth = far - near
        context = min(max(native - depth, 0), known.width + near)
        x = known.right + near if forwards else known.x - far
        left = x - context if forwards else x
        for top, first, end in _windows(known.y, known.height, native):
            yield Rect(left, top, depth + context, end - top), Rect(x, first, depth, end - first)


def _windows(start: int, length: int, native: int) -> list[tuple[int, int, int]]:
    """(top of the frame, first new row, end) along a side; one frame where it is not much longer than the model's own
    resolution."""
    if length <= native * SLACK:
        return [(start, start, start + length)]
    shared = int(native * SHARED_SHARE)
    count = -(-(length - shared) // (native - shared))
    tops = [start + round((length - native) * number / (count - 1)) for number in range(count)]
    ends = [top + native for top in tops]
    return list(zip(tops, [start, *ends[:-1]], ends, strict=True))
