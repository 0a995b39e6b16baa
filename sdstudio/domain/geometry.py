"""Sizes in whole pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdstudio.domain.errors import InvalidRequest

SIDE_MIN = 64
SIDE_MAX = 4096
SIDE_STEP = 8
"""A latent pixel covers 8 x 8 picture pixels in every Stable Diffusion of the first two generations."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InvalidRequest("size", f"A size of {self.width} x {self.height} has no pixels.")

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @classmethod
    def parse(cls, text: str) -> Size:
        """`512x768` -> Size(512, 768). Raises InvalidRequest("size") for anything else."""
        match = re.fullmatch(r"\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*", text)
        if match is None:
            hint = "Write it as WIDTHxHEIGHT, for example 512x512."
            raise InvalidRequest("size", f"“{text}” is not a size.", hint=hint)
        return cls(int(match[1]), int(match[2]))


def snap_side(value: int) -> int:
    """The nearest side that can be generated: a multiple of 8 from 64 to 4096."""
    snapped = (value + SIDE_STEP // 2) // SIDE_STEP * SIDE_STEP
    return min(max(snapped, SIDE_MIN), SIDE_MAX)


def check_generated_size(size: Size) -> None:
    """Raises InvalidRequest("width" | "height") unless both sides are multiples of 8 from 64 to 4096."""
    for field, side in (("width", size.width), ("height", size.height)):
        if side % SIDE_STEP or not SIDE_MIN <= side <= SIDE_MAX:
            raise InvalidRequest(
                field,
                f"The {field} {side} is not possible.",
                hint=f"Sides are multiples of {SIDE_STEP} from {SIDE_MIN} to {SIDE_MAX}; "
                f"the nearest is {snap_side(side)}.",
            )


@dataclass(frozen=True, slots=True)
class Rect:
    """Whole pixels from (x, y) on, to the right and down; empty when it has no width or no height."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, size: Size) -> Rect:
        return cls(0, 0, size.width, size.height)

    @classmethod
    def between(cls, left: int, top: int, right: int, bottom: int) -> Rect:
        """From two corners; right and bottom are the first pixels outside."""
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    @property
    def pixels(self) -> int:
        return 0 if self.empty else self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """For an array of rows and columns that begins at (0, 0)."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def united(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both; an empty one adds nothing."""
        if self.empty:
            return other
        if other.empty:
            return self
        return Rect.between(
            min(self.x, other.x), min(self.y, other.y), max(self.right, other.right), max(self.bottom, other.bottom)
        )

    def intersected(self, other: Rect) -> Rect:
        return Rect.between(
            max(self.x, other.x), max(self.y, other.y), min(self.right, other.right), min(self.bottom, other.bottom)
        )

    def moved(self, dx: int, dy: int) -> Rect:
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def grown(self, by: int) -> Rect:
        """By so many pixels on every side; an empty one stays empty."""
        if self.empty:
            return self
        return Rect.between(self.x - by, self.y - by, self.right + by, self.bottom + by)

    def contains(self, other: Rect) -> bool:
        return other.empty or self.intersected(other) == other


NO_PIXELS = Rect(0, 0, 0, 0)
