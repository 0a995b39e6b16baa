"""A drag of the generation frame, in the document's pixels: which grip the hand took, and where the frame goes.

Edges snap to whole steps, to the edges of the picture, and to the model's own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sdstudio.domain.edits import MARGIN_MAX
from sdstudio.domain.geometry import SIDE_MIN, SIDE_STEP, Rect, Size

OVERLAP_MIN = SIDE_STEP
"""A frame that shows nothing of the picture would make something that belongs nowhere."""


class Grip(Enum):
    """Which edges follow the hand: (left, top, right, bottom)."""

    TOP_LEFT = (1, 1, 0, 0)
    TOP = (0, 1, 0, 0)
    TOP_RIGHT = (0, 1, 1, 0)
    RIGHT = (0, 0, 1, 0)
    BOTTOM_RIGHT = (0, 0, 1, 1)
    BOTTOM = (0, 0, 0, 1)
    BOTTOM_LEFT = (1, 0, 0, 1)
    LEFT = (1, 0, 0, 0)
    WHOLE = (1, 1, 1, 1)


CORNERS_AND_SIDES = tuple(grip for grip in Grip if grip is not Grip.WHOLE)


def grip_point(grip: Grip, left: float, top: float, right: float, bottom: float) -> tuple[float, float]:
    """Where its handle lies on a box."""
    west, north, east, south = grip.value
    x = left if west and not east else right if east and not west else (left + right) / 2
    y = top if north and not south else bottom if south and not north else (top + bottom) / 2
    return x, y


@dataclass(frozen=True, slots=True)
class FrameDrag:
    """`start` is the frame as it was, (x, y) where the hand took it. `step`: what edges snap to; `near`: how close to
    an edge of the picture, or to the `native` size, snapping takes it there; all in the document's pixels."""

    start: Rect
    grip: Grip
    x: float
    y: float
    canvas: Size
    native: int

    def to(self, x: float, y: float, step: int, near: float) -> Rect:
        dx, dy = x - self.x, y - self.y
        if self.grip is Grip.WHOLE:
            left = self._moved(self.start.x + dx, self.start.width, self.canvas.width, step, near)
            top = self._moved(self.start.y + dy, self.start.height, self.canvas.height, step, near)
            return Rect(left, top, self.start.width, self.start.height)
        west, north, east, south = self.grip.value
        left, right = self._resized(self.start.x, self.start.right, west * dx, east * dx, self.canvas.width, step, near)
        top, bottom = self._resized(
            self.start.y, self.start.bottom, north * dy, south * dy, self.canvas.height, step, near
        )
        return Rect.between(left, top, right, bottom)

    def _moved(self, start: float, length: int, side: int, step: int, near: float) -> int:
        """The whole frame: its first or its last edge snaps."""
        best = round(start / step) * step
        if abs(start + length - side) <= near:
            best = side - length
        elif abs(start) <= near:
            best = 0
        low = max(OVERLAP_MIN - length, -MARGIN_MAX)
        return min(max(best, low), min(side - OVERLAP_MIN, side + MARGIN_MAX - length))

    def _resized(
        self, low: int, high: int, low_by: float, high_by: float, side: int, step: int, near: float
    ) -> tuple[int, int]:
        if low_by:
            wanted = self._snapped(low + low_by, (0, side, high - self.native), step, near)
            least = min(high - SIDE_MIN, side - OVERLAP_MIN)
            return min(max(wanted, -MARGIN_MAX), least), high
        if high_by:
            wanted = self._snapped(high + high_by, (0, side, low + self.native), step, near)
            least = max(low + SIDE_MIN, OVERLAP_MIN)
            return low, max(min(wanted, side + MARGIN_MAX), least)
        return low, high

    @staticmethod
    def _snapped(value: float, places: tuple[int, ...], step: int, near: float) -> int:
        for place in places:
            if abs(value - place) <= near:
                return place
        return round(value / step) * step
