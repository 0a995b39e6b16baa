"""The one bridge between the window's thread and the engine's. Nothing else knows that there are two."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from sdstudio.app.engine_state import EngineState
from sdstudio.app.outbox import Outbox
from sdstudio.app.problems import in_words
from sdstudio.domain.engine_api import CancelToken, EngineInfo
from sdstudio.domain.events import Cancelled, Failed, Finished, JobEvent, Preview, Started
from sdstudio.domain.request import ModelSpec
from sdstudio.jobs.job import Job

if TYPE_CHECKING:
    from sdstudio.jobs.runner import JobRunner

log = logging.getLogger(__name__)

COLLECT_MS = 8
"""A step's preview and its progress come within a millisecond or two; taken together they cost the window one paint
instead of two."""

STACK_BYTES = 16 * 2**20
"""As Python gives its own threads on macOS, where others get 512 KB: too little for the libraries' deep calls."""


@dataclass(frozen=True, slots=True)
class _Task:
    job: Job
    token: CancelToken


class _EngineWorker(QObject):
    """Lives in the engine's thread. Its slots are the only code of the app that runs there."""

    mail_arrived = Signal()
    warmed = Signal(object)  # EngineInfo
    broke = Signal(object)  # Failed

    def __init__(self, runner: JobRunner, outbox: Outbox) -> None:
        super().__init__()
        self._runner = runner
        self._outbox = outbox
        self._ready = False
        self._ended = False

    @Slot(object)
    def warm_up(self, model: ModelSpec) -> None:
        try:
            info = self._runner.warm_up(model)
        except Exception as error:  # at the thread's edge every error becomes a value; the thread survives
            log.info("The engine could not be made ready", exc_info=True)
            self.broke.emit(failed_from("", error))
        else:
            self._ready = True
            self.warmed.emit(info)

    @Slot(object)
    def run_job(self, task: _Task) -> None:
        self._ended = False
        try:
            self._runner.run(task.job, self._send, task.token)
        except Exception as error:  # as above: the runner turns errors into Failed, this is for its own
            log.exception("Job %s ended with an error outside the engine", task.job.job_id)
            self._send(failed_from(task.job.job_id, error))
        if not self._ended:
            log.error("Job %s ended without saying how", task.job.job_id)
            self._send(failed_from(task.job.job_id, RuntimeError("the job ended without a last event")))

    @Slot()
    def stop(self) -> None:
        try:
            self._runner.close()
        except Exception:  # the program is ending: there is nothing left to do but to note it
            log.exception("The engine did not close cleanly")
        QThread.currentThread().quit()

    def _send(self, event: JobEvent) -> None:
        if isinstance(event, Started) and not self._ready:
            self._tell_ready()
        self._ended = self._ended or isinstance(event, Finished | Cancelled | Failed)
        if self._outbox.put(event):
            self.mail_arrived.emit()

    def _tell_ready(self) -> None:
        info = self._runner.info()
        if info is not None:
            self._ready = True
            self.warmed.emit(info)


class EngineBridge(QObject):
    """Sends jobs into the engine's thread and brings its events back, in order, into the thread that made the bridge.

    Previews come through a mailbox that holds of each picture the first and the newest; see Outbox.
    """

    event_arrived = Signal(object)  # JobEvent, except Preview
    preview_arrived = Signal(object)  # Preview
    state_changed = Signal(object)  # EngineState
    info_changed = Signal(object)  # EngineInfo

    _warm_up_wanted = Signal(object)
    _job_submitted = Signal(object)
    _end_wanted = Signal()

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = EngineState.STARTING
        self._info: EngineInfo | None = None
        self._failure: Failed | None = None
        self._tokens: dict[str, CancelToken] = {}
        self._ended = False
        self._outbox = Outbox()
        self._thread = QThread(self)
        self._thread.setObjectName("engine")
        self._thread.setStackSize(STACK_BYTES)
        self._worker = _EngineWorker(runner, self._outbox)
        self._worker.moveToThread(self._thread)
        self._collect = QTimer(self)
        self._collect.setSingleShot(True)
        self._collect.setInterval(COLLECT_MS)
        self._connect()

    def _connect(self) -> None:
        queued = Qt.ConnectionType.QueuedConnection
        self._warm_up_wanted.connect(self._worker.warm_up, queued)
        self._job_submitted.connect(self._worker.run_job, queued)
        self._end_wanted.connect(self._worker.stop, queued)
        self._worker.mail_arrived.connect(self._collect.start, queued)
        self._collect.timeout.connect(self._deliver)
        self._worker.warmed.connect(self._on_warmed, queued)
        self._worker.broke.connect(self._on_broke, queued)

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def info(self) -> EngineInfo | None:
        return self._info

    @property
    def failure(self) -> Failed | None:
        """Why the engine is BROKEN, in words; else None."""
        return self._failure

    @property
    def running(self) -> bool:
        """Whether the engine's thread lives."""
        return self._thread.isRunning()

    def start(self, model: ModelSpec) -> None:
        """Starts the engine's thread, where torch is imported and `model` read: STARTING, then READY or BROKEN."""
        if self._ended or self._thread.isRunning():
            return
        self.state_changed.emit(self._state)
        self._thread.start(QThread.Priority.LowPriority)
        self._warm_up_wanted.emit(model)

    def submit(self, job: Job) -> None:
        """Runs after what was submitted before, and after the warm-up. Before `start` it waits for `start`."""
        if self._ended:
            return
        token = CancelToken()
        self._tokens[job.job_id] = token
        self._job_submitted.emit(_Task(job, token))

    def cancel(self, job_id: str) -> None:
        """Asks the job to stop; its Cancelled (or what came first) follows. An unknown job is left alone."""
        token = self._tokens.get(job_id)
        if token is not None:
            token.cancel()

    def shutdown(self, timeout_ms: int = 2000) -> bool:
        """Cancels what runs, waits for the thread and delivers what it said last. May be called again.

        False when the thread is still inside something that cannot be interrupted (an import, the reading of a
        model): the caller then saves what it has and leaves with os._exit. The thread is never terminated.
        """
        if not self._ended:
            self._ended = True
            for token in self._tokens.values():
                token.cancel()
            self._end_wanted.emit()
        ended = not self._thread.isRunning() or self._thread.wait(timeout_ms)
        if ended:
            self._deliver()
        return ended

    @Slot()
    def _deliver(self) -> None:
        for event in self._outbox.take():
            if isinstance(event, Preview):
                self.preview_arrived.emit(event)
                continue
            if isinstance(event, Finished | Cancelled | Failed):
                self._tokens.pop(event.job_id, None)
            self.event_arrived.emit(event)

    @Slot(object)
    def _on_warmed(self, info: EngineInfo) -> None:
        self._failure = None
        if info != self._info:
            self._info = info
            self.info_changed.emit(info)
        self._set_state(EngineState.READY)

    @Slot(object)
    def _on_broke(self, failure: Failed) -> None:
        self._failure = failure
        self._set_state(EngineState.BROKEN)

    def _set_state(self, state: EngineState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)


def failed_from(job_id: str, error: Exception) -> Failed:
    """Any error as the event that ends a job: words for people, and the technical text as details."""
    known = in_words(error)
    details = "".join(traceback.format_exception(error))
    return Failed.of(job_id, known, details)
