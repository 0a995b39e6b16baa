"""What the window's own dialogs have in common: they stay beside the work and never stop it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.ui.controls import Button, TextLabel
from sdstudio.ui.theme import Theme, set_surface

PADDING = 24


class SideDialog(QDialog):
    """A heading, a body, a Close button. Not modal: a run goes on and the window answers."""

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        set_surface(self, "dock")
        self.heading = TextLabel(theme, title, font="dialog")
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self.close_button = Button(theme, self.tr("Close"))
        self.close_button.setDefault(True)
        self.close_button.clicked.connect(self.close)
        self.foot = QHBoxLayout()
        self.foot.addStretch(1)
        self.foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(PADDING, PADDING - 4, PADDING, PADDING - 8)
        column.setSpacing(16)
        column.addWidget(self.heading)
        column.addLayout(self.body, 1)
        column.addLayout(self.foot)
