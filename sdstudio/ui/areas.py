"""F6: the keyboard goes from one part of the window to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the window, and which of its controls the keyboard goes to first (None = nothing there now)."""

    whole: QWidget
    first: Callable[[], QWidget | None]


class Areas(QObject):
    def __init__(self, areas: tuple[Area, ...], parent: QObject) -> None:
        super().__init__(parent)
        self._areas = areas

    def go(self, direction: int) -> None:
        """To the next (1) or previous (-1) area that has something to focus; round at the ends."""
        here = self._current()
        for distance in range(1, len(self._areas) + 1):
            area = self._areas[(here + direction * distance) % len(self._areas)]
            target = area.first() if area.whole.isVisible() else None
            if target is not None:
                target.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def _current(self) -> int:
        focus = QApplication.focusWidget()
        for number, area in enumerate(self._areas):
            if focus is not None and (area.whole is focus or area.whole.isAncestorOf(focus)):
                return number
        return -1
