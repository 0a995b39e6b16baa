"""Labels, lines, and the error beside a field."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QStyleOptionButton, QVBoxLayout, QWidget

from sdstudio.domain.errors import StudioError
from sdstudio.ui.controls_buttons import LinkButton
from sdstudio.ui.fonts import FontRole
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, LABEL_COLUMN, LINE_BODY

_LONG_WORD, _PIECE = 24, 8
_ZERO_WIDTH_SPACE = "\u200b"
LabelRole = Literal["text", "label", "hint", "key"]


class TextLabel(QLabel):
    """A label in one of the type roles. `role` chooses its colour and frame."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        font: FontRole = "body",
        role: LabelRole = "text",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self.setFont(theme.font(font))
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)


class FieldLabel(TextLabel):
    """The name of a field, in the 80 px column before it. Its buddy is the field."""

    def __init__(self, theme: Theme, text: str, buddy: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(theme, text, role="label", parent=parent)
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setMinimumWidth(LABEL_COLUMN - 8)
        if buddy is not None:
            self.setBuddy(buddy)


class Heading(TextLabel):
    """The name of a section."""

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, text, font="heading", parent=parent)


class ElidedLabel(TextLabel):
    """One line, cut where there is no room; then the whole text is in its tooltip."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        font: FontRole = "body",
        role: LabelRole = "text",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, text, font=font, role=role, parent=parent)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        text = " ".join(self.text().split())
        shown = self.fontMetrics().elidedText(text, self._mode, self.width())
        self.setToolTip("" if shown == text else self.text())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), shown)


class SectionLine(QFrame):
    """The line between two sections; right across the dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "line")
        self.setFixedHeight(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def breakable(text: str) -> str:
    """The same to read; long words, such as the names of files, can go on in the next line: a label would be as wide
    as they are, and its column with it."""
    return " ".join(_with_breaks(word) if len(word) > _LONG_WORD else word for word in text.split(" "))


def _with_breaks(word: str) -> str:
    return _ZERO_WIDTH_SPACE.join(word[place : place + _PIECE] for place in range(0, len(word), _PIECE))


class _Cure(LinkButton):
    """A link that never makes its column wider: a name in it may be longer than that. Cut, it has its tooltip."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.sizeHint().height())

    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        self.setToolTip("" if option.text == self.text() else self.text())


class ErrorLine(QWidget):
    """What is wrong with the field above and what cures it; not there while nothing is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._icon = QLabel()
        self._icon.setFixedSize(LINE_BODY, LINE_BODY)
        self._text = ""
        self._words = TextLabel(theme)
        self._words.setWordWrap(True)
        self.remedy = _Cure(theme)
        self.remedy.hide()
        self.other = _Cure(theme)
        self.other.hide()
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._words)
        column.addWidget(self.remedy, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.other, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 4)
        row.setSpacing(6)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        theme.changed.connect(self._colour)
        self.hide()

    @property
    def text(self) -> str:
        return self._text

    def show_error(self, error: StudioError, remedy: str = "", other: str = "") -> None:
        """Shows message and hint; `remedy` and `other` are the texts of links (`remedy.clicked`) that cure it."""
        self._text = " ".join(part for part in (error.message, error.hint) if part)
        self._words.setText(breakable(self._text))
        for link, text in ((self.remedy, remedy), (self.other, other)):
            link.setText(text)
            link.setVisible(bool(text))
        self._colour()
        self.show()
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # many enums, which few starts need

        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.text))

    def clear(self) -> None:
        self._text = ""
        self._words.clear()
        self.hide()

    def _colour(self) -> None:
        self._icon.setPixmap(self.theme.pixmap("error", "error", LINE_BODY, self.devicePixelRatioF()))
