"""Things that a small model can draw, each a link that puts it into the prompt: “Try also”."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sdstudio.ui.controls import Heading, TextLabel
from sdstudio.ui.theme import Theme


class IdeasLine(QWidget):
    """Not there while there are none. `chosen` carries the prompt."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ideas: tuple[str, ...] = ()
        self.links = TextLabel(theme, role="hint")
        self.links.setTextFormat(Qt.TextFormat.RichText)
        self.links.setWordWrap(True)
        self.links.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.links.linkActivated.connect(lambda place: self.chosen.emit(self._ideas[int(place)]))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 4, 24, 12)
        column.setSpacing(4)
        column.addWidget(Heading(theme, self.tr("Try also")))
        column.addWidget(self.links)
        theme.changed.connect(self._fill)
        self.hide()

    @property
    def ideas(self) -> tuple[str, ...]:
        return self._ideas

    def set_ideas(self, ideas: tuple[str, ...]) -> None:
        """Prompts, in the order in which they are shown."""
        self._ideas = ideas
        self._fill()
        self.setVisible(bool(ideas))

    def _fill(self) -> None:
        style = f"color:{self._theme.color('accent').name()}; text-decoration:none"
        # Non-breaking spaces: a line ends between two things, not inside of one.
        words = [escape(idea).replace(" ", "&nbsp;") for idea in self._ideas]
        links = (f'<a href="{place}" style="{style}">{word}</a>' for place, word in enumerate(words))
        self.links.setText(" · ".join(links))
        self.links.setAccessibleName(self.tr("Try also: {things}").format(things=", ".join(self._ideas)))
