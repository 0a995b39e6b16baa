"""One sample of the pointer (mouse, pen or its eraser end) in document coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sdstudio.domain.canvas_state import MAX_SIDE

REACH = 2.0 * MAX_SIDE
"""Positions further than this from the canvas's origin are brought to it: no path may become endless."""


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """`x`, `y` in document pixels (the pixel under the pointer is floor), any number; `pressure` 0 to 1, 1 for a
    mouse; `time_ms` from any fixed moment; `eraser`: the pen's other end.

    Numbers that are none (NaN, infinite) become 0, a pressure outside its range its nearest end.
    """

    x: float
    y: float
    pressure: float = 1.0
    time_ms: float = 0.0
    shift: bool = False
    ctrl: bool = False
    alt: bool = False
    eraser: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _within(self.x, -REACH, REACH))
        object.__setattr__(self, "y", _within(self.y, -REACH, REACH))
        object.__setattr__(self, "pressure", _within(self.pressure, 0.0, 1.0))

    @property
    def point(self) -> tuple[float, float]:
        return self.x, self.y

    @property
    def pixel(self) -> tuple[int, int]:
        """The pixel under the pointer; it may lie outside the canvas."""
        return math.floor(self.x), math.floor(self.y)


def _within(value: float, low: float, high: float) -> float:
    return min(max(float(value), low), high) if math.isfinite(value) else 0.0
