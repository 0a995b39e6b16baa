"""A dialog for one task of the canvas: a heading, a body, Cancel and one button that does it. Opened, never run."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.ui.controls import Button, FieldLabel, PrimaryButton, TextLabel
from sdstudio.ui.dialogs import PADDING
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import LABEL_COLUMN, ROW_GAP


class TaskDialog(QDialog):
    """`accepted` when its button is pressed. A run goes on meanwhile; `open()` returns at once."""

    def __init__(self, theme: Theme, title: str, button: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        set_surface(self, "dock")
        self.body = QVBoxLayout()
        self.body.setSpacing(ROW_GAP)
        self.primary = PrimaryButton(theme, button)
        self.primary.setDefault(True)
        self.cancel = Button(theme, self.tr("Cancel"))
        self.foot = QHBoxLayout()
        self.foot.setSpacing(ROW_GAP)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.primary)
        column = QVBoxLayout(self)
        column.setContentsMargins(PADDING, PADDING - 4, PADDING, PADDING - 8)
        column.setSpacing(16)
        self.heading = TextLabel(theme, title, font="dialog")
        self.heading.setWordWrap(True)
        column.addWidget(self.heading)
        column.addLayout(self.body, 1)
        column.addLayout(self.foot)
        self.primary.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.setMinimumWidth(400)

    def add_row(self, label: str, *controls: QWidget) -> FieldLabel:
        """A name and its controls, left to right; the last takes no more than it needs."""
        row = QHBoxLayout()
        row.setSpacing(ROW_GAP)
        name = FieldLabel(self.theme, label, controls[0])
        name.setFixedWidth(LABEL_COLUMN)
        row.addWidget(name)
        for control in controls:
            row.addWidget(control)
        row.addStretch(1)
        self.body.addLayout(row)
        return name

    def add_words(self, words: str = "") -> TextLabel:
        """A sentence that wraps."""
        label = TextLabel(self.theme, words, role="hint")
        label.setWordWrap(True)
        self.body.addWidget(label)
        return label

    def add_second(self, words: str) -> Button:
        """Another answer, left of Cancel."""
        button = Button(self.theme, words)
        self.foot.insertWidget(1, button)
        return button
