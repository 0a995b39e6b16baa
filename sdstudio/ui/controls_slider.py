"""A slider with its number beside it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from sdstudio.ui.controls_fields import DecimalField, NumberField
from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, ROW_GAP

_HANDLE = 7.0
_GROOVE = 4.0
_NUMBER_WIDTH = 64


class Slider(QSlider):
    """A horizontal slider, painted from the tokens. A click on the groove goes there at once."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.theme = theme
        self._key_focus = False
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setMinimumWidth(64)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._key_focus = by_keyboard(event)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._key_focus = False
        super().focusOutEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setSliderDown(True)
        self._go_to(event.position())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._go_to(event.position())
            event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)
            self.update()
            event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(self.handle_x(), self.height() / 2)
        groove = QRectF(0, centre.y() - _GROOVE / 2, self.width(), _GROOVE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.color("groove" if self.isEnabled() else "line"))
        painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        if self.isEnabled():
            painter.setBrush(self.theme.color("accent"))
            groove.setRight(centre.x())
            painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        self._paint_handle(painter, centre)

    def handle_x(self) -> float:
        """Middle of the handle in logical pixels from the left."""
        span = max(1, self.maximum() - self.minimum())
        room = self.width() - 2 * _HANDLE
        return _HANDLE + room * (self.sliderPosition() - self.minimum()) / span

    def _paint_handle(self, painter: QPainter, centre: QPointF) -> None:
        theme = self.theme
        edge = theme.color("handle_edge")
        fill = theme.color("handle")
        if not self.isEnabled():
            edge = fill = theme.color("off")
        elif self.isSliderDown():
            edge = fill = theme.color("accent")
        elif self.underMouse() and theme.tokens.name == "light":
            edge = theme.color("accent")
        elif self.underMouse():
            edge = fill = QColor(Qt.GlobalColor.white)
        # A rim of the dock's colour lifts the handle off the groove.
        painter.setBrush(theme.color("dock"))
        painter.drawEllipse(centre, _HANDLE + 1, _HANDLE + 1)
        painter.setBrush(fill)
        painter.setPen(QPen(edge, 1))
        painter.drawEllipse(centre, _HANDLE - 0.5, _HANDLE - 0.5)
        if self._key_focus and self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("focus"), 2))
            painter.drawEllipse(centre, _HANDLE + 2, _HANDLE + 2)

    def _go_to(self, position: QPointF) -> None:
        room = max(1.0, self.width() - 2 * _HANDLE)
        share = min(1.0, max(0.0, (position.x() - _HANDLE) / room))
        self.setSliderPosition(round(self.minimum() + share * (self.maximum() - self.minimum())))
        self.update()


class ValueSlider(QWidget):
    """A number in `low` … `high`, by slider or by typing. The slider covers only `slider_low` … `slider_high`,
    the part that is used every day. `value_changed` comes for changes by hand, never for `set_value`."""

    value_changed = Signal(float)

    def __init__(
        self,
        theme: Theme,
        low: float,
        high: float,
        *,
        slider_low: float | None = None,
        slider_high: float | None = None,
        step: float = 1,
        decimals: bool = False,
        unit: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._step = step
        self.slider = Slider(theme)
        self.number: NumberField | DecimalField
        if decimals:
            self.number = DecimalField(low, high, step=step, unit=unit)
        else:
            self.number = NumberField(int(low), int(high), step=int(step), unit=unit)
        self.number.setFixedWidth(_NUMBER_WIDTH)
        least = low if slider_low is None else slider_low
        most = high if slider_high is None else slider_high
        self.slider.setRange(round(least / step), round(most / step))
        self.slider.setPageStep(max(1, round((most - least) / step / 10)))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(ROW_GAP)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.setFocusProxy(self.number)
        self.slider.valueChanged.connect(self._slid)
        self.number.valueChanged.connect(self._typed)

    def value(self) -> float:
        return float(self.number.value())

    def set_value(self, value: float) -> None:
        """Shows a value; silent."""
        if self.value() != value:
            blocked = self.number.blockSignals(True)
            if isinstance(self.number, DecimalField):
                self.number.setValue(value)
            else:
                self.number.setValue(int(value))
            self.number.blockSignals(blocked)
        self._follow()

    def set_most(self, most: int) -> None:
        """Another highest value for a slider of whole numbers; silent."""
        for part in (self.number, self.slider):
            blocked = part.blockSignals(True)
            part.setMaximum(most)
            part.blockSignals(blocked)

    def describe(self, name: str, hint: str) -> None:
        """Accessible names and the tooltip of both parts."""
        for part in (self.slider, self.number):
            part.setAccessibleName(name)
            part.setToolTip(hint)

    def set_invalid(self, invalid: bool) -> None:
        self.number.set_invalid(invalid)

    def _slid(self, position: int) -> None:
        self.set_value(position * self._step)
        self.value_changed.emit(self.value())

    def _typed(self) -> None:
        self._follow()
        self.value_changed.emit(self.value())

    def _follow(self) -> None:
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round(self.value() / self._step))
        self.slider.blockSignals(blocked)
        self.slider.update()
