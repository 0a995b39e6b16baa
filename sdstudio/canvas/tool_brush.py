"""Brush and eraser, on the mask or the paint layer, with straight lines by Shift."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sdstudio.canvas.brush import Brush, StampCache
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.stroke import Dab, StrokePath
from sdstudio.canvas.tool_base import BRUSH, ERASER, LINE, PAINT_BRUSH, PAINT_ERASER, Point, QuietGesture
from sdstudio.canvas.tool_coverage import StrokeCoverage
from sdstudio.canvas.tool_ink import ink_stroke, make_ink
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.canvas_state import NO_TILES, Tiles
from sdstudio.domain.geometry import NO_PIXELS, Rect

_stamps = StampCache()  # read and filled by the one thread that paints


class BrushGesture(QuietGesture):
    """A stroke. The layer is always made anew from the tiles before it, so dabs never add up beyond the opacity."""

    def __init__(
        self, document: CanvasDocument, settings: ToolSettings, last_point: Point | None = None, *, tip: bool = False
    ) -> None:
        """`tip`: the pen's eraser end is down. `last_point`: where a press with Shift begins its straight line."""
        name = settings.brush_name(eraser_tip=tip)
        self._document = document
        self._target = settings.target
        self._erases = name.endswith("eraser")
        self._brush = Brush(getattr(settings, name))
        self._ink = make_ink(
            settings.target, settings.colour, self._brush.settings.opacity, remove=name.endswith("eraser")
        )
        self._path = StrokePath(self._brush.settings.smoothing, self._brush.step)
        self._coverage = StrokeCoverage(document.size, document.spare)
        self._before: Tiles = NO_TILES
        self.busy = False
        self.last_point = last_point
        self.parts: tuple[Rect, ...] = ()
        """The document pixels that the last call may have changed, tile by tile."""

    def press(self, event: PointerEvent) -> Rect:
        line = event.shift and self.last_point is not None
        self._document.begin(LINE if line else self._label)
        self.busy = True
        self._before = self._document.grid(self._target).freeze()
        if line and self.last_point is not None:
            self._path.add([PointerEvent(*self.last_point, pressure=event.pressure)])
        return self.move([event])

    @property
    def _label(self) -> str:
        if self._target == "paint":
            return PAINT_ERASER if self._erases else PAINT_BRUSH
        return ERASER if self._erases else BRUSH

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        if not self.busy:
            return NO_PIXELS
        self._path.add(events)
        self._coverage.unmark()
        self._draw(self._path.take())
        self._coverage.mark()
        self._draw(self._path.tail())
        return self._ink_dirty()

    def release(self, event: PointerEvent) -> Rect:
        """The event's place counts, its pressure does not: a pen that leaves presses with 0. (What the stroke changed
        before was told then.)"""
        if not self.busy:
            return NO_PIXELS
        end = self._path.end
        moved = [] if end is None or end == event.point else [PointerEvent(*event.point, pressure=self._path.pressure)]
        rect = self.move(moved)
        self.busy = False
        self.last_point = self._path.end
        self._document.commit()
        return rect

    def cancel(self) -> Rect:
        if not self.busy:
            return NO_PIXELS
        self.busy = False
        self.parts = ()
        return self._document.rollback()

    def _draw(self, dabs: Sequence[Dab]) -> None:
        brush, coverage = self._brush, self._coverage
        hardness, flow = brush.settings.hardness, brush.flow
        for x, y, pressure in dabs:
            strength = brush.strength(pressure)
            if strength:
                left, top, pixels = _stamps.dab(x, y, brush.diameter(pressure), hardness, strength)
                coverage.stamp(left, top, pixels, flow)

    def _ink_dirty(self) -> Rect:
        self.parts = tuple(ink_stroke(self._document.grid(self._target), self._before, self._coverage, self._ink))
        return reduce(Rect.united, self.parts, NO_PIXELS)
