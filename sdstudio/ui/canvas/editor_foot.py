"""The line below the canvas: its name, its size, what the mask covers, what goes on, and the zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.app import messages
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.canvas_work import CanvasWork
from sdstudio.ui.actions import Actions
from sdstudio.ui.controls import ElidedLabel, LinkButton, SectionLine, TextLabel, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.zoom_box import ZoomBox

FOOT_HEIGHT = 32
NAME_WIDTH_MOST = 260
SIZE_FROM = 480
"""Where it is narrower the size gives its place to the name; it stands in the layers too."""
COVERAGE_MS = 300
"""The share of the mask is counted when the hand has rested this long."""
DOT = "•"


def document_title(name: str, modified: bool) -> str:
    """With a dot while something is not in a file."""
    return f"{name} {DOT}" if modified else name


class EditorFoot(QWidget):
    """Follows the session; its buttons ask for another zoom."""

    cancel_clicked = Signal()

    def __init__(self, session: CanvasSession, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(FOOT_HEIGHT)
        self._session = session
        self._name = ElidedLabel(theme, mode=Qt.TextElideMode.ElideMiddle)
        self._name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._name.setMaximumWidth(NAME_WIDTH_MOST)
        self._size = TextLabel(theme, role="hint")
        self._mask = TextLabel(theme, role="hint")
        self._work = ElidedLabel(theme)
        self._cancel = LinkButton(theme, self.tr("Cancel"))
        describe(self._cancel, self.tr("Cancel"), self.tr("Leave the canvas as it was"), "Esc")
        self.zoom = ZoomBox(theme, actions)
        self._said = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(COVERAGE_MS)
        self._timer.timeout.connect(self._show_coverage)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._size)
        row.addWidget(self._mask)
        row.addWidget(self._work, 1)
        row.addStretch(1)
        row.addWidget(self._cancel)
        row.addWidget(self.zoom)
        self._line = SectionLine(self)

    def _connect(self) -> None:
        session = self._session
        session.title_changed.connect(self.show_title)
        session.document_changed.connect(self._on_document)
        session.mask_changed.connect(self._timer.start)
        session.pixels_changed.connect(self._on_pixels)
        session.work_changed.connect(self.show_work)
        self._cancel.clicked.connect(self.cancel_clicked)
        self.show_title()
        self.show_work(session.work)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), 1)
        self._size.setVisible(self.width() >= SIZE_FROM)
        super().resizeEvent(event)

    def tab_stops(self) -> tuple[QWidget, ...]:
        return self._cancel, *self.zoom.tab_stops()

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """Name, size, mask, work, as they are shown."""
        return self._name.text(), self._size.text(), self._mask.text(), self._work.text()

    def show_title(self) -> None:
        document = self._session.document
        self._name.setText(document_title(self._session.name, self._session.modified))
        self._size.setText("" if document is None else messages.size(document.size))
        self._timer.start()

    def say(self, words: str) -> None:
        """In the mask's place, until the canvas changes."""
        self._timer.stop()
        self._said = words
        self._show_coverage()

    def _on_document(self) -> None:
        self._said = ""
        self.show_title()

    def _on_pixels(self, _: object) -> None:
        self._said = ""
        self._timer.start()

    def _show_coverage(self) -> None:
        words = self._said
        if not words and self._session.document is not None and not self._session.mask_empty:
            percent = self._session.mask_coverage * 100
            shown = "<1" if percent < 1 else f"{percent:.0f}"
            words = self.tr("mask covers {percent} %").format(percent=shown)
        if words != self._mask.text():
            self._mask.setText(words)

    def show_work(self, work: CanvasWork | None) -> None:
        """In the mask's place, so that nothing else moves."""
        words = ""
        if work is not None:
            words = f"{work.label}…"
            if work.fraction is not None:
                words = self.tr("{work} {percent} %").format(work=words, percent=round(work.fraction * 100))
        self._work.setText(words)
        self._work.setVisible(work is not None)
        self._cancel.setVisible(work is not None and work.can_cancel)
        self._mask.setVisible(work is None)
