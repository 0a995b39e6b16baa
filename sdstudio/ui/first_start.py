"""What stands in the middle before the first picture: examples to begin with."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from sdstudio.storage.resources import resource_path
from sdstudio.ui.controls import Heading, SectionLine, TextLabel
from sdstudio.ui.focus_ring import RingKeeper
from sdstudio.ui.ideas_line import IdeasLine
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import BADGE_HEIGHT, ICON_SIZE

CARD_WIDTH = 480
CARD_LEAST = 320
ROW_HEIGHT = 64
THUMB = 48
EXAMPLES_MOST = 4
_CENTRE = Qt.AlignmentFlag.AlignVCenter


class ExampleRow(QAbstractButton):
    """A prompt with a picture that the model made of it; the one that stands in the prompt field is marked."""

    def __init__(self, theme: Theme, prompt: str, picture: QPixmap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._picture = picture
        self._ring = RingKeeper(self, theme)
        self._ready = False
        self.setText(prompt)
        self.setFixedHeight(ROW_HEIGHT)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Use the prompt: {prompt}").format(prompt=prompt))
        self.setToolTip(self.tr("Put this prompt into the prompt field"))

    @property
    def ready(self) -> bool:
        return self._ready

    def set_ready(self, ready: bool) -> None:
        """Whether this prompt is the one that Generate would run."""
        if ready != self._ready:
            self._ready = ready
            self.setAccessibleDescription(self.tr("ready to run") if ready else "")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(CARD_LEAST - 32, ROW_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._ready or self.underMouse():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._theme.color("subtle" if self._ready else "raised"))
                painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
            left = 8
            if not self._picture.isNull():
                self._paint_thumb(painter, QRect(left, (self.height() - THUMB) // 2, THUMB, THUMB))
                left += THUMB + 12
            right = self._paint_end(painter)
            painter.setFont(self._theme.font("button" if self._ready else "body"))
            painter.setPen(self._theme.color("text"))
            area = QRect(left, 4, right - left - 16, self.height() - 8)
            painter.drawText(area, _CENTRE | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap, self.text())

    def _paint_thumb(self, painter: QPainter, place: QRect) -> None:
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(place), 2, 2)
        painter.save()
        painter.setClipPath(clip)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, self._picture)
        painter.restore()

    def _paint_end(self, painter: QPainter) -> int:
        """What the row says at its end; returns where that begins."""
        words = self.tr("ready to run") if self._ready else self.tr("Use")
        font = self._theme.font("small" if self._ready else "button")
        font.setUnderline(self.underMouse() and not self._ready)
        painter.setFont(font)
        painter.setPen(self._theme.color("text2" if self._ready else "accent"))
        painter.drawText(self.rect().adjusted(8, 0, -8, 0), _CENTRE | Qt.AlignmentFlag.AlignRight, words)
        return self.width() - 8 - painter.fontMetrics().horizontalAdvance(words)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring.focus_in(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring.focus_out(event)


class _Card(QFrame):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(CARD_WIDTH, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("dock"))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)


class FirstStart(QScrollArea):
    """A card in the middle; scrolls where the window is low. `prompt_chosen` carries the example's words."""

    prompt_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: list[ExampleRow] = []
        self._icons: list[tuple[QLabel, str]] = []
        self._time = ""
        self._ready = False
        self._before = TextLabel(theme, font="prompt", role="hint")
        self._after = TextLabel(theme, font="prompt", role="hint")
        self._examples = QVBoxLayout()
        self._examples_part = QWidget()
        self.ideas = IdeasLine(theme)
        self.ideas.chosen.connect(self.prompt_chosen)
        ground = QWidget()
        set_surface(ground, "canvas")
        outer = QVBoxLayout(ground)
        outer.setContentsMargins(16, 16, 16, 16)
        outer.addStretch(1)
        outer.addWidget(self._card(), 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(1)
        self.setWidget(ground)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.changed.connect(self._colour)
        self._colour()

    def set_examples(self, prompts: tuple[str, ...]) -> None:
        """The model's own; at most four are shown, each with its picture where one is shipped."""
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
        for number, prompt in enumerate(prompts[:EXAMPLES_MOST], 1):
            row = ExampleRow(self._theme, prompt, _example_picture(number))
            row.clicked.connect(lambda _checked=False, chosen=prompt: self.prompt_chosen.emit(chosen))
            self._examples.addWidget(row)
            self._rows.append(row)
        self._examples_part.setVisible(bool(self._rows))

    def set_prompt(self, prompt: str) -> None:
        """What stands in the prompt field."""
        for row in self._rows:
            row.set_ready(row.text() == prompt)
        self._ready = bool(prompt.strip())
        self._say()

    def set_time(self, words: str) -> None:
        """Measured on this computer ("about 4 s"), or "" before anything was measured."""
        self._time = words
        self._say()

    def _say(self) -> None:
        words = self.tr("Describe a picture on the left. Press {key} and watch it form here.")
        if self._ready:
            words = self.tr("A prompt is ready on the left. Press {key} and watch it form here.")
        before, after = words.split("{key}")
        time = self.tr("It takes {time} on this computer.").format(time=self._time) if self._time else ""
        self._before.setText(before.strip())
        self._after.setText(f"{after.strip()} {time}".strip())

    @property
    def rows(self) -> list[ExampleRow]:
        return self._rows

    def _card(self) -> QWidget:
        card = _Card(self._theme)
        card.setMinimumWidth(CARD_LEAST)
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head())
        column.addWidget(SectionLine())
        self._fill_examples_part()
        column.addWidget(self._examples_part)
        column.addWidget(self.ideas)
        column.addWidget(SectionLine())
        column.addWidget(self._foot())
        return card

    def _head(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(4)
        column.addWidget(TextLabel(self._theme, self.tr("Make your first picture"), font="title"))
        line = QHBoxLayout()
        line.setSpacing(6)
        key = TextLabel(self._theme, self.tr("Ctrl+Enter"), font="badge", role="key")
        key.setFixedHeight(BADGE_HEIGHT)
        line.addWidget(self._before)
        line.addWidget(key)
        line.addStretch(1)
        column.addLayout(line)
        self._after.setWordWrap(True)
        column.addWidget(self._after)
        self._say()
        return part

    def _fill_examples_part(self) -> None:
        self._examples.setContentsMargins(16, 12, 16, 8)
        self._examples.setSpacing(0)
        heading = Heading(self._theme, self.tr("Examples"))
        heading.setContentsMargins(8, 0, 0, 4)
        self._examples.addWidget(heading)
        self._examples_part.setLayout(self._examples)

    def _foot(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(24, 12, 24, 16)
        column.setSpacing(8)
        lines = (
            ("drop", self.tr("Drop a picture here to get back the settings that made it.")),
            ("image", self.tr("Every picture is saved at once, with its settings inside the file.")),
            ("offline", self.tr("Everything runs on this computer. Nothing is sent or fetched.")),
        )
        for icon_name, words in lines:
            icon = QLabel()
            icon.setFixedSize(ICON_SIZE, ICON_SIZE)
            self._icons.append((icon, icon_name))
            row = QHBoxLayout()
            row.setSpacing(12)
            row.addWidget(icon)
            label = TextLabel(self._theme, words, role="hint")
            label.setWordWrap(True)
            row.addWidget(label, 1)
            column.addLayout(row)
        return part

    def _colour(self) -> None:
        for label, name in self._icons:
            label.setPixmap(self._theme.pixmap(name, "text2", ICON_SIZE, self.devicePixelRatioF()))


def _example_picture(number: int) -> QPixmap:
    """The shipped result of example `number`, from 1; a null pixmap where none is shipped."""
    try:
        return QPixmap(str(resource_path(f"examples/{number}.png")))
    except FileNotFoundError:
        return QPixmap()
