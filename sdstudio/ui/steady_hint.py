"""A hint of one sentence out of several that has room for each of them, so that nothing moves when another is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from sdstudio.ui.controls import TextLabel
from sdstudio.ui.theme import Theme


class SteadyHint(TextLabel):
    """Small, in the quiet colour, over as many lines as the longest of its sentences needs."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, font="small", role="hint", parent=parent)
        self.setWordWrap(True)
        self._all: tuple[str, ...] = ()

    def show_one(self, words: str, others: tuple[str, ...] = ()) -> None:
        """`others`: what may stand there, too."""
        self._all = (words, *others)
        self.setText(words)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._make_room()

    def _make_room(self) -> None:
        metrics = self.fontMetrics()
        room = self.contentsRect().adjusted(0, 0, 0, 10_000 - self.height())
        flags = int(self.alignment()) | int(Qt.TextFlag.TextWordWrap)
        heights = (metrics.boundingRect(room, flags, words).height() for words in self._all)
        self.setFixedHeight(max(heights, default=0))
