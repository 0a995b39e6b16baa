"""One thread for disk work, so that the window never waits for a file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from sdstudio.app.problems import in_words
from sdstudio.domain.errors import StudioError

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Task:
    work: Callable[[], Any]
    done: Callable[[Any], None] | None
    failed: Callable[[StudioError], None] | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    task: _Task
    value: Any = None
    error: StudioError | None = None


class _Worker(QObject):
    finished = Signal(object)  # _Outcome

    @Slot(object)
    def run_task(self, task: _Task) -> None:
        try:
            outcome = _Outcome(task, task.work())
        except StudioError as error:
            outcome = _Outcome(task, error=error)
        except OSError as error:
            log.info("Disk work failed", exc_info=True)
            outcome = _Outcome(task, error=in_words(error))
        except Exception as error:  # at the thread's edge every error becomes a value; the thread survives
            log.exception("Work on the disk thread failed")
            outcome = _Outcome(task, error=in_words(error))
        self.finished.emit(outcome)

    @Slot()
    def stop(self) -> None:
        QThread.currentThread().quit()


class IoWorker(QObject):
    """Runs work in the order it was submitted; answers come in the thread that made the worker.

    `work` runs in the other thread, which begins with the first of it, and must touch nothing but what it was given.
    """

    _submitted = Signal(object)
    _end_wanted = Signal()

    def __init__(self, parent: QObject | None = None, *, name: str = "io") -> None:
        super().__init__(parent)
        self._closed = False
        self._thread = QThread(self)
        self._thread.setObjectName(name)
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        queued = Qt.ConnectionType.QueuedConnection
        self._submitted.connect(self._worker.run_task, queued)
        self._end_wanted.connect(self._worker.stop, queued)
        self._worker.finished.connect(self._deliver, queued)

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[StudioError], None] | None = None,
    ) -> None:
        """`done(result)` or `failed(error)` is called later, in this thread. A failure that nobody takes is logged.

        After `close` nothing is taken any more.
        """
        if self._closed:
            log.info("Disk work that came after the end was left")
            return
        if not self._thread.isRunning():
            self._thread.start()
        self._submitted.emit(_Task(work, done, failed))

    def close(self, timeout_ms: int = 2000) -> bool:
        """Finishes what was submitted; no answers are given any more. False when that takes longer than the timeout."""
        if not self._closed:
            self._closed = True
            self._end_wanted.emit()
        return not self._thread.isRunning() or self._thread.wait(timeout_ms)

    @Slot(object)
    def _deliver(self, outcome: _Outcome) -> None:
        if self._closed:
            return
        if outcome.error is None:
            if outcome.task.done is not None:
                outcome.task.done(outcome.value)
        elif outcome.task.failed is not None:
            outcome.task.failed(outcome.error)
        else:
            log.warning("%s", outcome.error)
