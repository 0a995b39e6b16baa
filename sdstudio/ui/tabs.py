"""A calm row of tabs: words, a line of two pixels below the chosen one, and one line right across."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QTabBar, QWidget

from sdstudio.ui.controls import SectionLine
from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import RADIUS

TABS_HEIGHT = 40


class Tabs(QTabBar):
    """One stop of the keyboard, with the arrow keys inside."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ring = False
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(TABS_HEIGHT)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = by_keyboard(event)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._ring and self.hasFocus():
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(self._theme.color("focus"), 2))
                inside = QRectF(self.tabRect(self.currentIndex())).adjusted(1, 5, -1, -5)
                painter.drawRoundedRect(inside, RADIUS, RADIUS)


class TabRow(QWidget):
    """The tabs on a dock's surface, with the line below them."""

    def __init__(self, theme: Theme, names: tuple[str, ...], what: str, parent: QWidget | None = None) -> None:
        """`what` names the row for screen readers."""
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(TABS_HEIGHT)
        self.tabs = Tabs(theme)
        self.tabs.setAccessibleName(what)
        for name in names:
            self.tabs.addTab(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.tabs)
        row.addStretch(1)
        self._line = SectionLine(self)
        self._line.lower()

    def resizeEvent(self, event: object) -> None:
        self._line.setGeometry(0, self.height() - 1, self.width(), 1)
