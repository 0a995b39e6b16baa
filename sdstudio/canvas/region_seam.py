"""The seam figure: how much the border of what was allowed stands out, against the picture's own statistics.

Two steps are measured along the border, both in 8-bit levels, mean over R, G, B. The gradient step is the mean
difference of the pixels on either side of it. The colour step is that of the local means of a band inside and one
outside. Each is divided by the greater of what the picture shows near the border (pairs of pixels, and bands, that lie
wholly outside) and of what it showed along the same line before; one level is added to both, as no eye sees less. The
figure is the greater of the two: about 1 or less = not to be seen, and there is no upper end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.region_feather import depths
from sdstudio.canvas.region_filters import box_blur
from sdstudio.canvas.region_mask import Flags, Floats, Region, floats
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels

BAND = 12
"""Pixels: the depth of the bands, and the radius over which their colours are averaged."""

NEAR = 2 * BAND
"""Pixels outside the border that the picture's own statistics are taken from."""

STEP_MAX = 64.0
"""Levels: edges of things count no more than that."""

STANDS_OUT = 2.0
"""See `stands_out`."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Both ratios, from 0 up; 0 where there is no border inside the picture."""

    gradient: float = 0.0
    colour: float = 0.0

    @property
    def figure(self) -> float:
        return max(self.gradient, self.colour)


def stands_out(figure: float) -> bool:
    """Whether to offer softening: the step is twice what the picture itself shows there. (Untouched pictures stay
    below 1.3; a patch that is 12 levels off comes to 3 and more on smooth ground.)"""
    return figure > STANDS_OUT


def measured_part(region: Region) -> Rect:
    """The canvas's pixels that `seam_of` needs."""
    return region.bounds.grown(NEAR + 1).intersected(Rect.of(region.size))


def seam_of(before: Pixels, after: Pixels, region: Region, part: Rect) -> Seam:
    """Both H x W x 4, the canvas's pixels of `part` (`measured_part`, or what there is of it). Where the canvas was
    fresh or transparent, what was there before does not count."""
    allowed = region.allowed_in(part)
    if not allowed.any() or allowed.all():
        return Seam()
    old: Flags = (before[..., 3] > 0) & ~region.fresh_in(part)
    seen: Flags = after[..., 3] > 0
    outside = depths(~allowed, NEAR + 1)
    inside = depths(allowed, BAND + 1)
    first, second = floats(before[..., :3]), floats(after[..., :3])
    return Seam(
        _gradient(first, second, allowed, outside, old, seen), _colour(first, second, outside, inside, old, seen)
    )


def _ratio(step: float | None, *references: float | None) -> float:
    return 0.0 if step is None else (step + 1) / (max(value or 0.0 for value in references) + 1)


def _mean(values: Floats, where: Flags) -> float | None:
    return float(values[where].mean()) if where.any() else None


def _gradient(before: Floats, after: Floats, allowed: Flags, outside: Floats, old: Flags, seen: Flags) -> float:
    crossing = _Steps()
    own, near = _Steps(), _Steps()
    ground = (outside > 0) & (outside <= NEAR) & old
    for axis in (0, 1):
        border = _both(allowed, axis, np.not_equal)
        crossing.add(after, axis, border & _both(seen, axis, np.logical_and))
        own.add(before, axis, border & _both(old, axis, np.logical_and))
        near.add(before, axis, _both(ground, axis, np.logical_and))
    return _ratio(crossing.mean, near.mean, own.mean)


def _both(flags: Flags, axis: int, together: np.ufunc) -> Flags:
    ahead, behind = (flags[1:], flags[:-1]) if axis == 0 else (flags[:, 1:], flags[:, :-1])
    result: Flags = together(ahead, behind)
    return result


class _Steps:
    """The mean difference of neighbours, along both axes together."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, picture: Floats, axis: int, where: Flags) -> None:
        ahead, behind = (picture[1:], picture[:-1]) if axis == 0 else (picture[:, 1:], picture[:, :-1])
        steps = np.abs(ahead[where] - behind[where]).mean(axis=1)
        self._sum += float(np.minimum(steps, STEP_MAX).sum())
        self._count += len(steps)

    @property
    def mean(self) -> float | None:
        return self._sum / self._count if self._count else None


def _colour(before: Floats, after: Floats, outside: Floats, inside: Floats, old: Flags, seen: Flags) -> float:
    inner = (inside > 0) & (inside <= BAND)
    outer = (outside > 0) & (outside <= BAND)
    beyond = (outside > BAND) & (outside <= NEAR)
    line = (inside > 0) & (inside < 2)
    further = outer & (outside > BAND - 1)
    step = _mean(*_band_steps(after, inner & seen, outer & seen, line))
    own = _mean(*_band_steps(before, inner & old, outer & old, line))
    near = _mean(*_band_steps(before, outer & old, beyond & old, further))
    return _ratio(step, near, own)


def _band_steps(picture: Floats, one: Flags, other: Flags, line: Flags) -> tuple[Floats, Flags]:
    """How far the local means of two bands are apart, and where on the line both have enough pixels for that."""
    first, share = _local_mean(picture, one)
    second, rest = _local_mean(picture, other)
    steps = np.minimum(np.abs(first - second).mean(axis=2), STEP_MAX)
    return floats(steps), line & (share > ENOUGH) & (rest > ENOUGH)


ENOUGH = np.float32(0.02)
"""The share of its surroundings (2 BAND + 1 pixels a side) that a band has to fill."""


def _local_mean(picture: Floats, where: Flags) -> tuple[Floats, npt.NDArray[np.float32]]:
    share = box_blur(floats(where), BAND)
    total = box_blur(floats(picture * where[..., None]), BAND)
    return floats(total / np.maximum(share, ENOUGH / 2)[..., None]), share
