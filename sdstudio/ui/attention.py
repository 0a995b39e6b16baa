"""A quiet word when a long run ends while the person is elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QApplication, QWidget

from sdstudio.app import messages
from sdstudio.app.context import AppContext
from sdstudio.app.job_item import JobItem, JobState

LONG_SECONDS = 10.0
NAME = "SD Studio"


class Attention(QObject):
    """Marks title and taskbar until the window is looked at again; tells screen readers how each run ended."""

    def __init__(self, context: AppContext, window: QWidget, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(window)
        self._settings = context.settings
        self._window = window
        self._clock = clock
        self._job_id = ""
        self._began = 0.0
        self._title = NAME
        window.setWindowTitle(NAME)
        window.installEventFilter(self)
        context.queue.current_changed.connect(self._on_current)
        context.queue.job_ended.connect(self._on_ended)

    def set_document(self, words: str) -> None:
        """What is open stands before the program's name; "" for nothing."""
        before, self._title = self._title, f"{words} – {NAME}" if words else NAME
        if self._window.windowTitle() == before:
            self._window.setWindowTitle(self._title)

    def _on_current(self, item: JobItem | None) -> None:
        if item is not None and item.job_id != self._job_id:
            self._job_id, self._began = item.job_id, self._clock()

    def _on_ended(self, item: JobItem) -> None:
        words = self._words(item)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._window, words))
        long = self._clock() - self._began >= LONG_SECONDS
        wanted = self._settings.settings.notify_when_done and item.state is not JobState.CANCELLED
        if long and wanted and not self._window.isActiveWindow():
            self._window.setWindowTitle(f"{words} – {NAME}")
            QApplication.alert(self._window)

    def _words(self, item: JobItem) -> str:
        if item.state is JobState.DONE:
            return self.tr("{pictures} done").format(pictures=messages.picture_count(item.done))
        if item.state is JobState.FAILED and item.failure is not None:
            return item.failure.message
        return messages.job_state(item)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowActivate and self._window.windowTitle() != self._title:
            self._window.setWindowTitle(self._title)
        return False
