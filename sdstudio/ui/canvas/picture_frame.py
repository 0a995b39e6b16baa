"""The visible part of the picture at the screen's own pixels: painted once, then only copied."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.regions import SMOOTH_AT_ONCE, STRIP, ViewBuffer, rects_of, shift, to_qrect, to_rect
from sdstudio.ui.canvas.tile_images import LevelKey, TileImage, TileImages, Words, all_opaque, gather
from sdstudio.ui.canvas.view_map import Indices, ViewMap, level_scale, level_side
from sdstudio.ui.canvas_paint import paint_checks

GRID_FROM = 8.0
"""From 800 % up thin lines part the pixels."""
_PM = QImage.Format.Format_ARGB32_Premultiplied


class PictureFrame(ViewBuffer):
    """Backdrop, checks, picture and pixel grid. `backdrop` and `dark` follow the theme; after changing them,
    `invalidate()`."""

    def __init__(self) -> None:
        super().__init__()
        self.backdrop = QColor("#3E3E3E")
        self.dark = True
        self._tiles: TileImages | None = None
        self._image = QImage()
        self._words: Words = np.zeros((0, 0), np.uint32)
        self._scratch: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._rough = QRegion()
        self._budget = 0

    @property
    def image(self) -> QImage:
        return self._image

    @property
    def rough(self) -> bool:
        """Whether a part waits to be painted smoothly."""
        return not self._rough.isEmpty()

    def set_tiles(self, tiles: TileImages | None) -> None:
        self._tiles = tiles
        self.invalidate()

    def prepare(self, region: QRegion) -> None:
        self._budget = SMOOTH_AT_ONCE
        super().prepare(region)

    def tiles_ready(self, keys: Sequence[LevelKey]) -> Rect:
        """These tiles can now be had: what shows them is painted anew. Returns the device pixels concerned."""
        whole = Rect(0, 0, 0, 0)
        if self._map is not None:
            for level, (column, row) in keys:
                side = TILE << level
                rect = self._map.device_rect(Rect(column * side, row * side, side, side), 2 << level, 1)
                self.invalidate(rect)
                whole = whole.united(rect)
        return whole

    def sharpen(self, seconds: float) -> Rect:
        """Paints rough parts smoothly for about so long. Returns the device pixels that became different."""
        until = time.perf_counter() + seconds
        done = Rect(0, 0, 0, 0)
        self._rough = self._rough.intersected(self._valid)
        while not self._rough.isEmpty():
            box = to_rect(rects_of(self._rough)[0])
            strip = Rect(box.x, box.y, box.width, min(STRIP, box.height))
            self._smooth(strip)
            self._rough = self._rough.subtracted(QRegion(to_qrect(strip)))
            done = done.united(strip)
            if time.perf_counter() >= until:
                break
        return done

    def _make(self, width: int, height: int) -> None:
        self._image = QImage(width, height, QImage.Format.Format_RGB32)
        self._words = np.frombuffer(self._image.bits(), np.uint32).reshape(height, width)
        self._rough = QRegion()

    def _move(self, dx: int, dy: int) -> None:
        shift(self._words, dx, dy)
        self._rough = self._rough.translated(dx, dy)

    def _render(self, rect: Rect) -> None:
        view, tiles = self._map, self._tiles
        if view is None:
            return
        self._rough = self._rough.subtracted(QRegion(to_qrect(rect)))
        shown = rect.intersected(view.picture)
        if shown != rect:
            self._fill_backdrop(rect)
        if shown.empty or tiles is None:
            return
        if view.nearest or view.exact(view.level):
            self._plain(shown)
        elif shown.pixels <= self._budget:
            self._budget -= shown.pixels
            self._smooth(shown)
        else:
            self._draft(shown)
            self._rough = self._rough.united(to_qrect(shown))
        if view.zoom >= GRID_FROM:
            self._grid(view, shown)

    def _fill_backdrop(self, rect: Rect) -> None:
        self._words[rect.slices] = self.backdrop.rgb()

    def _plain(self, rect: Rect) -> None:
        """Each pixel of the screen shows the pixel of the picture under its middle."""
        view = self._map
        if view is None:
            return
        level = view.level
        rows, columns = view.rows(rect.y, rect.bottom, level), view.columns(rect.x, rect.right, level)
        words, opaque = self._gathered(level, rows, columns)
        if opaque:
            self._words[rect.slices] = words
        else:
            with self._painter(rect) as painter:
                painter.drawImage(QPoint(rect.x, rect.y), as_image(words))

    def _draft(self, rect: Rect) -> None:
        """Tile by tile, without smoothness: twice as fast as `_plain`, and exact to a pixel of the screen only."""
        view, tiles = self._map, self._tiles
        if view is None or tiles is None:
            return
        level = view.level
        side = TILE * level_scale(view.zoom, level)
        found: list[tuple[QRectF, TileImage, QRectF]] = []
        opaque = True
        last_row = (level_side(view.document.height, level) - 1) // TILE
        last_column = (level_side(view.document.width, level) - 1) // TILE
        for row in range(int((rect.y - view.y) // side), min(last_row, int((rect.bottom - view.y) // side)) + 1):
            for column in range(
                int((rect.x - view.x) // side), min(last_column, int((rect.right - view.x) // side)) + 1
            ):
                image, up = tiles.nearest(level, (column, row))
                opaque = opaque and image is not None and image.opaque
                if image is not None:
                    left, right = (round(view.x + edge * side) for edge in (column, column + 1))
                    top, bottom = (round(view.y + edge * side) for edge in (row, row + 1))
                    found.append((QRectF(left, top, right - left, bottom - top), image, _share(column, row, up)))
        with self._painter(rect, checks=not opaque) as painter:
            for place, image, part in found:
                painter.drawImage(place, as_image(image.words), part)

    def _smooth(self, rect: Rect) -> None:
        """Between the pixels of the level; one more on each side, so that neighbouring parts fit without a seam."""
        view = self._map
        if view is None:
            return
        level = view.level
        scale = level_scale(view.zoom, level)
        rows = _around(view.rows(rect.y, rect.bottom, level), level_side(view.document.height, level))
        columns = _around(view.columns(rect.x, rect.right, level), level_side(view.document.width, level))
        words, opaque = self._gathered(level, rows, columns)
        with self._painter(rect, checks=not opaque) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.translate(view.x + int(columns[0]) * scale, view.y + int(rows[0]) * scale)
            painter.scale(scale, scale)
            painter.drawImage(QPoint(0, 0), as_image(words))

    def _gathered(self, level: int, rows: Indices, columns: Indices) -> tuple[Words, bool]:
        """Good until the next call: the memory is used again."""
        tiles = self._tiles
        if tiles is None:
            raise RuntimeError("no tiles to paint")
        images: dict[TileKey, TileImage | None] = {}

        def words_of(key: TileKey) -> Words | None:
            images[key] = image = tiles.get(level, key)
            return None if image is None else image.words

        needed = len(rows) * len(columns)
        if len(self._scratch) < needed:
            self._scratch = np.empty(needed, np.uint32)
        words = self._scratch[:needed].reshape(len(rows), len(columns))
        gather(words_of, rows, columns, words)
        opaque = all(image is not None and image.opaque for image in images.values())
        return words, opaque or all_opaque(words)

    def _painter(self, rect: Rect, checks: bool = True) -> QPainter:
        painter = QPainter(self._image)
        painter.setClipRect(to_qrect(rect))
        if checks and self._map is not None:
            place = self._map.picture
            # From a corner of the checks at or above the rectangle: a huge area of brush would cost time.
            x = place.x + (rect.x - place.x) // 16 * 16
            y = place.y + (rect.y - place.y) // 16 * 16
            paint_checks(painter, QRect(x, y, rect.right - x, rect.bottom - y), self.dark)
        return painter

    def _grid(self, view: ViewMap, rect: Rect) -> None:
        """A line on the first screen pixel of each picture pixel, a little darker on light and lighter on dark."""
        part = self._words[rect.slices]
        columns = _first_of_each(view.columns(rect.x - 1, rect.right, 0))
        rows = _first_of_each(view.rows(rect.y - 1, rect.bottom, 0))
        part[:, columns] = _contrasted(part[:, columns])
        part[rows] = _contrasted(part[rows])


def as_image(words: Words) -> QImage:
    """Shares the memory: good while `words` lives."""
    height, width = words.shape
    return QImage(words.data, width, height, 4 * width, _PM)


def _share(column: int, row: int, up: int) -> QRectF:
    """A tile's place in the one `up` levels above, in that one's pixels."""
    side, last = TILE >> up, (1 << up) - 1
    return QRectF((column & last) * side, (row & last) * side, side, side)


def _around(indices: Indices, side: int) -> Indices:
    return np.arange(max(0, int(indices[0]) - 1), min(side, int(indices[-1]) + 2), dtype=np.intp)


def _first_of_each(indices: Indices) -> Indices:
    """Places (after the first, which lies outside) where another pixel begins."""
    return np.flatnonzero(np.diff(indices))


def _contrasted(words: Words) -> Words:
    """A quarter black where green is bright, else a quarter white, on four channels at a time."""
    dimmed = (words >> np.uint32(2) & np.uint32(0x003F3F3F)) * np.uint32(3)
    bright = (words & np.uint32(0x8000)) != 0
    return dimmed + np.where(bright, np.uint32(0xFF000000), np.uint32(0xFF3F3F3F))
