"""The ring that shows where the keyboard is: 2 px, 1 px outside the control, painted over its neighbours."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import RADIUS

_GAP = 1.0
_WIDTH = 2.0
_REACH = 4
"""How far the overlay reaches beyond the control: gap, line, and one pixel for fractional scales."""

_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
_FOLLOWED = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.EnabledChange)


def by_keyboard(event: QFocusEvent) -> bool:
    """Whether this focus came from a key (Tab, Shift+Tab, a mnemonic) and not from the mouse."""
    return event.reason() in _KEYS


class FocusRing(QWidget):
    """An overlay round one control; lives as long as that has the focus."""

    def __init__(self, target: QWidget, theme: Theme) -> None:
        host = _host_of(target)
        super().__init__(host)
        self._target = target
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._watched: list[QWidget] = []
        part: QWidget | None = target
        while part is not None and part is not host:
            part.installEventFilter(self)
            self._watched.append(part)
            part = part.parentWidget()
        self._follow()

    def leave(self) -> None:
        """Goes at once, and does not come back when the control moves before Qt deletes it."""
        for part in self._watched:
            part.removeEventFilter(self)
        self.hide()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _FOLLOWED:
            self._follow()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("focus"), _WIDTH))
        inset = _REACH - _GAP - _WIDTH / 2
        rect = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        radius = RADIUS + _GAP + _WIDTH / 2
        painter.drawRoundedRect(rect, radius, radius)

    def _follow(self) -> None:
        host = self.parentWidget()
        if host is None:
            return
        corner = self._target.mapTo(host, self._target.rect().topLeft())
        rect = self._target.rect().translated(corner)
        self.setGeometry(rect.adjusted(-_REACH, -_REACH, _REACH, _REACH))
        self.setVisible(self._target.isVisibleTo(host) and self._target.isEnabled())
        self.raise_()


class RingKeeper:
    """Gives a control its ring while it has keyboard focus. The control hands on its two focus events."""

    def __init__(self, target: QWidget, theme: Theme) -> None:
        self._target = target
        self._theme = theme
        self._ring: FocusRing | None = None

    @property
    def shown(self) -> bool:
        return self._ring is not None

    def focus_in(self, event: QFocusEvent) -> None:
        kept = event.reason() in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
        if kept and self._ring is not None:
            self._ring.show()
        elif by_keyboard(event) and self._ring is None:
            self._ring = FocusRing(self._target, self._theme)

    def focus_out(self, event: QFocusEvent) -> None:
        if self._ring is None:
            return
        if event.reason() in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self._ring.hide()
            return
        self._ring.leave()
        self._ring = None


def _host_of(target: QWidget) -> QWidget:
    """What the overlay is a child of: the window, or what scrolls inside a scroll area."""
    part = target
    while not part.isWindow():
        parent = part.parentWidget()
        if parent is None or _is_viewport(parent):
            break
        part = parent
    return part


def _is_viewport(widget: QWidget) -> bool:
    area = widget.parentWidget()
    return isinstance(area, QAbstractScrollArea) and area.viewport() is widget
