"""A box that unfolds downwards: what lies below it slides, it does not jump."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QVariantAnimation
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sdstudio.ui.theme import Theme

FOLD_MS = 120


class FoldBox(QWidget):
    """As high as its content, or 0. A content that becomes higher is followed the same way."""

    def __init__(self, theme: Theme, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._content = content
        self._open = False
        self._moving = QVariantAnimation(self)
        self._moving.setDuration(FOLD_MS)
        self._moving.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._moving.valueChanged.connect(lambda height: self._set_height(int(height)))
        self._moving.finished.connect(self._rest)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        content.setParent(self)
        content.installEventFilter(self)
        content.hide()
        self._set_height(0)

    @property
    def open(self) -> bool:
        return self._open

    def set_open(self, open_: bool) -> None:
        if open_ == self._open:
            return
        self._open = open_
        if open_:
            self._content.show()
        self._go()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._stop_at(self._wanted())
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest and self._open:
            self._go()
        return super().eventFilter(watched, event)

    def _wanted(self) -> int:
        if not self._open:
            return 0
        layout = self._content.layout()
        if layout is not None and layout.hasHeightForWidth():
            return layout.totalHeightForWidth(self.width())
        return max(0, self._content.sizeHint().expandedTo(self._content.minimumSize()).height())

    def _go(self) -> None:
        wanted = self._wanted()
        running = self._moving.state() == QVariantAnimation.State.Running
        if running and self._moving.endValue() == wanted:
            return
        if self._theme.reduce_motion or not self.isVisible():
            self._stop_at(wanted)
        elif wanted != self.height():
            self._moving.stop()
            self._moving.setStartValue(self.height())
            self._moving.setEndValue(wanted)
            self._moving.start()

    def _stop_at(self, height: int) -> None:
        self._moving.stop()
        self._set_height(height)
        self._rest()

    def _set_height(self, height: int) -> None:
        self.setFixedHeight(height)
        self._place()

    def _rest(self) -> None:
        """What came while it moved counts, too."""
        if not self._open:
            self._content.hide()
        elif self._wanted() != self.height():
            self._set_height(self._wanted())

    def _place(self) -> None:
        """At its full height: it is uncovered, not squeezed."""
        height = self._wanted() if self._open else self._content.height()
        self._content.setGeometry(0, 0, self.width(), max(height, self.height()))
