"""The editor's own cursors: white with a black edge, so that they show on any picture."""

from __future__ import annotations

import re

from PySide6.QtCore import QByteArray, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QPainter, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer

from sdstudio.storage.resources import resource_path

SIDE = 32
_CROSS = QPointF(11.5, 11.5)
_ARMS = ((3.0, 9.0),)
_MARKS = {
    "lasso": "lasso",
    "polygon": "polygon",
    "rectangle": "rect",
    "ellipse": "ellipse",
    "fill": "fill",
    "wand": "wand",
    "picker": "picker",
}
_MARK_SIDE = 14.0
_STROKE = re.compile(r'stroke-width="[\d.]+"')


def tool_cursor(tool: str, ratio: float) -> QCursor:
    """A cross with the tool's mark at its foot; the hot spot is the middle of the cross."""
    pixmap = _empty(ratio)
    with QPainter(pixmap) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_cross(painter)
        _draw_mark(painter, _MARKS.get(tool, ""), QRectF(17, 17, _MARK_SIDE, _MARK_SIDE))
    return QCursor(pixmap, int(_CROSS.x()), int(_CROSS.y()))


def zoom_cursor(ratio: float) -> QCursor:
    """A magnifier of 24 px; the hot spot is the middle of its glass."""
    pixmap = _empty(ratio)
    with QPainter(pixmap) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_mark(painter, "zoom", QRectF(2, 2, 24, 24))
    return QCursor(pixmap, 12, 12)


def _empty(ratio: float) -> QPixmap:
    pixmap = QPixmap(round(SIDE * ratio), round(SIDE * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


def _draw_cross(painter: QPainter) -> None:
    x, y = _CROSS.x(), _CROSS.y()
    for colour, width, more in ((QColor(0, 0, 0), 3.0, 1.0), (QColor(255, 255, 255), 1.0, 0.0)):
        pen = QPen(colour, width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        for near, far in _ARMS:
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                start, end = near - more, far + more
                painter.drawLine(QLineF(x + dx * start, y + dy * start, x + dx * end, y + dy * end))
    painter.fillRect(QRectF(x - 0.5, y - 0.5, 1, 1), QColor(255, 255, 255))


def _draw_mark(painter: QPainter, name: str, place: QRectF) -> None:
    if not name:
        return
    text = resource_path(f"icons/{name}.svg").read_text(encoding="utf-8")
    for colour, width in (("#000000", 4.5), ("#FFFFFF", 1.75)):
        svg = _STROKE.sub(f'stroke-width="{width}"', text.replace("currentColor", colour))
        QSvgRenderer(QByteArray(svg.encode())).render(painter, place)
