"""The brush's outline under the pointer, at its true size: visible on any picture, cheap to move."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

RING_FROM = 6.0
"""Logical pixels; below, only the cross is drawn."""
WHITE_WIDTH, BLACK_WIDTH = 1.25, 3.25
CROSS = 6.0
_KEPT_MOST = 1200
"""Device pixels. A larger ring is drawn directly: its picture would take too much memory."""
_AIR = 3


@dataclass(frozen=True, slots=True)
class Ring:
    """`diameter` in device pixels; `dashed` for the eraser."""

    diameter: float
    hardness: float
    dashed: bool
    ratio: float


class BrushRing:
    """Paints a Ring in device pixels and keeps the picture of the last one.

    `plain`: the outer circle alone and nothing kept, for a ring whose size changes from one frame to the next; the
    dotted circle takes as long as the picture does."""

    def __init__(self) -> None:
        self.plain = False
        self._ring = Ring(0.0, 1.0, False, 1.0)
        self._kept: QImage | None = None

    @property
    def ring(self) -> Ring:
        return self._ring

    def set_ring(self, ring: Ring) -> None:
        if ring != self._ring:
            self._ring, self._kept = ring, None

    def place(self, x: float, y: float) -> QRect:
        """All device pixels that the ring touches when its middle is at (x, y)."""
        side = self._side()
        return QRect(math.floor(x - side / 2 + 0.5), math.floor(y - side / 2 + 0.5), side, side)

    def paint(self, painter: QPainter, x: float, y: float) -> None:
        place = self.place(x, y)
        if self.plain or self._side() > _KEPT_MOST:
            painter.save()
            painter.translate(place.topLeft())
            self._draw(painter)
            painter.restore()
            return
        if self._kept is None:
            self._kept = QImage(place.size(), QImage.Format.Format_ARGB32_Premultiplied)
            self._kept.fill(0)
            with QPainter(self._kept) as drawer:
                self._draw(drawer)
        painter.drawImage(place.topLeft(), self._kept)

    def _side(self) -> int:
        shown = max(self._ring.diameter, (CROSS + 2) * self._ring.ratio)
        return math.ceil(shown + (BLACK_WIDTH + 2 * _AIR) * self._ring.ratio)

    def _draw(self, painter: QPainter) -> None:
        ring, middle = self._ring, QPointF(self._side() / 2, self._side() / 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if ring.diameter >= RING_FROM * ring.ratio:
            radius = ring.diameter / 2
            self._circle(painter, middle, radius)
            if not self.plain and ring.hardness < 1 and radius * ring.hardness >= RING_FROM * ring.ratio:
                self._dotted(painter, middle, radius * ring.hardness)
        self._cross(painter, middle)

    def _circle(self, painter: QPainter, middle: QPointF, radius: float) -> None:
        ratio = self._ring.ratio
        painter.setPen(QPen(QColor(0, 0, 0), BLACK_WIDTH * ratio))
        painter.drawEllipse(middle, radius, radius)
        pen = QPen(QColor(255, 255, 255), WHITE_WIDTH * ratio)
        if self._ring.dashed:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern(_whole_dashes(2 * math.pi * radius / (WHITE_WIDTH * ratio), 5 / WHITE_WIDTH))
        painter.setPen(pen)
        painter.drawEllipse(middle, radius, radius)

    def _dotted(self, painter: QPainter, middle: QPointF, radius: float) -> None:
        ratio = self._ring.ratio
        pen = QPen(QColor(0, 0, 0, 150), 2 * ratio)
        painter.setPen(pen)
        painter.drawEllipse(middle, radius, radius)
        pen = QPen(QColor(255, 255, 255, 230), ratio)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(_whole_dashes(2 * math.pi * radius / ratio, 2.0))
        painter.setPen(pen)
        painter.drawEllipse(middle, radius, radius)

    def _cross(self, painter: QPainter, middle: QPointF) -> None:
        ratio, arm = self._ring.ratio, CROSS / 2 * self._ring.ratio
        for colour, width, more in ((QColor(0, 0, 0), BLACK_WIDTH, ratio), (QColor(255, 255, 255), WHITE_WIDTH, 0.0)):
            pen = QPen(colour, width * ratio)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            reach = arm + more
            painter.drawLine(middle - QPointF(reach, 0), middle + QPointF(reach, 0))
            painter.drawLine(middle - QPointF(0, reach), middle + QPointF(0, reach))


def _whole_dashes(around: float, dash: float) -> list[float]:
    """Dash and gap, in pen widths, a whole number of which goes round."""
    pairs = max(2, round(around / (2 * dash)))
    return [around / (2 * pairs)] * 2
