"""Lasso, polygon, rectangle and ellipse: an outline while it is drawn, then an area that is masked or coloured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.shapes import box_between, ellipse, polygon, rectangle
from sdstudio.canvas.tool_base import ELLIPSE, LASSO, POLYGON, RECTANGLE, Outline, Point, QuietGesture
from sdstudio.canvas.tool_coverage import Coverage
from sdstudio.canvas.tool_ink import ink_coverage, make_ink
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.canvas_state import CanvasSnapshot
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


@dataclass(frozen=True, slots=True, eq=False)
class AreaWork:
    """A shape that was drawn: laid at once, or for a large one in another thread. `box`: pixels that are looked at."""

    shape: Callable[[], Coverage]
    box: Rect
    settings: ToolSettings
    combine: str
    label: str

    def run(
        self,
        snapshot: CanvasSnapshot,
        progress: Callable[[float], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Coverage:
        """In any thread."""
        return self.shape()

    def apply(self, document: CanvasDocument, found: Coverage) -> Rect:
        """On the document that it was drawn on, or one that is the same. Returns what has changed."""
        if not found.tiles:
            return NO_PIXELS
        return apply_area(document, self.settings, found, self.combine, self.label)


class AreaGesture(QuietGesture):
    """What has an outline. The document changes at the end only; not at all for a large area, which becomes `work`."""

    def __init__(self, document: CanvasDocument, settings: ToolSettings, at_once: int | None) -> None:
        """`at_once`: pixels of the largest box that is laid at once; None: all are."""
        self._document = document
        self._settings = settings
        self._combine = settings.combine
        self._at_once = at_once
        self.work: AreaWork | None = None

    def _lay(self, shape: Callable[[], Coverage], box: Rect, label: str) -> Rect:
        box = box.intersected(self._document.rect)
        if self._combine == "replace" and self._settings.target == "mask":
            box = box.united(self._document.mask_bounds())
        area = AreaWork(shape, box, self._settings, self._combine, label)
        if self._at_once is not None and box.pixels > self._at_once:
            self.work = area
            return NO_PIXELS
        return area.apply(self._document, shape())

    def _lay_polygon(self, points: Sequence[Point], label: str) -> Rect:
        size, antialias = self._document.size, self._settings.antialias
        columns, rows = [point[0] for point in points], [point[1] for point in points]
        box = Rect.between(
            math.floor(min(columns)), math.floor(min(rows)), math.ceil(max(columns)), math.ceil(max(rows))
        )
        return self._lay(lambda: polygon(points, size, antialias=antialias), box, label)


class LassoGesture(AreaGesture):
    """Drawn free-hand; closed by a straight line."""

    def __init__(self, document: CanvasDocument, settings: ToolSettings, at_once: int | None = None) -> None:
        super().__init__(document, settings, at_once)
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
        return self._lay_polygon(self._points, LASSO)

    def cancel(self) -> Rect:
        self.busy = False
        return NO_PIXELS


class PolygonGesture(AreaGesture):
    """Corner by corner; a press near the first one, or `finish`, closes it; `step_back` takes the last one back."""

    def __init__(
        self, document: CanvasDocument, settings: ToolSettings, grab: float, at_once: int | None = None
    ) -> None:
        """`grab`: document pixels within which a press means the first corner."""
        super().__init__(document, settings, at_once)
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
        return self._lay_polygon(corners, POLYGON) if corners else NO_PIXELS

    def step_back(self) -> Rect:
        if self._corners:
            self._corners.pop()
        return NO_PIXELS

    def cancel(self) -> Rect:
        self._corners.clear()
        self._pointer = None
        return NO_PIXELS


class BoxGesture(AreaGesture):
    """Rectangle and ellipse, over the whole pixels from press to release. A click without a drag makes nothing.

    While dragging Shift makes the sides equal and Alt draws from the centre. A key that at the press meant "add" or
    "subtract" does so only after it was let go once; where it would have changed nothing it means the shape at once.
    """

    def __init__(self, document: CanvasDocument, settings: ToolSettings, at_once: int | None = None) -> None:
        super().__init__(document, settings, at_once)
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
        rect, size, antialias = self._rect, self._document.size, self._settings.antialias
        if self._settings.tool == "ellipse":
            return self._lay(lambda: ellipse(rect, size, antialias=antialias), rect, ELLIPSE)
        return self._lay(lambda: rectangle(rect, size), rect, RECTANGLE)

    def cancel(self) -> Rect:
        self.busy = False
        return NO_PIXELS
