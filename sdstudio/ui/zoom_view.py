"""A surface that something of a fixed size lies on: fitted, zoomed at the pointer, moved by hand or keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.viewport import Margins, Viewport

AIR = 16
PILL_ROOM = 24
FIT_MOST = 6.0
"""A fitted picture is enlarged at most this many times: beyond, one looks at the smoothing and not at the picture."""
_PAN_KEYS = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
_PAN_STEP = 64
_WHEEL_DOUBLES = 480.0
"""Four notches of a wheel (120 units each) double the size."""


class ZoomView(QWidget):
    """Keeps the Viewport; a subclass paints through it. `occupied` says whether there is anything to move."""

    zoom_changed = Signal(float)
    picture_moved = Signal()
    drag_out_asked = Signal()
    pill_room = PILL_ROOM
    """What a fitted picture leaves free above it, beside the air."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = Viewport(width=1, height=1, picture_width=1, picture_height=1)
        self._bottom_room = 0
        self._pressed: QPointF | None = None
        self._panning = False
        self._space = False
        self._ring = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)

    def occupied(self) -> bool:
        return True

    @property
    def viewport(self) -> Viewport:
        return self._view

    def set_zoom(self, zoom: float) -> None:
        self._set_view(self._view.zoomed(zoom))

    def zoom_step(self, direction: int) -> None:
        """To the next round zoom above (1) or below (-1)."""
        self._set_view(self._view.zoomed(self._view.next_zoom(direction)))

    def fit(self) -> None:
        self._set_view(self._view.fitted())

    def set_bottom_room(self, pixels: int) -> None:
        """What a fitted picture leaves free below it."""
        self._bottom_room = pixels
        self._laid_out()

    def picture_rect(self) -> QRectF:
        """The picture's place in logical pixels of this widget."""
        x, y = self._view.origin()
        width, height = self._view.shown_size()
        ratio = self.devicePixelRatioF()
        return QRectF(x / ratio, y / ratio, width / ratio, height / ratio)

    def _set_view(self, view: Viewport) -> None:
        if self.occupied() and view != self._view:
            self._view = view
            self._moved()

    def _moved(self) -> None:
        self._rest_cursor()
        self.update()
        self.zoom_changed.emit(self._view.zoom)
        self.picture_moved.emit()

    def _laid_out(self) -> None:
        ratio = self.devicePixelRatioF()
        margins = Margins(AIR * ratio, (AIR + self.pill_room) * ratio, AIR * ratio, (AIR + self._bottom_room) * ratio)
        self._view = self._view.resized(self.width() * ratio, self.height() * ratio, margins, FIT_MOST * ratio)
        self._moved()

    def _pannable(self) -> bool:
        """Whether a part of the picture is out of sight; if none is, a drag takes the picture out instead."""
        return not QRectF(self.rect()).contains(self.picture_rect())

    def _rest_cursor(self) -> None:
        if self._panning:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self.occupied() and (self._space or self._pannable()):
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    def _zoom_at(self, position: QPointF, zoom: float) -> None:
        ratio = self.devicePixelRatioF()
        self._set_view(self._view.zoomed(zoom, position.x() * ratio, position.y() * ratio))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._laid_out()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._laid_out()
        elif isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_at(event.position(), self._view.zoom * (1 + event.value()))
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        if turn:
            self._zoom_at(event.position(), self._view.zoom * 2 ** (turn / _WHEEL_DOUBLES))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        middle = event.button() == Qt.MouseButton.MiddleButton
        if self.occupied() and (middle or event.button() == Qt.MouseButton.LeftButton):
            self._pressed = event.position()
            self._panning = middle or self._space or self._pannable()
            self._rest_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        moved = event.position() - self._pressed
        if self._panning:
            ratio = self.devicePixelRatioF()
            self._set_view(self._view.panned(moved.x() * ratio, moved.y() * ratio))
            self._pressed = event.position()
        elif moved.manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.drag_out_asked.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._panning = None, False
        self._rest_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between the whole picture and its pixels."""
        if self._view.fit:
            self._zoom_at(event.position(), 1.0 if self._view.zoom < 1.0 else max(4.0, self._view.next_zoom(1)))
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _PAN_KEYS.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._rest_cursor()
        elif step is not None and self._pannable():
            self._set_view(self._view.panned(step[0] * _PAN_STEP, step[1] * _PAN_STEP))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._rest_cursor()
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = by_keyboard(event)
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = self._space = False
        self.update()
        super().focusOutEvent(event)
