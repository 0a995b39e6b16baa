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
