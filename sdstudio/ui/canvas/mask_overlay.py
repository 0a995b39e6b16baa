"""The mask over the picture: tint, hatch and dashed edge at the screen's own pixels, each part painted only once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPainter, QRegion

from sdstudio.domain.canvas_state import TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.mask_edge import Bytes, draft_codes, edge_codes, edge_colours, reach
from sdstudio.ui.canvas.mask_look import BLACK_LINE, WHITE_LINE, MaskLook, tint_colours
from sdstudio.ui.canvas.regions import STRIP, ViewBuffer, rects_of, shift, to_qrect, to_rect
from sdstudio.ui.canvas.tile_images import Words, gather
from sdstudio.ui.canvas.view_map import ViewMap

HATCH = 8 * math.sqrt(2)
"""Logical pixels of the screen from line to line along a row: 8 from line to line, which lie at 45°."""
BLOCK = 32
"""The edge is painted and moved in squares of so many device pixels."""
HALF = 128
DRAFT_FROM = 100_000
"""Pixels. While the wheel turns larger parts get a plain edge: a good one costs some 12 ns a pixel."""
MaskTile = Callable[[int, TileKey], Pixels | None]


class MaskOverlay(ViewBuffer):
    """Two planes of the view's size: the tint with its hatch, and codes of the edge that a table of 256 colours turns
    into dashes; to move the dashes only that table changes."""

    def __init__(self) -> None:
        super().__init__()
        self._tile: MaskTile | None = None
        self._bounds = Rect(0, 0, 0, 0)
        self._look = MaskLook()
        self._ratio = 1.0
        self._tint = QImage()
        self._words: Words = np.zeros((0, 0), np.uint32)
        self._codes: Bytes = np.zeros((0, 0), np.uint8)
        self._blocks: npt.NDArray[np.bool_] = np.zeros((0, 0), bool)
        self._tint_table = tint_colours(self._look)
        self._edge_table = edge_colours(1.0)
        self._moved = 0
        self._scratches: Bytes = np.empty((3, 0), np.uint8)
        self._hasty = False
        self._rough = QRegion()
        self._clear = QRegion()

    @property
    def rough(self) -> bool:
        """Whether a part of the edge waits to be painted well."""
        return not self._rough.isEmpty()

    def hasten(self) -> None:
        """What is painted next is gone at once, or painted anew when the wheel rests: large parts get a plain edge."""
        self._hasty = True

    def prepare(self, region: QRegion) -> None:
        super().prepare(region)
        self._hasty = False

    def sharpen(self, seconds: float) -> Rect:
        """Paints rough parts well for about so long. Returns the device pixels that became different."""
        until = time.perf_counter() + seconds
        done = NO_PIXELS
        self._rough = self._rough.intersected(self._valid)
        while not self._rough.isEmpty():
            box = to_rect(rects_of(self._rough)[0])
            strip = Rect(box.x, box.y, box.width, min(STRIP, box.height))
            self._rough = self._rough.subtracted(QRegion(to_qrect(strip)))
            self._render(strip)
            done = done.united(strip)
            if time.perf_counter() >= until:
                break
        return done

    def set_tiles(self, tile: MaskTile | None) -> None:
        self._tile = tile
        self.invalidate()

    def set_bounds(self, bounds: Rect) -> None:
        """Where the mask may be above 0, in document pixels; nothing needs to be looked at elsewhere."""
        self._bounds = bounds

    def set_look(self, look: MaskLook, ratio: float) -> None:
        if (look, ratio) != (self._look, self._ratio):
            self._look, self._ratio = look, ratio
            self._tint_table = tint_colours(look)
            self._edge_table = edge_colours(ratio, self._moved)
            self.invalidate()

    def move_dashes(self, pixels: int) -> QRegion:
        """Moves the dashes on by logical pixels. Returns the device pixels to paint."""
        self._moved = (self._moved + pixels) % 10
        self._edge_table = edge_colours(self._ratio, self._moved)
        return self.edge_region()

    def edge_region(self) -> QRegion:
        """The squares with a part of the edge, neighbours in a row joined."""
        region = QRegion()
        for row, first, last in self._runs(Rect(0, 0, self._codes.shape[1], self._codes.shape[0])):
            region = region.united(to_qrect(Rect(first * BLOCK, row * BLOCK, (last - first) * BLOCK, BLOCK)))
        return region

    def paint(self, painter: QPainter, region: QRegion) -> None:
        """`painter` draws in device pixels, and is clipped to the region."""
        if self._map is None:
            return
        part = region.intersected(to_qrect(self._shown_rect(self._map)))
        if part.isEmpty():
            return
        if not self._look.edge_alone:
            for rect in rects_of(part):
                painter.drawImage(rect.topLeft(), self._tint, rect)
        # In one go, however many parts there are: what need not be painted is clipped.
        self._paint_edge(painter, to_rect(part.boundingRect()))

    def _shown_rect(self, view: ViewMap) -> Rect:
        """Where there may be something to see."""
        if self._look.mode == "greys":
            return view.picture.grown(reach(self._ratio)).intersected(view.bounds)
        return view.device_rect(self._bounds, 1 << view.mask_level, reach(self._ratio))

    def _paint_edge(self, painter: QPainter, rect: Rect) -> None:
        height, width = self._codes.shape
        image = QImage(self._codes.data, width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(self._edge_table)
        for row, first, last in self._runs(rect):
            # Plain numbers: there are dozens of runs, and the values made for one took as long as its pixels.
            x, y = max(first * BLOCK, rect.x), max(row * BLOCK, rect.y)
            right, bottom = min(last * BLOCK, rect.right), min((row + 1) * BLOCK, rect.bottom)
            painter.drawImage(x, y, image, x, y, right - x, bottom - y)

    def _runs(self, rect: Rect) -> list[tuple[int, int, int]]:
        """Rows of neighbouring squares with an edge: (row, first column, column behind the last)."""
        top, left = rect.y // BLOCK, rect.x // BLOCK
        part = self._blocks[top : -(-rect.bottom // BLOCK), left : -(-rect.right // BLOCK)]
        if not part.any():
            return []
        padded = np.zeros((part.shape[0], part.shape[1] + 2), np.int8)
        padded[:, 1:-1] = part
        steps = np.diff(padded, axis=1)
        rows, starts = np.nonzero(steps == 1)
        ends = np.nonzero(steps == -1)[1]
        return [
            (int(row) + top, int(start) + left, int(end) + left)
            for row, start, end in zip(rows, starts, ends, strict=True)
        ]

    def _make(self, width: int, height: int) -> None:
        self._tint = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        self._words = np.frombuffer(self._tint.bits(), np.uint32).reshape(height, width)
        blocks = -(-height // BLOCK), -(-width // BLOCK)
        self._codes = np.zeros((blocks[0] * BLOCK, blocks[1] * BLOCK), np.uint8)
        self._blocks = np.zeros(blocks, bool)
        self._rough = self._clear = QRegion()

    def _move(self, dx: int, dy: int) -> None:
        shift(self._words, dx, dy)
        shift(self._codes, dx, dy)
        self._blocks = occupied(self._codes)
        self._rough = self._rough.translated(dx, dy)
        self._clear = self._clear.translated(dx, dy).intersected(self._tint.rect())

    def _render(self, rect: Rect) -> None:
        view = self._map
        if view is None:
            return
        self._rough = self._rough.subtracted(QRegion(to_qrect(rect)))
        shown = rect.intersected(self._shown_rect(view))
        if shown != rect:
            self._empty(QRegion(to_qrect(rect)).subtracted(QRegion(to_qrect(shown))))
        self._clear = self._clear.subtracted(QRegion(to_qrect(shown)))
        if self._hasty and shown.pixels > DRAFT_FROM:
            self._rough = self._rough.united(to_qrect(shown))
        if not shown.empty and self._tile is not None:
            values = self._values(view, shown.grown(reach(self._ratio)))
            self._render_tint(view, shown, values)
            self._render_edge(view, shown, values)

    def _empty(self, region: QRegion) -> None:
        """No mask there: both planes become 0, where they are not already."""
        for other in rects_of(region.subtracted(self._clear)):
            self._words[to_rect(other).slices] = 0
            self._set_codes(to_rect(other), None)
        self._clear = self._clear.united(region)

    def _values(self, view: ViewMap, rect: Rect) -> Bytes:
        """The mask under each device pixel; 0 beyond the picture."""
        values = self._scratch(0, rect)
        if not view.picture.contains(rect):
            values.fill(0)
        inner, tile, level = rect.intersected(view.picture), self._tile, view.mask_level
        if not inner.empty and tile is not None:
            rows, columns = view.rows(inner.y, inner.bottom, level), view.columns(inner.x, inner.right, level)
            part = values[inner.moved(-rect.x, -rect.y).slices]
            gather(lambda key: tile(level, key), rows, columns, part)
        return values

    def _scratch(self, number: int, rect: Rect) -> Bytes:
        """Memory that is used again: the first use of fresh memory would cost more than what is done in it."""
        needed = rect.width * rect.height
        if self._scratches.shape[1] < needed:
            self._scratches = np.empty((3, needed), np.uint8)
        plane: Bytes = self._scratches[number, :needed].reshape(rect.height, rect.width)
        return plane

    def _render_tint(self, view: ViewMap, rect: Rect, values: Bytes) -> None:
        if self._look.edge_alone:
            return
        air = reach(self._ratio)
        inner = values[air:-air, air:-air]
        steps, some = self._scratch(1, rect), self._scratch(2, rect)
        np.right_shift(inner, 2, out=steps)
        np.not_equal(inner, 0, out=some.view(bool))
        steps |= some
        if self._look.mode == "greys":
            picture = rect.intersected(view.picture)
            self._words[rect.slices] = 0
            part = picture.moved(-rect.x, -rect.y)
            steps, rect = steps[part.slices], picture
        else:
            steps += hatch(rect.moved(-view.x, -view.y), self._ratio)
        if rect.empty:
            return
        steps = np.ascontiguousarray(steps)
        image = QImage(steps.data, rect.width, rect.height, rect.width, QImage.Format.Format_Indexed8)
        image.setColorTable(self._tint_table)
        image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        self._words[rect.slices] = np.frombuffer(image.constBits(), np.uint32).reshape(rect.height, rect.width)

    def _render_edge(self, view: ViewMap, rect: Rect, values: Bytes) -> None:
        # With the edge alone it goes round everything that may change, faint parts too: nothing else would show them.
        least = 1 if self._look.edge_alone else HALF
        inside = (values >= least).view(np.uint8)
        draw = draft_codes if self._hasty and rect.pixels > DRAFT_FROM else edge_codes
        self._set_codes(rect, draw(inside, self._ratio, rect.x - view.x, rect.y - view.y))

    def _set_codes(self, rect: Rect, codes: Bytes | None) -> None:
        self._codes[rect.slices] = 0 if codes is None else codes
        top, left = rect.y // BLOCK, rect.x // BLOCK
        bottom, right = -(-rect.bottom // BLOCK), -(-rect.right // BLOCK)
        part = self._codes[top * BLOCK : bottom * BLOCK, left * BLOCK : right * BLOCK]
        self._blocks[top:bottom, left:right] = occupied(part)


def occupied(codes: Bytes) -> npt.NDArray[np.bool_]:
    """Which squares hold anything but 0; both sides are multiples of BLOCK. Eight pixels at a time."""
    height, width = codes.shape
    words = codes.view(np.uint64).reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK // 8)
    found: npt.NDArray[np.bool_] = np.bitwise_or.reduce(np.bitwise_or.reduce(words, axis=1), axis=2) != 0
    return found


def hatch(rect: Rect, ratio: float) -> Bytes:
    """WHITE_LINE on the white lines, BLACK_LINE on the black ones beside them, 0 elsewhere; `rect` in device pixels
    from the picture's corner, so that the hatch stays on the picture when it is moved."""
    period, thick = round(HATCH * ratio), max(1, int(ratio * math.sqrt(2)))
    line: Bytes = np.zeros(period, np.uint8)
    line[:thick], line[thick : 2 * thick] = WHITE_LINE, BLACK_LINE
    along = np.tile(line, -(-(rect.width + rect.height) // period) + 1)
    first = (rect.x + rect.y) % period
    row = along[first : first + rect.width + rect.height]
    lines: Bytes = np.lib.stride_tricks.sliding_window_view(row, rect.width)[: rect.height]
    return lines
