"""Words that wake a LoRA, as chips in lines; a click asks for a word in the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sdstudio.ui.chip_row import ChipRow
from sdstudio.ui.controls import Chip, describe
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT

_GAP = 4
_AIR = 12
"""Left and right of a chip's words, together."""


class WordChips(ChipRow):
    """As high as its lines. `chosen` carries a word."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, words: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.words = tuple(words)
        self.chips = [self._make(theme, word) for word in words]
        self.set_tab_stop(None)
        self._arrange()

    def show_used(self, used: frozenset[str]) -> None:
        """Marks the words that are in the prompt."""
        for chip, word in zip(self.chips, self.words, strict=True):
            chip.setChecked(word in used)

    def sizeHint(self) -> QSize:
        return QSize(120, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def _make(self, theme: Theme, word: str) -> Chip:
        chip = Chip(theme, "", self)
        describe(chip, word, self.tr("Put “{word}” into the prompt").format(word=word))
        chip.clicked.connect(lambda on: self._choose(chip, word, on))
        return chip

    def _choose(self, chip: Chip, word: str, on: bool) -> None:
        """What is in the prompt already stays marked."""
        if not on:
            chip.setChecked(True)
        else:
            self.chosen.emit(word)

    def _arrange(self) -> None:
        """In reading order; what is wider than a line is cut."""
        room, x, y = max(40, self.width()), 0, 0
        for chip, word in zip(self.chips, self.words, strict=True):
            metrics = chip.fontMetrics()
            wanted = metrics.horizontalAdvance(word) + _AIR
            width = min(wanted, room)
            cut = metrics.elidedText(word, Qt.TextElideMode.ElideRight, room - _AIR)
            chip.setText(_shown(word if wanted <= room else cut))
            if x and x + width > room:
                x, y = 0, y + CHIP_HEIGHT + _GAP
            chip.setGeometry(QRect(x, y, width, CHIP_HEIGHT))
            x += width + _GAP
        self.setFixedHeight(y + CHIP_HEIGHT if self.chips else 0)


def _shown(text: str) -> str:
    """A button takes & for the mark of a key."""
    return text.replace("&", "&&")
