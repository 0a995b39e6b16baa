"""Buttons that show a colour: the one to paint with, and the mask's tint with its hatch."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from sdstudio.ui.controls import Button
from sdstudio.ui.theme import Theme

SWATCH = 22
_SIDE = 32
_HATCH = 5.0


class ColourSwatch(Button):
    """A square of one colour in the room of a tool."""

    kind = "flaticon"

    def __init__(self, theme: Theme, colour: str = "#d03030", side: int = _SIDE, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", parent)
        self._colour = QColor(colour)
        self.setFixedSize(side, side)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def colour(self) -> QColor:
        return self._colour

    def set_colour(self, colour: QColor) -> None:
        self._colour = QColor(colour)
        self.setAccessibleDescription(colour.name())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            half = SWATCH / 2
            middle = QRectF(self.rect()).center()
            box = QRectF(middle.x() - half, middle.y() - half, SWATCH, SWATCH).adjusted(0.5, 0.5, -0.5, -0.5)
            self._fill(painter, box)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.theme.color("control"), 1))
            painter.drawRoundedRect(box, 3, 3)

    def _fill(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawRoundedRect(box, 3, 3)


class MaskSwatch(ColourSwatch):
    """The tint as it lies on a middle grey, with the hatch that always goes with it."""

    def __init__(self, theme: Theme, colour: str = "#ff2bd6", side: int = _SIDE, parent: QWidget | None = None) -> None:
        super().__init__(theme, colour, side, parent)
        self._opacity = 0.6

    def set_look(self, colour: QColor, opacity: float) -> None:
        """`opacity` 0 to 1; shown a little stronger than on the picture, or the colours could not be told apart."""
        self._opacity = min(1.0, 0.35 + opacity * 0.65)
        self.set_colour(colour)

    def _fill(self, painter: QPainter, box: QRectF) -> None:
        path = QPainterPath()
        path.addRoundedRect(box, 3, 3)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(box, QColor("#777777"))
        tint = QColor(self.colour)
        tint.setAlphaF(self._opacity)
        painter.fillRect(box, tint)
        x = box.left() - box.height()
        while x < box.right():
            for shift, colour in ((0.0, QColor(255, 255, 255, 130)), (1.0, QColor(0, 0, 0, 90))):
                painter.setPen(QPen(colour, 1))
                foot = QPointF(x + shift, box.bottom())
                painter.drawLine(foot, foot + QPointF(box.height(), -box.height()))
            x += _HATCH
        painter.restore()
