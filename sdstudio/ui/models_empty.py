"""What stands in the place of the list of models while there is nothing in it, and the field that searches it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from sdstudio.ui.controls import Button, TextLabel
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CONTROL_HEIGHT


class EmptyPage(QWidget):
    """Says why nothing is here, and offers what helps."""

    clear_asked = Signal()
    open_asked = Signal()
    add_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.title = TextLabel(theme, font="heading")
        self.text = TextLabel(theme, role="hint")
        self.clear = Button(theme, self.tr("Clear the search"))
        self.open_folder = Button(theme, self.tr("Open the models folder"))
        self.add = Button(theme, self.tr("Add a folder…"))
        self.clear.clicked.connect(self.clear_asked)
        self.open_folder.clicked.connect(self.open_asked)
        self.add.clicked.connect(self.add_asked)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.clear, self.open_folder, self.add):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 16, 48, 16)
        column.setSpacing(6)
        column.addStretch(1)
        for label in (self.title, self.text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addSpacing(10)
        column.addLayout(buttons)
        column.addStretch(1)

    def say_no_match(self, text: str) -> None:
        title = self.tr("No model matches “{text}”.").format(text=text.strip())
        self._say(title, self.tr("Names, files, types and families are searched."), self.clear)

    def say_looking(self) -> None:
        self._say(self.tr("Looking through the folders…"), self.tr("The first look at many files takes a moment."))

    def say_not_connected(self, name: str) -> None:
        title = self.tr("“{name}” is not connected.").format(name=name)
        self._say(title, self.tr("Connect its disk: its models come back by themselves."))

    def say_nothing(self, own: bool) -> None:
        """`own`: it is our own folder or all of them, and not one that was added."""
        if own:
            text = self.tr("Drop model files here, put them into the models folder, or add the folder they are in.")
            self._say(self.tr("There are no models here yet."), text, self.open_folder, self.add)
        else:
            text = self.tr("Files that end in .safetensors or .ckpt appear here as soon as they are in the folder.")
            self._say(self.tr("There are no models in this folder."), text)

    def _say(self, title: str, text: str, *buttons: Button) -> None:
        self.title.setText(title)
        self.text.setText(text)
        for button in (self.clear, self.open_folder, self.add):
            button.setVisible(button in buttons)


class SearchField(QLineEdit):
    """Down goes to what was found, Enter takes it."""

    down = Signal()
    entered = Signal()

    def __init__(self, theme: Theme, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setPlaceholderText(words)
        self.setAccessibleName(words)
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)  # files that are dropped here are the dialog's, as everywhere in it
        self._icon = self.addAction(theme.icon("search", "text2", 16), QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(self._colour)

    def _colour(self) -> None:
        self._icon.setIcon(self._theme.icon("search", "text2", 16))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_PageDown):
            self.down.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)
