"""What of a canvas may change, and when: a mask grown and cut to where it is, or new ground beyond the picture.

Allowed = pixels whose mask value is above 0, dilated by `grow` pixels and by nothing else. What the model is told to
change (`when`) may reach further than that; what is kept of its result never does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sdstudio.canvas import mask_ops
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


def floats(values: npt.ArrayLike) -> Floats:
    """As 32-bit floats, without a copy where they are that already."""
    return np.asarray(values, np.float32)


Kind = TypeVar("Kind", np.uint8, np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """`when`, `allowed` and `fresh` lie at `rect` of a canvas of `size`; beyond it nothing changes.

    `when` (uint8): 255 = changes from the first step on, greys later, 0 = kept. `allowed`: where the result is shown.
    `fresh`: where the canvas holds nothing yet (outpainting), so that nothing is blended; None = nowhere.
    `bounds`, around all that is allowed, follows from them.
    """

    size: Size
    rect: Rect
    when: Pixels
    allowed: Flags
    fresh: Flags | None = None
    bounds: Rect = field(init=False, default=NO_PIXELS)

    def __post_init__(self) -> None:
        shape = (self.rect.height, self.rect.width)
        if not self.when.shape == self.allowed.shape == shape or not Rect.of(self.size).contains(self.rect):
            raise ValueError(f"a region of {self.rect} in {self.size} with arrays of {self.when.shape}")
        object.__setattr__(self, "bounds", bounds_of(self.allowed).moved(self.rect.x, self.rect.y))

    @property
    def count(self) -> int:
        """How many pixels are allowed to change."""
        return int(np.count_nonzero(self.allowed))

    def allowed_in(self, rect: Rect) -> Flags:
        """rect.height x rect.width; false beyond what is known."""
        return _read(self.allowed, self.rect, rect)

    def fresh_in(self, rect: Rect) -> Flags:
        if self.fresh is None:
            return np.zeros((rect.height, rect.width), np.bool_)
        return _read(self.fresh, self.rect, rect)

    def when_in(self, rect: Rect) -> Pixels:
        return _read(self.when, self.rect, rect)


def region_of_mask(mask: Pixels, grow: int = 0, reach: int = 0) -> Region:
    """From a mask as large as the picture (H x W). `reach`: as many pixels beyond allowed may start to change too,
    the later the further out; it is for the model only. Raises InvalidRequest("mask") for one that is 0 all over."""
    return region_at(mask, Rect(0, 0, mask.shape[1], mask.shape[0]), Size(mask.shape[1], mask.shape[0]), grow, reach)


def region_at(mask: Pixels, at: Rect, size: Size, grow: int = 0, reach: int = 0) -> Region:
    """From the part of a mask that lies at `at` of a canvas of `size`; it is 0 everywhere else."""
    if mask.shape != (at.height, at.width):
        raise ValueError(f"a mask of {mask.shape} at {at}")
    painted = bounds_of(mask)
    if painted.empty:
        raise InvalidRequest("mask", "Nothing is masked.", hint="Paint over what should change.")
    place = painted.moved(at.x, at.y)
    rect = place.grown(grow + reach).intersected(Rect.of(size))
    values = _read(mask[painted.slices], place, rect)
    when = mask_ops.grow(values, grow)
    allowed = when > 0
    if reach > 0:
        when = _reaching(when, allowed, reach)
    return Region(size, rect, when, allowed)


def _reaching(when: Pixels, allowed: Flags, reach: int) -> Pixels:
    """Beyond allowed the highest value nearby, falling to 0 in four steps over `reach` pixels."""
    result = np.array(when)
    for step in (1, 2, 3, 4):
        radius = round(reach * step / 4)
        wider = mask_ops.grow(when, radius).astype(np.uint16) * (5 - step) // 5
        np.maximum(result, wider.astype(np.uint8), out=result, where=~allowed)
    return result


def bounds_of(values: Pixels | Flags) -> Rect:
    """Around all that is not 0; NO_PIXELS where everything is."""
    rows = np.flatnonzero(values.any(axis=1))
    if len(rows) == 0:
        return NO_PIXELS
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(values[top:bottom].any(axis=0))
    return Rect.between(int(columns[0]), top, int(columns[-1]) + 1, bottom)


def _read(values: npt.NDArray[Kind], at: Rect, rect: Rect) -> npt.NDArray[Kind]:
    """What of `values`, lying at `at`, is in `rect`; 0 beyond."""
    inside = at.intersected(rect)
    if inside == rect:
        return values[rect.moved(-at.x, -at.y).slices]
    result = np.zeros((rect.height, rect.width), values.dtype)
    if not inside.empty:
        result[inside.moved(-rect.x, -rect.y).slices] = values[inside.moved(-at.x, -at.y).slices]
    return result
