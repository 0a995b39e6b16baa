"""Where the picture lies in the view: zoom and pan as one frozen value, without Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

ZOOM_MIN = 0.01
ZOOM_MAX = 64.0
ZOOM_STEPS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.33, 0.5, 0.67, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0,
              4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)  # fmt: skip
NEAREST_FROM = 3.0
_NEAR = 1.001
"""Two zooms closer than this factor count as the same step."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Air that a fitted picture leaves, in device pixels."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """All in device pixels, so that 100 % means one picture pixel on one screen pixel at every display scale.

    `x`, `y` is the picture's point that lies in the middle of the area inside the margins.
    """

    width: float
    height: float
    picture_width: int
    picture_height: int
    margins: Margins = Margins()
    fit: bool = True
    fit_most: float = 6.0
    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def fitted(self) -> Viewport:
        """The whole picture with its air; enlarged at most `fit_most` times."""
        room_x, room_y = self._room()
        zoom = min(room_x / self.picture_width, room_y / self.picture_height, self.fit_most)
        return replace(self, fit=True, zoom=_clamp(zoom), x=self.picture_width / 2, y=self.picture_height / 2)

    def resized(self, width: float, height: float, margins: Margins, fit_most: float) -> Viewport:
        changed = replace(self, width=width, height=height, margins=margins, fit_most=fit_most)
        return changed.fitted() if self.fit else changed

    def with_picture(self, width: int, height: int) -> Viewport:
        """Another picture: fitted when the last one was; else the same part of it at the same size on screen."""
        changed = replace(self, picture_width=width, picture_height=height)
        if self.fit:
            return changed.fitted()
        factor = width / self.picture_width
        return replace(
            changed, zoom=_clamp(self.zoom / factor), x=self.x * factor, y=self.y * height / self.picture_height
        )

    def with_size(self, width: int, height: int) -> Viewport:
        """The same picture with other edges: fitted when it was; else as large as before, in sight in any case."""
        changed = replace(self, picture_width=width, picture_height=height)
        return changed.fitted() if self.fit else changed._kept_in_sight()

    def zoomed(self, zoom: float, at_x: float | None = None, at_y: float | None = None) -> Viewport:
        """The point of the picture under (at_x, at_y) stays where it is; without them, the middle does."""
        middle_x, middle_y = self._middle()
        view_x = middle_x if at_x is None else at_x
        view_y = middle_y if at_y is None else at_y
        point_x, point_y = self.to_picture(view_x, view_y)
        zoom = _clamp(zoom)
        moved = replace(
            self, fit=False, zoom=zoom, x=point_x - (view_x - middle_x) / zoom, y=point_y - (view_y - middle_y) / zoom
        )
        return moved._kept_in_sight()

    def panned(self, dx: float, dy: float) -> Viewport:
        """The picture follows the hand by (dx, dy); a part of it always stays in sight."""
        return replace(self, fit=False, x=self.x - dx / self.zoom, y=self.y - dy / self.zoom)._kept_in_sight()

    def including(self, left: float, top: float, right: float, bottom: float) -> Viewport:
        """So far away that this rectangle, in the picture's pixels, is seen whole; unchanged where it is already."""
        shown_left, shown_top = self.to_picture(self.margins.left, self.margins.top)
        room_x, room_y = self._room()
        shown_right, shown_bottom = self.to_picture(self.margins.left + room_x, self.margins.top + room_y)
        if left >= shown_left and top >= shown_top and right <= shown_right and bottom <= shown_bottom:
            return self
        x = min(max((left + right) / 2, 0.0), float(self.picture_width))
        y = min(max((top + bottom) / 2, 0.0), float(self.picture_height))
        reach_x, reach_y = max(right - x, x - left), max(bottom - y, y - top)
        zoom = min(self.zoom, room_x / (2 * reach_x), room_y / (2 * reach_y))
        return replace(self, fit=False, zoom=_clamp(zoom), x=x, y=y)

    def origin(self) -> tuple[int, int]:
        """The view position of the picture's top left corner, on whole device pixels."""
        middle_x, middle_y = self._middle()
        return math.floor(middle_x - self.x * self.zoom + 0.5), math.floor(middle_y - self.y * self.zoom + 0.5)

    def shown_size(self) -> tuple[int, int]:
        """Width and height of the picture in the view, at least one device pixel."""
        return max(1, round(self.picture_width * self.zoom)), max(1, round(self.picture_height * self.zoom))

    def to_picture(self, view_x: float, view_y: float) -> tuple[float, float]:
        """From the view to the picture. The pixel under the pointer is the floor of both."""
        middle_x, middle_y = self._middle()
        return self.x + (view_x - middle_x) / self.zoom, self.y + (view_y - middle_y) / self.zoom

    def next_zoom(self, direction: int) -> float:
        """The next round step above (1) or below (-1) the present zoom."""
        if direction > 0:
            return next((step for step in ZOOM_STEPS if step > self.zoom * _NEAR), ZOOM_MAX)
        return next((step for step in reversed(ZOOM_STEPS) if step * _NEAR < self.zoom), ZOOM_MIN)

    @property
    def nearest(self) -> bool:
        """From 300 % up one wants to see the pixels, except in a fitted picture: that one is looked at as a whole."""
        return self.zoom >= NEAREST_FROM and not self.fit

    def _room(self) -> tuple[float, float]:
        air = self.margins
        return max(1.0, self.width - air.left - air.right), max(1.0, self.height - air.top - air.bottom)

    def _middle(self) -> tuple[float, float]:
        room_x, room_y = self._room()
        return self.margins.left + room_x / 2, self.margins.top + room_y / 2

    def _kept_in_sight(self) -> Viewport:
        # The middle of the view never leaves the picture, so that it cannot be lost.
        x = min(max(self.x, 0.0), float(self.picture_width))
        y = min(max(self.y, 0.0), float(self.picture_height))
        return replace(self, x=x, y=y)


def _clamp(zoom: float) -> float:
    return min(max(zoom, ZOOM_MIN), ZOOM_MAX)
