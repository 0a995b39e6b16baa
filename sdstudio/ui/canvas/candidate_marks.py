"""Marks over candidates: the line between before and after, words in pills, and pixels that must not have changed."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QRegion

from sdstudio.app.candidate_prepare import CandidatePart
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.regions import to_qrect
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.canvas_paint import paint_pill

KNOB = 10.0
"""Logical pixels: the radius of the line's handle."""
ARROW = 3.0
PILL_AIR = 8.0
PILL_HEIGHT = 20.0
MARK_CELL = 8
"""Document pixels a side of what is marked: a single pixel could not be seen."""
MARKS_MOST = 4096

Colours = tuple[QColor, QColor]


def line_region(view: ViewMap, seen: Rect, ratio: float) -> QRegion:
    """Device pixels in which the line can be, its handle and its words included."""
    frame = view.device_rect(seen)
    return QRegion(to_qrect(frame.grown(round(80 * ratio)).intersected(view.bounds)))


def corner_region(view: ViewMap, ratio: float) -> QRegion:
    """Device pixels at the picture's corner in which there can be words."""
    place = view.picture.intersected(view.bounds)
    return QRegion(to_qrect(Rect(place.x, place.y, round(480 * ratio), round(64 * ratio)).intersected(view.bounds)))


def paint_line(painter: QPainter, view: ViewMap, seen: Rect, at: float, ratio: float) -> None:
    """White between black, as the frame is, with a handle in the middle of what is seen of it. In device pixels."""
    frame = view.device_rect(seen)
    x, wide = round(at), max(1, round(ratio))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(x - wide, frame.y, wide, frame.height, QColor(0, 0, 0))
    painter.fillRect(x, frame.y, wide, frame.height, QColor(255, 255, 255))
    painter.fillRect(x + wide, frame.y, wide, frame.height, QColor(0, 0, 0))
    middle = QPointF(x + wide / 2, frame.y + frame.height / 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0), ratio))
    painter.setBrush(QColor(255, 255, 255))
    painter.drawEllipse(middle, KNOB * ratio, KNOB * ratio)
    painter.setPen(QPen(QColor(0, 0, 0), 1.5 * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for way in (-1, 1):
        tip = middle + QPointF(way * 2 * ARROW * ratio, 0)
        back = QPointF(-way * ARROW * ratio, 0)
        for up in (-1, 1):
            painter.drawLine(tip, tip + back + QPointF(0, up * ARROW * ratio))


def paint_stray(
    painter: QPainter, view: ViewMap, rect: Rect, part: CandidatePart, colour: QColor, ratio: float
) -> None:
    """Squares around pixels that changed and must not have."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for row, column in marked_cells(part):
        x, y = view.to_device(rect.x + column * MARK_CELL, rect.y + row * MARK_CELL)
        side = MARK_CELL * view.zoom
        box = QRectF(round(x), round(y), max(3.0, round(side)), max(3.0, round(side)))
        painter.setPen(QPen(QColor(255, 255, 255), 3 * ratio))
        painter.drawRect(box)
        painter.setPen(QPen(colour, ratio))
        painter.drawRect(box)


def marked_cells(part: CandidatePart) -> list[tuple[int, int]]:
    """Rows and columns of squares of MARK_CELL pixels, counted from `shown_at`'s corner; at most MARKS_MOST."""
    if part.stray is None:
        return []
    height, width = part.stray.shape
    cells = part.stray.reshape(height // MARK_CELL, MARK_CELL, width // MARK_CELL, MARK_CELL).any(axis=(1, 3))
    return [(int(row), int(column)) for row, column in np.argwhere(cells)[:MARKS_MOST]]


def pill_at(
    painter: QPainter, corner: QPointF, words: str, font: QFont, colours: Colours, *, left: bool = False
) -> QRectF:
    """Inside of a corner: to its right, or to its left; in logical pixels."""
    wide = QFontMetricsF(font).horizontalAdvance(words) + 13
    x = corner.x() - PILL_AIR - wide if left else corner.x() + PILL_AIR
    return paint_pill(painter, QPointF(x, corner.y() + PILL_AIR + PILL_HEIGHT), words, font, colours)
