"""Which pixel of the document lies under which pixel of the screen, exactly as it is painted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdstudio.domain.canvas_state import TILE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.viewport import NEAREST_FROM, Viewport

Indices = npt.NDArray[np.intp]
_EXACT = 1e-9
_MASK_SHRUNK_MOST = 0.75
"""A mask's level is shown at 75 to 150 % of its size: much smaller, and single masked pixels could fall out."""


@dataclass(frozen=True, slots=True)
class ViewMap:
    """The view is `width` x `height` device pixels; the document's corner lies at device pixel (`x`, `y`).

    A device pixel shows the document at its centre: (device + 0.5 - origin) / zoom. Rectangles of the view may lie
    outside of it, those of the document not.
    """

    width: int
    height: int
    x: int
    y: int
    zoom: float
    document: Size

    @classmethod
    def of(cls, view: Viewport) -> ViewMap:
        x, y = view.origin()
        document = Size(view.picture_width, view.picture_height)
        return cls(math.ceil(view.width) + 1, math.ceil(view.height) + 1, x, y, view.zoom, document)

    @property
    def bounds(self) -> Rect:
        return Rect(0, 0, self.width, self.height)

    @property
    def picture(self) -> Rect:
        """The document's place in the view, in device pixels; not clipped."""
        width, height = (max(1, round(side * self.zoom)) for side in (self.document.width, self.document.height))
        return Rect(self.x, self.y, width, height)

    @property
    def nearest(self) -> bool:
        return self.zoom >= NEAREST_FROM

    @property
    def level(self) -> int:
        """The smallest level of the pyramid that still has a pixel for each one on the screen."""
        return min(max(0, math.floor(-math.log2(self.zoom) + _EXACT)), self._top_level)

    @property
    def _top_level(self) -> int:
        """The one that holds the whole document in one tile."""
        return max(0, math.ceil(math.log2(max(self.document.width, self.document.height) / TILE)))

    @property
    def mask_level(self) -> int:
        level = self.level
        return min(level + 1, self._top_level) if level_scale(self.zoom, level) < _MASK_SHRUNK_MOST else level

    def exact(self, level: int) -> bool:
        """One pixel of the level on one of the screen."""
        return abs(level_scale(self.zoom, level) - 1.0) < _EXACT

    def to_document(self, x: float, y: float) -> tuple[float, float]:
        """From device pixels of the view."""
        return (x - self.x) / self.zoom, (y - self.y) / self.zoom

    def to_device(self, x: float, y: float) -> tuple[float, float]:
        """From document pixels."""
        return x * self.zoom + self.x, y * self.zoom + self.y

    def device_rect(self, rect: Rect, document_margin: float = 0.0, margin: int = 0) -> Rect:
        """All device pixels of the view that show something of `rect`, grown by margins in both kinds of pixels."""
        if rect.empty:
            return Rect(0, 0, 0, 0)
        left, top = self.to_device(rect.x - document_margin, rect.y - document_margin)
        right, bottom = self.to_device(rect.right + document_margin, rect.bottom + document_margin)
        shown = Rect.between(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
        return shown.grown(margin).intersected(self.bounds)

    def columns(self, left: int, right: int, level: int) -> Indices:
        """For device columns, the level's column that each one shows; inside the picture only."""
        return _shown(
            left - self.x, right - self.x, level_scale(self.zoom, level), level_side(self.document.width, level)
        )

    def rows(self, top: int, bottom: int, level: int) -> Indices:
        return _shown(
            top - self.y, bottom - self.y, level_scale(self.zoom, level), level_side(self.document.height, level)
        )


def level_scale(zoom: float, level: int) -> float:
    """Screen pixels to a pixel of the level."""
    return zoom * (1 << level)


def level_side(side: int, level: int) -> int:
    """How many pixels of the level a side of the document has; the last one may reach beyond the edge."""
    return max(1, -(-side // (1 << level)))


def _shown(start: int, stop: int, scale: float, side: int) -> Indices:
    places: Indices = np.floor((np.arange(start, stop) + 0.5) / scale).astype(np.intp)
    np.maximum(places, 0, out=places)  # np.clip takes as long as all of this
    return np.minimum(places, side - 1, out=places)
