"""One of a few words, side by side in one frame: a choice whose other ends one sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.ui.controls import Chip, describe
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, RADIUS

_STEPS: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


@dataclass(frozen=True, slots=True)
class Segment:
    value: str
    words: str
    hint: str


class SegmentButton(Chip):
    """Joined to its neighbours."""

    kind = "segment"
    font_role = "button"


class Segments(QWidget):
    """One tab stop; the arrow keys choose. `chosen` carries the value that a hand chose."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, segments: Sequence[Segment], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.buttons: dict[str, SegmentButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for segment in segments:
            button = SegmentButton(theme, segment.words, self)
            button.setFixedHeight(CONTROL_HEIGHT)
            button.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
            describe(button, segment.words, segment.hint)
            button.clicked.connect(lambda _on=False, value=segment.value: self._choose(value))
            self.buttons[segment.value] = button
            # As much wider as the words are long: the edges keep the same air.
            row.addWidget(button, max(1, button.sizeHint().width()))
        self.set_value(segments[0].value)

    @property
    def value(self) -> str:
        return self._value

    def set_value(self, value: str) -> None:
        """Silent. Raises KeyError."""
        chosen = self.buttons[value]
        self._value = value
        for button in self.buttons.values():
            button.setChecked(button is chosen)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if button is chosen else Qt.FocusPolicy.ClickFocus)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame and separators, below the buttons: the chosen one covers them with its own edge."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.color("border"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
            buttons = list(self.buttons.values())
            for before, button in pairwise(buttons):
                if not before.isChecked():
                    x = button.x() + 0.5
                    painter.drawLine(QPointF(x, 1), QPointF(x, self.height() - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(event.key())
        if step is None:
            super().keyPressEvent(event)
            return
        values = list(self.buttons)
        value = values[(values.index(self._value) + step) % len(values)]
        self._choose(value)
        self.buttons[value].setFocus(Qt.FocusReason.TabFocusReason)

    def _choose(self, value: str) -> None:
        """A click unchecks what is chosen already: it stays chosen."""
        changed = value != self._value
        self.set_value(value)
        if changed:
            self.chosen.emit(value)
