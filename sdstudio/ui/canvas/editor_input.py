"""Qt's events of mouse, pen, wheel and keys, told to the editor's hand."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.ui.canvas.editor_hand import Doing, EditorHand
from sdstudio.ui.canvas.editor_surface import EditorSurface
from sdstudio.ui.canvas.pointer_input import Sample
from sdstudio.ui.canvas.wheel import is_touchpad, moved_by, zoom_factor
from sdstudio.ui.theme import Theme

_ARROWS = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
_ARROW_STEP = 64
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class Guest(Protocol):
    """Somebody who takes keys and drags before the hand does, while nothing else is under way."""

    def wants(self, event: QKeyEvent) -> bool: ...
    def key(self, event: QKeyEvent) -> bool: ...
    def key_up(self, event: QKeyEvent) -> bool: ...
    def over(self, position: QPointF) -> bool: ...
    def press(self, position: QPointF) -> bool: ...
    def move(self, position: QPointF) -> bool: ...
    def release(self) -> bool: ...
    def leave(self) -> None: ...


class EditorInput(EditorSurface):
    """Pen events are accepted, or Qt would send mouse events as well."""

    menu_asked = Signal(QPoint)

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
        self.hand = EditorHand(session, self, self)
        self.guest: Guest | None = None
        self.setMouseTracking(True)
        self.setTabletTracking(True)

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._wants(event):
            event.accept()
            return True
        if kind == QEvent.Type.Leave:
            self.hand.leave()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if is_touchpad(event) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.pan_by(moved_by(event))
        else:
            self._zoom_at(event.position(), self._view.zoom * zoom_factor(event))
        event.accept()

    @property
    def _free(self) -> bool:
        """Whether nothing is under way that a key or a press belongs to."""
        session = self._session
        return not session.busy and session.work is None and not session.preview and self.hand.doing is Doing.NOTHING

    def _guest_takes(self, kind: QEvent.Type, position: QPointF) -> bool:
        guest = self.guest
        if guest is None:
            return False
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.TabletPress):
            return self._free and not self.hand.space and guest.press(position)
        if kind in (QEvent.Type.MouseButtonRelease, QEvent.Type.TabletRelease):
            return guest.release()
        if guest.move(position):
            return True
        if self._free and guest.over(position):
            self.hand.leave()  # no ring beside the line's own cursor
            self.setCursor(Qt.CursorShape.SplitHCursor)
            return True
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        if self.occupied() and not (left and self._guest_takes(event.type(), event.position())):
            self.hand.press(Sample.of_mouse(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.occupied() and not self._guest_takes(event.type(), event.position()):
            self.hand.move(Sample.of_mouse(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.occupied() and not self._guest_takes(event.type(), event.position()):
            self.hand.release(Sample.of_mouse(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.occupied() and not (self.guest is not None and self.guest.over(event.position())):
            self.hand.double_click(Sample.of_mouse(event))

    def tabletEvent(self, event: QTabletEvent) -> None:
        event.accept()
        if not self.occupied():
            event.ignore()
        elif self._guest_takes(event.type(), event.position()):
            pass
        elif event.type() == QEvent.Type.TabletPress:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.hand.press(Sample.of_tablet(event))
        elif event.type() == QEvent.Type.TabletMove:
            self.hand.move(Sample.of_tablet(event))
        elif event.type() == QEvent.Type.TabletRelease:
            self.hand.release(Sample.of_tablet(event))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if self.occupied() and self.hand.doing is Doing.NOTHING and not alt:
            self.menu_asked.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, done = event.key(), True
        if self.guest is not None and self._free and self.guest.key(event):
            return
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat() and self.hand.doing is not Doing.STROKE:
                self.hand.set_space(True)
        elif key == Qt.Key.Key_Escape:
            done = self.hand.cancel()
        elif key in _ENTER:
            done = self.hand.finish()
        elif key == Qt.Key.Key_Backspace:
            done = self.hand.step_back()
        elif key in _ARROWS and self.occupied():
            dx, dy = _ARROWS[Qt.Key(key)]
            self.pan_by(QPointF(dx * _ARROW_STEP, dy * _ARROW_STEP))
        else:
            done = False
        if not done:
            super(EditorSurface, self).keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.hand.set_space(False)
        elif self.guest is None or not self.guest.key_up(event):
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.hand.set_space(False)
        self.hand.let_go()
        if self.guest is not None:
            self.guest.leave()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.hand.let_go()
        super().hideEvent(event)

    def _wants(self, event: QKeyEvent) -> bool:
        """Keys that mean something here before they are a shortcut of the window."""
        if self.guest is not None and self._free and self.occupied() and self.guest.wants(event):
            return True
        key, busy = event.key(), self._session.busy
        if event.modifiers() not in _PLAIN or not self.occupied():
            return False
        if key == Qt.Key.Key_Escape:
            return busy or self.hand.doing is not Doing.NOTHING or self._session.work is not None
        if key in _ENTER or key == Qt.Key.Key_Backspace:
            return busy
        return key == Qt.Key.Key_Space or key in _ARROWS
