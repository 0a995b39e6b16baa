"""Where model files are dropped in the dialog: what to do with them is asked in place, and how far a copy is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from sdstudio.app import model_words as words
from sdstudio.app.model_intake import IntakeProgress, is_model_name
from sdstudio.domain.errors import StudioError
from sdstudio.ui.controls import Button, ElidedLabel, IconButton, describe
from sdstudio.ui.models_folders import telling_name
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import ICON_SIZE, RADIUS

HEIGHT = 60
_STEPS = 1000


class IntakeState(Enum):
    IDLE = "idle"
    QUESTION = "question"
    BUSY = "busy"
    OUTCOME = "outcome"


def model_paths(data: QMimeData) -> list[Path]:
    """Folders, and local files that are named like models."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if is_model_name(path)]


class IntakeBar(QWidget):
    """One line of words, one of hints, the buttons; always of the same height, so that nothing moves."""

    use_asked = Signal(object)  # list[Path]
    copy_asked = Signal(object)  # list[Path]
    cancel_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._paths: list[Path] = []
        self._hot = False
        self.state = IntakeState.IDLE
        self._icon_name, self._icon_token = "drop", "text2"
        self._icon = QLabel()
        self.title = ElidedLabel(theme, mode=Qt.TextElideMode.ElideMiddle)
        self.hint = ElidedLabel(theme, font="small", role="hint")
        self.bar = QProgressBar()
        self.use = Button(theme)
        self.copy = Button(theme)
        self.cancel = Button(theme, self.tr("Cancel"))
        self.close_button = IconButton(theme, "close", self.tr("Close"), flat=True, icon_size=16)
        self._arrange()
        self.use.clicked.connect(lambda: self._answer(self.use_asked.emit))
        self.copy.clicked.connect(lambda: self._answer(self.copy_asked.emit))
        self.cancel.clicked.connect(self.cancel_asked)
        self.close_button.clicked.connect(self.show_idle)
        theme.changed.connect(self._colour)
        self.show_idle()

    def set_hot(self, hot: bool) -> None:
        """While files are held over the dialog."""
        if hot != self._hot:
            self._hot = hot
            self.update()

    def show_idle(self) -> None:
        words_ = self.tr("Drop model files or a folder here. You are asked whether to use them where they are.")
        self._show(IntakeState.IDLE, words_, "", "drop", "text2")

    def ask(self, paths: Sequence[Path]) -> None:
        """What to do with these."""
        self._paths = list(paths)
        first, one = self._paths[0], len(self._paths) == 1
        folders = {path if path.is_dir() else path.parent for path in self._paths}
        title = f"“{first.name}”" if one else self.tr("{count} files and folders").format(count=len(self._paths))
        hint = self.tr("Where they are: adds {count} folders to the list.").format(count=len(folders))
        if len(folders) == 1:
            name = telling_name(next(iter(folders)))
            hint = self.tr("Where it is: adds the folder “{folder}” to the list.").format(folder=name)
        self.use.setText(self.tr("Use it where it is") if one else self.tr("Use them where they are"))
        self.copy.setText(self.tr("Copy into my models"))
        describe(self.use, self.use.text(), self.tr("Nothing is copied or changed"))
        describe(self.copy, self.copy.text(), self.tr("The original stays where it is"))
        self._show(IntakeState.QUESTION, title, hint, "drop", "text")
        self.use.setFocus()
        self._announce()

    def show_progress(self, progress: IntakeProgress) -> None:
        amount = ""
        if progress.whole:
            done, whole = words.file_size(progress.done), words.file_size(progress.whole)
            amount = self.tr("{done} of {whole}").format(done=done, whole=whole)
            self.bar.setValue(round(_STEPS * progress.done / progress.whole))
        else:
            self.bar.setValue(0)
        if self.state is IntakeState.BUSY:
            self.title.setText(f"{progress.words}{words.DOT}{amount}" if amount else progress.words)
        else:
            self._show(IntakeState.BUSY, progress.words, "", "drop", "text")
            self.cancel.setFocus()

    def show_outcome(self, text: str, hint: str = "") -> None:
        self._show(IntakeState.OUTCOME, text, hint, "check", "ok")
        self._announce()

    def show_problem(self, error: StudioError) -> None:
        rest = " ".join(part for part in (error.meaning, error.hint) if part)
        self._show(IntakeState.OUTCOME, error.message, rest, "error", "error")
        self._announce()

    def show_useless(self, name: str, reason: words.Reason) -> None:
        """It came in, and cannot be used."""
        title = self.tr("“{name}” is in the list, but cannot be used.").format(name=name)
        self._show(IntakeState.OUTCOME, title, f"{reason.title} {reason.text}", "warn", "warn")
        self._announce()

    def _arrange(self) -> None:
        self.setFixedHeight(HEIGHT)
        self._icon.setFixedSize(ICON_SIZE, ICON_SIZE)
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(self.tr("How far the copy is"))
        lines = QVBoxLayout()
        lines.setSpacing(3)
        lines.addStretch(1)
        for part in (self.title, self.hint, self.bar):
            lines.addWidget(part)
        lines.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 12, 4)
        row.setSpacing(12)
        row.addWidget(self._icon)
        row.addLayout(lines, 1)
        for button in (self.use, self.copy, self.cancel, self.close_button):
            row.addWidget(button)

    def _show(self, state: IntakeState, title: str, hint: str, icon: str, token: str) -> None:
        self.state = state
        self.title.setText(title)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.bar.setVisible(state is IntakeState.BUSY)
        self.use.setVisible(state is IntakeState.QUESTION)
        self.copy.setVisible(state is IntakeState.QUESTION)
        self.cancel.setVisible(state is IntakeState.BUSY)
        self.close_button.setVisible(state in (IntakeState.QUESTION, IntakeState.OUTCOME))
        self._icon_name, self._icon_token = icon, token
        self._colour()
        self.update()

    def _answer(self, emit: Callable[[list[Path]], object]) -> None:
        paths = self._paths
        self.show_idle()
        emit(paths)

    def _announce(self) -> None:
        spoken = " ".join(filter(None, (self.title.text(), self.hint.text())))
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, spoken))

    def _colour(self) -> None:
        self._icon.setPixmap(self._theme.pixmap(self._icon_name, self._icon_token, ICON_SIZE, self.devicePixelRatioF()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dashed: a place to drop; solid while it asks or works."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = QPen(self._theme.color("accent" if self._hot else "border"), 2 if self._hot else 1)
            if self.state is IntakeState.IDLE:
                pen.setDashPattern([4, 3])
            painter.setPen(pen)
            edge = 1.0 if self._hot else 0.5
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), RADIUS, RADIUS)
