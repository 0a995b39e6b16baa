"""Lasso, polygon, rectangle and ellipse: an outline while it is drawn, then an area that is masked or coloured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.shapes import box_between, ellipse, polygon, rectangle
from sdstudio.canvas.tool_base import ELLIPSE, LASSO, POLYGON, RECTANGLE, Outline, Point, QuietGesture
from sdstudio.canvas.tool_coverage import Coverage
from sdstudio.canvas.tool_ink import ink_coverage, make_ink
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.geometry import NO_PIXELS, Rect


def combine_of(settings: ToolSettings, event: PointerEvent) -> str:
    """What a press with these keys does with what is there: Shift adds, Alt subtracts, else as set. Where it is set
    to add anyway Shift says nothing, and where to subtract Alt."""
    if event.shift and settings.combine != "add":
        return "add"
    return "subtract" if event.alt else settings.combine


def apply_area(document: CanvasDocument, settings: ToolSettings, coverage: Coverage, combine: str, label: str) -> Rect:
    """One history item: the area on the target, at full strength. Returns what may have changed."""
    grid = document.grid(settings.target)
    ink = make_ink(settings.target, settings.colour, remove=combine == "subtract")
    document.begin(label)
    try:
        if combine == "replace" and settings.target == "mask":
            grid.fill(document.mask_bounds(), 0)
        ink_coverage(grid, coverage, ink)
    except BaseException:
        document.rollback()
        raise
    return document.commit()


class LassoGesture(QuietGesture):
    """Drawn free-hand; closed by a straight line. The document changes at release only."""

    def __init__(self, document: CanvasDocument, settings: ToolSettings) -> None:
        self._document = document
        self._settings = settings
        self._combine = settings.combine
        self._points: list[Point] = []
        self.busy = False

    @property
    def outline(self) -> Outline | None:  # type: ignore[override]
        return Outline("polygon", tuple(self._points)) if self.busy else None

    def press(self, event: PointerEvent) -> Rect:
        self._combine = combine_of(self._settings, event)
        self._points = [event.point]
        self.busy = True
        return NO_PIXELS

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        if self.busy:
            self._points += [event.point for event in events if event.point != self._points[-1]]
        return NO_PIXELS

    def release(self, event: PointerEvent) -> Rect:
        if not self.busy:
            return NO_PIXELS
        self.move([event])
        self.busy = False
        coverage = polygon(self._points, self._document.size, antialias=self._settings.antialias)
        if not coverage.tiles:
            return NO_PIXELS
        return apply_area(self._document, self._settings, coverage, self._combine, LASSO)

    def cancel(self) -> Rect:
        self.busy = False
        return NO_PIXELS


class PolygonGesture(QuietGesture):
    """Corner by corner; a press near the first one, or `finish`, closes it; `step_back` takes the last one back."""

    def __init__(self, document: CanvasDocument, settings: ToolSettings, grab: float) -> None:
        """`grab`: document pixels within which a press means the first corner."""
        self._document = document
        self._settings = settings
        self._combine = settings.combine
        self._grab = grab
        self._corners: list[Point] = []
        self._pointer: Point | None = None

    @property
    def busy(self) -> bool:  # type: ignore[override]
        return bool(self._corners)

    @property
    def outline(self) -> Outline | None:  # type: ignore[override]
        """The line so far, up to the pointer."""
        if not self._corners:
            return None
        return Outline("line", (*self._corners, self._pointer) if self._pointer else tuple(self._corners))

    def press(self, event: PointerEvent) -> Rect:
        if not self._corners:
            self._combine = combine_of(self._settings, event)
        elif len(self._corners) >= 3 and math.dist(self._corners[0], event.point) <= self._grab:
            return self.finish()
        if not self._corners or math.dist(self._corners[-1], event.point) >= 0.5:  # a double click is one corner
            self._corners.append(event.point)
        self._pointer = event.point
        return NO_PIXELS

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        if self._corners and events:
            self._pointer = events[-1].point
        return NO_PIXELS

    def finish(self) -> Rect:
        corners, self._corners, self._pointer = self._corners, [], None
        coverage = polygon(corners, self._document.size, antialias=self._settings.antialias)
        if not coverage.tiles:
            return NO_PIXELS
        return apply_area(self._document, self._settings, coverage, self._combine, POLYGON)

    def step_back(self) -> Rect:
        if self._corners:
            self._corners.pop()
        return NO_PIXELS

    def cancel(self) -> Rect:
        self._corners.clear()
        self._pointer = None
        return NO_PIXELS


class BoxGesture(QuietGesture):
    """Rectangle and ellipse, over the whole pixels from press to release. A click without a drag makes nothing.

    While dragging Shift makes the sides equal and Alt draws from the centre. A key that at the press meant "add" or
    "subtract" does so only after it was let go once; where it would have changed nothing it means the shape at once.
    """

    def __init__(self, document: CanvasDocument, settings: ToolSettings) -> None:
        self._document = document
        self._settings = settings
        self._combine = settings.combine
        self._spent = {"shift": False, "alt": False}
        self._start: Point = (0.0, 0.0)
        self._end: Point = (0.0, 0.0)
        self._rect = NO_PIXELS
        self.busy = False

    @property
    def outline(self) -> Outline | None:  # type: ignore[override]
        if not self.busy or self._rect.empty:
            return None
        corners = (float(self._rect.x), float(self._rect.y)), (float(self._rect.right), float(self._rect.bottom))
        return Outline("ellipse" if self._settings.tool == "ellipse" else "rectangle", corners)

    def press(self, event: PointerEvent) -> Rect:
        self._combine = combine_of(self._settings, event)
        changed = self._combine != self._settings.combine
        self._spent = {"shift": event.shift and changed, "alt": event.alt and changed and not event.shift}
        self._start = self._end = event.point
        self._rect = NO_PIXELS
        self.busy = True
        return NO_PIXELS

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        for event in events if self.busy else ():
            self._spent["shift"] &= event.shift
            self._spent["alt"] &= event.alt
            self._end = event.point
            if self._end != self._start:
                self._rect = box_between(
                    self._start,
                    self._end,
                    square=event.shift and not self._spent["shift"],
                    centred=event.alt and not self._spent["alt"],
                )
        return NO_PIXELS

    def release(self, event: PointerEvent) -> Rect:
        if not self.busy:
            return NO_PIXELS
        self.move([event])
        self.busy = False
        size = self._document.size
        if self._settings.tool == "ellipse":
            coverage, label = ellipse(self._rect, size, antialias=self._settings.antialias), ELLIPSE
        else:
            coverage, label = rectangle(self._rect, size), RECTANGLE
        if not coverage.tiles:
            return NO_PIXELS
        return apply_area(self._document, self._settings, coverage, self._combine, label)

    def cancel(self) -> Rect:
        self.busy = False
        return NO_PIXELS
