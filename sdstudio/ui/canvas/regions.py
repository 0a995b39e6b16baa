"""Which parts of a picture of the view hold, and how it follows when the view moves: the base of what is painted."""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy.typing as npt
from PySide6.QtCore import QRect
from PySide6.QtGui import QRegion

from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.view_map import ViewMap

SMOOTH_AT_ONCE = 200_000
"""Pixels. Smooth scaling costs some 10 ns a pixel; more than this is painted plainly first and smoothly right after."""
STRIP = 64
"""Rows that are made smooth in one go: well under a millisecond for a window 1100 px wide."""
CALL_PIXELS = 60_000
"""Painting a part costs as much as so many pixels, however small it is."""


def to_rect(rect: QRect) -> Rect:
    return Rect(rect.x(), rect.y(), rect.width(), rect.height())


def to_qrect(rect: Rect) -> QRect:
    return QRect(rect.x, rect.y, rect.width, rect.height)


def rects_of(region: QRegion) -> list[QRect]:
    """PySide can iterate over a region, but its annotations do not say so."""
    rects: list[QRect] = list(region)  # type: ignore[call-overload]
    return rects


def merged(rects: Iterable[Rect], waste: int = CALL_PIXELS) -> list[Rect]:
    """Fewer rectangles that hold the same pixels: two become one where that adds no more than `waste`."""
    result: list[Rect] = []
    for rect in rects:
        while not rect.empty:
            for place, other in enumerate(result):
                both = rect.united(other)
                if both.pixels <= rect.pixels + other.pixels + waste:
                    rect = both
                    del result[place]
                    break
            else:
                result.append(rect)
                break
    return result


def shift(plane: npt.NDArray[Any], dx: int, dy: int) -> None:
    """Moves the pixels of a contiguous plane; what comes in at its edges is anything. As one piece of memory, by the
    system: where both places overlap numpy copies twice."""
    by = (dy * plane.shape[1] + dx) * plane.itemsize
    start, size = plane.ctypes.data, plane.nbytes - abs(by)
    if size > 0:
        ctypes.memmove(start + max(by, 0), start + max(-by, 0), size)


class ViewBuffer(ABC):
    """Something painted once, at the screen's own pixels, and kept: only what changed is painted again.

    When the view moves, what is still in sight is moved along; at another zoom everything is painted anew.
    """

    def __init__(self) -> None:
        self._map: ViewMap | None = None
        self._valid = QRegion()

    @property
    def map(self) -> ViewMap | None:
        return self._map

    @property
    def holds(self) -> bool:
        """Whether all of it does."""
        return self._map is None or QRegion(to_qrect(self._map.bounds)).subtracted(self._valid).isEmpty()

    def look(self, view: ViewMap | None) -> None:
        """What is to be shown from now on; None = nothing."""
        old, self._map = self._map, view
        if view is None or old == view:
            self._valid = self._valid if view is not None else QRegion()
            return
        same_size = old is not None and (old.width, old.height) == (view.width, view.height)
        if not same_size:
            self._make(view.width, view.height)
        if not same_size or old is None or (old.zoom, old.document) != (view.zoom, view.document):
            self._valid = QRegion()
            return
        self._scroll(view.x - old.x, view.y - old.y)

    def invalidate(self, rect: Rect | None = None) -> None:
        """Device pixels that no longer hold; all of them without `rect`."""
        self._valid = QRegion() if rect is None else self._valid.subtracted(QRegion(to_qrect(rect)))

    def prepare(self, region: QRegion) -> None:
        """Makes sure that everything in `region` (device pixels) holds."""
        if self._map is None:
            return
        missing = region.intersected(to_qrect(self._map.bounds)).subtracted(self._valid)
        if missing.isEmpty():
            return
        self._valid = self._valid.united(missing)
        for rect in merged(to_rect(rect) for rect in rects_of(missing)):
            self._render(rect)

    def _scroll(self, dx: int, dy: int) -> None:
        if self._map is None:
            return
        kept = self._map.bounds.intersected(self._map.bounds.moved(dx, dy))
        if kept.empty:
            self._valid = QRegion()
            return
        self._move(dx, dy)
        self._valid = self._valid.translated(dx, dy).intersected(to_qrect(kept))

    @abstractmethod
    def _make(self, width: int, height: int) -> None:
        """Memory for a view of this size; nothing in it needs to hold."""

    @abstractmethod
    def _move(self, dx: int, dy: int) -> None:
        """Moves all pixels; what comes in at the edges need not hold."""

    @abstractmethod
    def _render(self, rect: Rect) -> None:
        """Paints these device pixels anew."""
