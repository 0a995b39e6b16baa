"""The foot of the left dock: Generate, and what it will cost."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.ui.controls import ElidedLabel, PrimaryButton, SectionLine, TextLabel, breakable, describe
from sdstudio.ui.keymap import native_text
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import DOCK_PADDING, LINE_BODY, ROW_GAP, SECTION_GAP


class GenerateBar(QWidget):
    """`generate_clicked` comes from the button only; the key belongs to the window."""

    generate_clicked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._cost = ""
        self._detail = ""
        self._reason = ""
        self._problem = ""
        self._key = "Ctrl+Enter"
        hint = QKeySequence("Ctrl+Enter").toString(QKeySequence.SequenceFormat.NativeText)
        self.button = PrimaryButton(theme, self.tr("Generate"), hint)
        self.cost = ElidedLabel(theme, role="hint")
        self.cost.setFixedHeight(LINE_BODY)
        self.aside = TextLabel(theme, role="hint")
        self.aside.setFixedHeight(LINE_BODY)
        self.why = TextLabel(theme, role="hint")
        self.why.setWordWrap(True)
        self.why.hide()
        self.button.clicked.connect(self.generate_clicked)
        self._describe()
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.cost, 1)
        line.addWidget(self.why, 1)
        line.addWidget(self.aside)
        inner = QVBoxLayout()
        inner.setContentsMargins(DOCK_PADDING, SECTION_GAP, DOCK_PADDING, SECTION_GAP)
        inner.setSpacing(ROW_GAP)
        inner.addWidget(self.button)
        inner.addLayout(line)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(SectionLine())
        column.addLayout(inner)

    def show_key(self, keys: tuple[str, ...]) -> None:
        """The key that does the same; the first of several."""
        self._key = native_text(keys[:1])
        self.button.set_key_hint(self._key)
        self._describe()

    def set_words(self, words: str, detail: str = "") -> None:
        """What a click is about to do, and more of it for the tooltip."""
        self._detail = detail
        self.button.setText(words)
        self._describe()

    def _describe(self) -> None:
        purpose = self.tr("Make the pictures, or add them to the queue.")
        detail = self._detail[:1].upper() + self._detail[1:]
        hint = f"{purpose}\n{detail}" if detail else purpose
        describe(self.button, self.button.text(), hint, self._key)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    @property
    def blocked(self) -> bool:
        return bool(self._reason or self._problem)

    def set_cost(self, text: str, right_text: str = "") -> None:
        """What a click will cost ("about 4 s") and, at the right, what else is worth knowing ("0.6 GB")."""
        self._cost = text
        self.aside.setText(right_text)
        self._show()

    def set_blocked(self, reason: str) -> None:
        """Greys the button and says why in the cost line; an empty reason sets it free."""
        self._reason = reason
        self._show()

    def set_problem(self, problem: str) -> None:
        """The same for what the canvas and the frame are now, which no field of the dock can cure."""
        if problem != self._problem:
            self._problem = problem
            self._show()

    def _show(self) -> None:
        why = self._reason or self._problem
        self.button.setEnabled(not why)
        self.button.setAccessibleDescription(why or self._cost)
        self.cost.setText(why or self._cost)
        self._make_room()

    def _make_room(self) -> None:
        """A reason is never cut; where it needs a second line it gets one."""
        words = self._reason or self._problem
        long = bool(words) and self.fontMetrics().horizontalAdvance(words) > self.width() - 2 * DOCK_PADDING
        self.why.setText(breakable(words))
        self.why.setVisible(long)
        self.cost.setVisible(not long)
        self.aside.setVisible(not long)
