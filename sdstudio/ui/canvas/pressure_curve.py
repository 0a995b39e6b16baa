"""How the pen's pressure becomes size or strength: a curve that is drawn by hand."""

from __future__ import annotations

from bisect import bisect

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from sdstudio.ui.controls import Chip, TextLabel
from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.theme import Theme

Curve = tuple[tuple[float, float], ...]
STRAIGHT: Curve = ((0.0, 0.0), (1.0, 1.0))
SOFT: Curve = ((0.0, 0.0), (0.2, 0.45), (0.5, 0.78), (1.0, 1.0))
FIRM: Curve = ((0.0, 0.0), (0.5, 0.22), (0.8, 0.55), (1.0, 1.0))
POINTS_MOST = 8
SIDE = 160
SMALL_SIDE = 112
_MARGIN = 8
_REACH = 12.0
_APART = 0.02
"""Points stay at least this far from each other in pressure."""


def moved(curve: Curve, index: int, x: float, y: float) -> Curve:
    """A point elsewhere, with the curve still rising; the ends keep their pressure."""
    points = list(curve)
    last = len(points) - 1
    low_y = points[index - 1][1] if index else 0.0
    high_y = points[index + 1][1] if index < last else 1.0
    if index in (0, last):
        x = points[index][0]
    else:
        x = min(max(x, points[index - 1][0] + _APART), points[index + 1][0] - _APART)
    points[index] = (round(x, 3), round(min(max(y, low_y), high_y), 3))
    return tuple(points)


def with_point(curve: Curve, x: float) -> tuple[Curve, int]:
    """A further point on the line, and its place; the curve as it is, and -1, where there is no room for one."""
    place = bisect([point[0] for point in curve], x)
    if len(curve) >= POINTS_MOST or not 0 < place < len(curve):
        return curve, -1
    (x0, y0), (x1, y1) = curve[place - 1], curve[place]
    if x - x0 < _APART or x1 - x < _APART:
        return curve, -1
    y = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return (*curve[:place], (round(x, 3), round(y, 3)), *curve[place:]), place


def without_point(curve: Curve, index: int) -> Curve:
    """The ends stay."""
    return curve if index in (0, len(curve) - 1) else (*curve[:index], *curve[index + 1 :])


class CurveField(QWidget):
    """Drag a point, click the line for another, Del or double-click takes one away. `changed` carries a Curve."""

    changed = Signal(object)

    def __init__(self, theme: Theme, side: int = SIDE, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._side = side
        self._curve: Curve = STRAIGHT
        self._chosen = -1
        self._ring = False
        self.setFixedSize(side, side)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Pen pressure curve"))
        self.setToolTip(self.tr("Drag a point; click the line for another; double-click takes one away"))
        theme.changed.connect(self.update)

    @property
    def curve(self) -> Curve:
        return self._curve

    def set_curve(self, curve: Curve) -> None:
        """Silent."""
        if curve != self._curve:
            self._curve = curve
            self._chosen = min(self._chosen, len(curve) - 1)
            self.update()

    def place_of(self, point: tuple[float, float]) -> QPointF:
        room = self._side - 2 * _MARGIN
        return QPointF(_MARGIN + point[0] * room, self._side - _MARGIN - point[1] * room)

    def _values_at(self, place: QPointF) -> tuple[float, float]:
        room = self._side - 2 * _MARGIN
        return (place.x() - _MARGIN) / room, (self._side - _MARGIN - place.y()) / room

    def _near(self, place: QPointF) -> int:
        distances = [(self.place_of(point) - place).manhattanLength() for point in self._curve]
        nearest = min(range(len(distances)), key=distances.__getitem__)
        return nearest if distances[nearest] <= _REACH else -1

    def _set(self, curve: Curve) -> None:
        self.update()
        if curve != self._curve:
            self._curve = curve
            self.changed.emit(curve)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._chosen = self._near(event.position())
        if self._chosen < 0:
            x, y = self._values_at(event.position())
            curve, self._chosen = with_point(self._curve, x)
            self._set(moved(curve, self._chosen, x, y) if self._chosen >= 0 else curve)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        near = self._near(event.position())
        if near >= 0:
            self._set(without_point(self._curve, near))

    def _drag(self, place: QPointF) -> None:
        if 0 <= self._chosen < len(self._curve):
            self._set(moved(self._curve, self._chosen, *self._values_at(place)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 0.02, Qt.Key.Key_Down: -0.02}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._chosen = (self._chosen + (1 if key == Qt.Key.Key_Right else -1)) % len(self._curve)
            self.update()
        elif key in steps and self._chosen >= 0:
            x, y = self._curve[self._chosen]
            self._set(moved(self._curve, self._chosen, x, y + steps[key]))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._chosen >= 0:
            self._set(without_point(self._curve, self._chosen))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = by_keyboard(event)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ring = self._ring and self.hasFocus()
            painter.setPen(QPen(theme.color("focus" if ring else "border"), 2 if ring else 1))
            painter.setBrush(theme.color("field"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setPen(QPen(theme.color("line"), 1))
            for quarter in (0.25, 0.5, 0.75):
                painter.drawLine(self.place_of((quarter, 0)), self.place_of((quarter, 1)))
                painter.drawLine(self.place_of((0, quarter)), self.place_of((1, quarter)))
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawPolyline(QPolygonF([self.place_of(point) for point in self._curve]))
            for index, point in enumerate(self._curve):
                painter.setPen(QPen(theme.color("handle_edge"), 1))
                painter.setBrush(theme.color("accent" if index == self._chosen else "handle"))
                painter.drawEllipse(self.place_of(point), 4.5, 4.5)


class CurveEditor(QWidget):
    """The curve with three ready ones: below it, or where height is dear beside it."""

    changed = Signal(object)

    def __init__(self, theme: Theme, *, low: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = CurveField(theme, SMALL_SIDE if low else SIDE)
        self.chips = {
            SOFT: Chip(theme, self.tr("Soft")),
            STRAIGHT: Chip(theme, self.tr("Straight")),
            FIRM: Chip(theme, self.tr("Firm")),
        }
        hints = (
            self.tr("A light hand gets far"),
            self.tr("As the pen reports it"),
            self.tr("Only a firm hand gets the full effect"),
        )
        whole = QBoxLayout(QBoxLayout.Direction.LeftToRight if low else QBoxLayout.Direction.TopToBottom, self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12 if low else 6)
        whole.addWidget(self.field)
        column = QVBoxLayout()
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(4)
        for (curve, chip), hint in zip(self.chips.items(), hints, strict=True):
            chip.setToolTip(hint)
            chip.clicked.connect(lambda _on=False, chosen=curve: self._choose(chosen))
            row.addWidget(chip)
        row.addStretch(1)
        column.addLayout(row)
        words = TextLabel(theme, self.tr("Left to right: pressure. Up: effect."), font="small", role="hint")
        column.addWidget(words)
        column.addStretch(1)
        whole.addLayout(column)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.field.changed.connect(self._tell)
        self.set_curve(STRAIGHT)

    def set_curve(self, curve: Curve) -> None:
        """Silent."""
        self.field.set_curve(curve)
        for own, chip in self.chips.items():
            chip.setChecked(own == curve)

    def _choose(self, curve: Curve) -> None:
        self.set_curve(curve)
        self.changed.emit(curve)

    def _tell(self, curve: Curve) -> None:
        self.set_curve(curve)
        self.changed.emit(curve)
