"""What the middle says while no canvas is open: what to do, and the buttons that do it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.ui.controls import Button, TextLabel
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import ROW_GAP


class EmptyCanvas(QWidget):
    """Three ways to begin."""

    open_asked = Signal()
    new_asked = Signal()
    paste_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = TextLabel(
            theme, self.tr("Open a picture, drop one here, or start with an empty canvas."), font="prompt"
        )
        self.words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.open = Button(theme, self.tr("Open a picture…"))
        self.new = Button(theme, self.tr("New canvas…"))
        self.paste = Button(theme, self.tr("Paste"))
        row = QHBoxLayout()
        row.setSpacing(ROW_GAP)
        row.addStretch(1)
        for button in (self.open, self.new, self.paste):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(2 * ROW_GAP)
        column.addStretch(1)
        column.addWidget(self.words)
        column.addLayout(row)
        column.addStretch(1)
        self.open.clicked.connect(self.open_asked)
        self.new.clicked.connect(self.new_asked)
        self.paste.clicked.connect(self.paste_asked)
