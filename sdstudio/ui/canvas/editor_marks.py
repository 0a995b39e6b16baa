"""What lies above picture and mask: the outline of a shape being made, pills with words, the ring of the focus."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from sdstudio.app.canvas_work import CanvasWork
from sdstudio.canvas.tool_base import Outline
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.canvas_paint import paint_pill
from sdstudio.ui.theme import Theme

PILL_AIR = 8.0
PILL_HEIGHT = 20.0
OUTLINE_AIR = 4
_FIRST_CORNER = 3.0


def outline_place(outline: Outline, view: ViewMap) -> Rect:
    """The device pixels that it touches."""
    points = [view.to_device(*point) for point in outline.points]
    if not points:
        return Rect(0, 0, 0, 0)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    air = 2 * OUTLINE_AIR
    box = Rect.between(int(min(xs)) - air, int(min(ys)) - air, int(max(xs)) + air, int(max(ys)) + air)
    return box.intersected(view.bounds)


def paint_outline(painter: QPainter, outline: Outline, view: ViewMap, ratio: float) -> None:
    """Black with white dashes: one of them shows on any picture. `painter` draws in device pixels."""
    points = [QPointF(*view.to_device(*point)) for point in outline.points]
    if not points:
        return
    path = _path(outline, points)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0), 2.5 * ratio))
    painter.drawPath(path)
    pen = QPen(QColor(255, 255, 255), 1.25 * ratio)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([4.0, 4.0])
    painter.setPen(pen)
    painter.drawPath(path)
    if outline.kind == "line" and len(points) > 1:
        reach = _FIRST_CORNER * ratio
        painter.setPen(QPen(QColor(0, 0, 0), ratio))
        painter.setBrush(QColor(255, 255, 255))
        painter.drawRect(QRectF(points[0].x() - reach, points[0].y() - reach, 2 * reach, 2 * reach))


def _path(outline: Outline, points: list[QPointF]) -> QPainterPath:
    path = QPainterPath()
    if outline.kind in ("rectangle", "ellipse") and len(points) > 1:
        box = QRectF(points[0], points[1]).normalized()
        if outline.kind == "rectangle":
            path.addRect(box)
        else:
            path.addEllipse(box)
        return path
    path.addPolygon(points)
    if outline.kind == "polygon":
        path.closeSubpath()
    return path


def work_words(work: CanvasWork) -> str:
    """What goes on, how far it is, and how to stop it."""
    words = work.label
    if work.fraction is not None:
        words += QCoreApplication.translate("Canvas", " · {percent} %").format(percent=round(100 * work.fraction))
    if work.can_cancel:
        words += QCoreApplication.translate("Canvas", " · Esc stops it")
    return words


class Pills:
    """Short words on the picture, in logical pixels of the view."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def top_left(self, painter: QPainter, words: str) -> None:
        self._paint(painter, QPointF(PILL_AIR, PILL_AIR + PILL_HEIGHT), words)

    def bottom_left(self, painter: QPainter, words: str, height: int) -> None:
        self._paint(painter, QPointF(PILL_AIR, height - PILL_AIR), words)

    def beside(self, painter: QPainter, words: str, point: QPointF, area: QRect) -> None:
        """Right above a point, moved inwards where it would leave the view."""
        x = min(max(PILL_AIR, point.x()), area.width() - 120.0)
        y = min(max(PILL_AIR + PILL_HEIGHT, point.y()), area.height() - PILL_AIR)
        self._paint(painter, QPointF(x, y), words)

    def _paint(self, painter: QPainter, corner: QPointF, words: str) -> None:
        colours = (self._theme.color("pill"), self._theme.color("pilltext"))
        paint_pill(painter, corner, words, self._theme.font("badge"), colours)
