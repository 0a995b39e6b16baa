"""Chips that the keyboard meets as one stop: the arrow keys go from chip to chip."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from sdstudio.ui.controls import Chip

_ARROWS: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


class ChipRow(QWidget):
    """The base of rows of chips: whoever fills `chips` calls `set_tab_stop` then."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chips: list[Chip] = []

    def set_tab_stop(self, chip: Chip | None) -> None:
        """Where Tab comes to; None: the first."""
        stop = chip or next(iter(self.chips), None)
        for other in self.chips:
            policy = Qt.FocusPolicy.StrongFocus if other is stop else Qt.FocusPolicy.ClickFocus
            other.setFocusPolicy(policy)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _ARROWS.get(event.key())
        at = next((i for i, chip in enumerate(self.chips) if chip.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        chip = self.chips[(at + step) % len(self.chips)]
        self.set_tab_stop(chip)
        chip.setFocus(Qt.FocusReason.TabFocusReason)
