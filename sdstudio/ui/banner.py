"""What went wrong with a run, or what wants a decision: above the picture, in the way of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from sdstudio.ui.controls import Button, IconButton, LinkButton, TextLabel, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import ICON_SIZE

DETAILS_HEIGHT = 112


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button of a banner. The banner closes when it is pressed."""

    text: str
    act: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What happened; what it means and what to do; the technical text; the buttons. `kind`: "error", "warn", "info".
    `passing`: it speaks of one thing that was tried, and is out of date as soon as something else is. `topic`: what it
    speaks of; a later message of the same topic takes its place."""

    title: str
    text: str = ""
    details: str = ""
    remedies: tuple[Remedy, ...] = ()
    kind: str = "error"
    passing: bool = False
    topic: str = ""


def _replaces(message: Message, old: Message) -> bool:
    same_words = (old.title, old.text) == (message.title, message.text)
    return same_words or (old.topic != "" and old.topic == message.topic)


class Banner(QFrame):
    """Shows one Message at a time; those that come meanwhile follow when it is closed."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._messages: list[Message] = []
        self._held = False
        self._remedies: list[Button] = []
        set_surface(self, "notice")
        self._icon = QLabel()
        self._icon.setFixedSize(ICON_SIZE, ICON_SIZE)
        self._title = TextLabel(theme, font="prompt")
        self._text = TextLabel(theme, role="hint")
        self._button_row = QWidget()
        self._buttons = QHBoxLayout(self._button_row)
        self._details_link = LinkButton(theme, self.tr("Details"))
        self._copy = LinkButton(theme, self.tr("Copy"))
        self._close = IconButton(theme, "close", self.tr("Close"), flat=True, icon_size=16)
        self._details = QPlainTextEdit()
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._dress()
        self._lay_out()
        theme.changed.connect(self._colour)
        self.hide()

    def _dress(self) -> None:
        self._details.setReadOnly(True)
        self._details.setFont(self._theme.font("mono"))
        self._details.setFixedHeight(DETAILS_HEIGHT)
        self._details.setAccessibleName(self.tr("Technical details"))
        self._details_link.setCheckable(True)
        self._details_link.setToolTip(self.tr("Show what the program reported, word for word"))
        describe(self._copy, self.tr("Copy the details"))
        self._details_link.toggled.connect(self._unfold)
        self._copy.clicked.connect(self._copy_details)
        self._close.clicked.connect(self.close_message)

    def _lay_out(self) -> None:
        self._buttons.setContentsMargins(0, 8, 0, 0)
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self._copy)
        self._buttons.addWidget(self._details_link)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.setContentsMargins(0, 2, 0, 0)
        words.addWidget(self._title)
        words.addWidget(self._text)
        words.addWidget(self._button_row)
        words.addWidget(self._details)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 12, 13)
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)

    def show_message(self, message: Message) -> None:
        """An error comes before what was there; anything else waits behind it. The same words are not shown twice, and
        of one topic only the newest."""
        first = self.message
        self._messages = [old for old in self._messages if not _replaces(message, old)]
        place = 0 if message.kind == "error" else len(self._messages)
        self._messages.insert(place, message)
        if self.message is not first:
            self._show_first()

    def hold(self, held: bool) -> None:
        """While a stroke is drawn nothing comes: it would move the picture under the hand."""
        late = self._held and not held
        self._held = held
        if late and self._messages and self.isHidden():
            self._show_first()

    def drop_passing(self) -> None:
        """Something else was tried: what is out of date goes."""
        self.drop(message for message in self._messages if message.passing)

    def drop(self, messages: Iterable[Message]) -> None:
        """What is out of date goes, shown or waiting; those that are gone already do not matter."""
        first, old = self.message, list(messages)
        self._messages = [message for message in self._messages if not any(message is gone for gone in old)]
        if not self._messages:
            self.hide()
        elif self.message is not first:
            self._show_first()

    @property
    def message(self) -> Message | None:
        return self._messages[0] if self._messages else None

    def close_message(self) -> None:
        """The next one, if there is one, takes its place."""
        if self._messages:
            self._messages.pop(0)
        if self._messages:
            self._show_first()
        else:
            self.hide()
        self.closed.emit()

    def buttons(self) -> list[Button]:
        """The remedies' buttons, left to right."""
        return list(self._remedies)

    def _show_first(self) -> None:
        if self._held and self.isHidden():
            return
        message = self._messages[0]
        self._title.setText(message.title)
        self._text.setText(message.text)
        self._text.setVisible(bool(message.text))
        self._details.setPlainText(message.details)
        self._details.hide()
        self._details_link.setChecked(False)
        self._fill_buttons(message)
        self._colour()
        self.show()
        spoken = f"{message.title}. {message.text}"
        self.setAccessibleName(spoken)
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # many enums, which few starts need

        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, spoken))

    def _fill_buttons(self, message: Message) -> None:
        for button in self._remedies:
            self._buttons.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._remedies = []
        for place, remedy in enumerate(message.remedies):
            button = Button(self._theme, remedy.text)
            button.clicked.connect(lambda _checked=False, chosen=remedy: self._choose(chosen))
            self._buttons.insertWidget(place, button)
            self._remedies.append(button)
        self._copy.hide()
        self._details_link.setVisible(bool(message.details))
        self._button_row.setVisible(bool(message.details or message.remedies))

    def _choose(self, remedy: Remedy) -> None:
        self.close_message()
        remedy.act()

    def _unfold(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)

    def _copy_details(self) -> None:
        message = self.message
        if message is not None:
            whole = "\n".join(part for part in (message.title, message.text, message.details) if part)
            QGuiApplication.clipboard().setText(whole)

    def _colour(self) -> None:
        kind = self._messages[0].kind if self._messages else "info"
        token = {"error": "error", "warn": "warn"}.get(kind, "text2")
        self._icon.setPixmap(self._theme.pixmap(kind, token, ICON_SIZE, self.devicePixelRatioF()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The state's colour is a line of 1 px at the foot, never an area."""
        super().paintEvent(event)
        kind = self._messages[0].kind if self._messages else "info"
        with QPainter(self) as painter:
            colour = self._theme.color({"error": "error", "warn": "warn"}.get(kind, "line"))
            painter.fillRect(0, self.height() - 1, self.width(), 1, colour)
