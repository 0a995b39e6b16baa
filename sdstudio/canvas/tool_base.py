"""What every tool can be asked: the protocol, the outline that the view draws, and the words of the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.geometry import NO_PIXELS, Rect

Point = tuple[float, float]
OutlineKind = Literal["polygon", "rectangle", "ellipse", "line"]

BRUSH, ERASER, LINE, PAINT_BRUSH, PAINT_ERASER = "Brush", "Eraser", "Straight line", "Paint", "Erase paint"
LASSO, POLYGON, RECTANGLE, ELLIPSE = "Lasso", "Polygon", "Rectangle", "Ellipse"
FILL, WAND = "Fill", "Magic wand"

TOOL_LABELS = (
    *(BRUSH, ERASER, LINE, PAINT_BRUSH, PAINT_ERASER),
    *(LASSO, POLYGON, RECTANGLE, ELLIPSE),
    *(FILL, WAND),
)
"""What the tools call their items in the history."""


@dataclass(frozen=True, slots=True)
class Outline:
    """In document coordinates. "polygon": closed, the points in order; "line": the same, open; "rectangle" and
    "ellipse": two opposite corners of the box."""

    kind: OutlineKind
    points: tuple[Point, ...]


class Gesture(Protocol):
    """One use of a tool, from press to release (polygon: to its last corner). Each returns the document pixels that
    may have changed. `cancel` brings the document back exactly as it was."""

    @property
    def busy(self) -> bool: ...

    @property
    def outline(self) -> Outline | None: ...

    def press(self, event: PointerEvent) -> Rect: ...

    def move(self, events: Sequence[PointerEvent]) -> Rect: ...

    def release(self, event: PointerEvent) -> Rect: ...

    def finish(self) -> Rect: ...

    def step_back(self) -> Rect: ...

    def cancel(self) -> Rect: ...


class QuietGesture:
    """Does nothing; tools override what they know."""

    busy = False
    outline: Outline | None = None

    def press(self, event: PointerEvent) -> Rect:
        return NO_PIXELS

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        return NO_PIXELS

    def release(self, event: PointerEvent) -> Rect:
        return NO_PIXELS

    def finish(self) -> Rect:
        return NO_PIXELS

    def step_back(self) -> Rect:
        return NO_PIXELS

    def cancel(self) -> Rect:
        return NO_PIXELS
