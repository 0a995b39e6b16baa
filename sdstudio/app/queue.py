"""The jobs of this window: one runs, the others wait in an order that can be changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from sdstudio.app.bridge import EngineBridge
from sdstudio.app.engine_state import EngineState
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.job_item import SAVED_KEPT, JobItem, JobState, pictures_of, steps_of
from sdstudio.app.rest import rest_of
from sdstudio.app.step_times import StepTimes
from sdstudio.app.time_left import TimeLeft
from sdstudio.domain.errors import ErrorKind, StudioError
from sdstudio.domain.events import (
    Cancelled,
    Failed,
    Finished,
    JobEvent,
    Loading,
    PictureSaved,
    Preview,
    Progress,
    Started,
)
from sdstudio.domain.request import JobRequest
from sdstudio.jobs.job import Job

if TYPE_CHECKING:
    from sdstudio.jobs.runner import JobRunner

__all__ = ["JobItem", "JobQueue", "JobState"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: Job
    item: JobItem


class _Current:
    """The job that has its turn."""

    def __init__(self, job: Job, item: JobItem, now: float) -> None:
        self.job = job
        self.item = item
        self.submitted = False
        self.by_user = False
        self.done: set[int] = set()
        self.left = TimeLeft()
        self.seconds_per_step = 0.0
        self.picture_began = now


class JobQueue(QObject):
    """Journals what is added (on the io worker), runs it in order, and tells how it goes in frozen snapshots.

    Only the job that has its turn is given to the engine, so that the others stay free to be moved and removed.
    """

    waiting_changed = Signal(object)  # tuple[JobItem, ...], in order
    current_changed = Signal(object)  # JobItem | None
    preview_changed = Signal(object)  # Preview
    picture_saved = Signal(object)  # PictureSaved
    job_ended = Signal(object)  # JobItem: DONE, CANCELLED or FAILED
    refused = Signal(object)  # StudioError

    def __init__(
        self,
        bridge: EngineBridge,
        runner: JobRunner,
        io: IoWorker,
        estimator: StepTimes,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._runner = runner
        self._io = io
        self._times = estimator
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._current: _Current | None = None
        self._closing = False
        self._device_lost = False
        bridge.event_arrived.connect(self._on_event)
        bridge.preview_arrived.connect(self._on_preview)
        bridge.state_changed.connect(self._on_engine_state)

    @property
    def current(self) -> JobItem | None:
        return None if self._current is None else self._current.item

    @property
    def waiting(self) -> tuple[JobItem, ...]:
        return tuple(entry.item for entry in self._waiting)

    def add(
        self,
        request: JobRequest,
        accepted: Callable[[], None] | None = None,
        *,
        named: Callable[[str], None] | None = None,
    ) -> None:
        """Journals the request, then lets it wait for its turn. `refused` when the journal cannot be written.

        `accepted()` is called when the request is safe on disk, and `named(job_id)`, before anything is told of it.
        """

        def done(job: Job) -> None:
            if accepted is not None:
                accepted()
            if named is not None:
                named(job.job_id)
            self._take(job)

        self._io.submit(lambda: self._runner.accept(request), done, self.refused.emit)

    def remove(self, job_id: str) -> None:
        """Takes a waiting job out, and its journal entry with it. Unknown or running jobs are left alone."""
        kept = [entry for entry in self._waiting if entry.job.job_id != job_id]
        self._drop([entry for entry in self._waiting if entry.job.job_id == job_id])
        self._set_waiting(kept)

    def clear_waiting(self) -> None:
        self._drop(self._waiting)
        self._set_waiting([])

    def move(self, job_id: str, index: int) -> None:
        """Puts a waiting job at `index` of the others (clamped to the ends)."""
        moved = [entry for entry in self._waiting if entry.job.job_id == job_id]
        others = [entry for entry in self._waiting if entry.job.job_id != job_id]
        at = min(max(index, 0), len(others))
        self._set_waiting([*others[:at], *moved, *others[at:]])

    def cancel_current(self) -> None:
        """CANCELLING at once; a job that the engine has not seen yet is gone at once."""
        current = self._current
        if current is None or current.by_user:
            return
        current.by_user = True
        if current.submitted:
            self._update(state=JobState.CANCELLING)
            self._bridge.cancel(current.job.job_id)
        else:
            self._drop([_Waiting(current.job, current.item)])
            self._end(JobState.CANCELLED)

    def close(self) -> None:
        """Before the bridge is shut down: nothing starts any more, and what waits keeps its journal entry.

        What is left of the job that runs is journaled anew when the engine has let go of it, so that the next
        start can offer it; a job that the person had cancelled is not.
        """
        self._closing = True

    # The way of a job ------------------------------------------------------------------------------------------

    def _take(self, job: Job) -> None:
        item = JobItem(
            job_id=job.job_id,
            request=job.request,
            state=JobState.WAITING,
            pictures=pictures_of(job.request),
            steps=steps_of(job.request),
            seconds_left=self._times.seconds_for(job.request),
        )
        self._set_waiting([*self._waiting, _Waiting(job, item)])
        self._start_next()

    def _start_next(self) -> None:
        if self._current is not None or not self._waiting or self._closing or self._device_lost:
            return
        entry, *others = self._waiting
        item = replace(entry.item, state=JobState.GETTING_READY, seconds_left=None)
        self._current = _Current(entry.job, item, self._clock())
        self._set_waiting(others)
        if self._bridge.state is EngineState.STARTING:
            self.current_changed.emit(item)
        else:
            self._submit(self._current)

    def _submit(self, current: _Current) -> None:
        current.submitted = True
        current.item = replace(current.item, state=JobState.RUNNING)
        self.current_changed.emit(current.item)
        self._bridge.submit(current.job)

    def _on_engine_state(self, state: EngineState) -> None:
        current = self._current
        if state is not EngineState.STARTING and current is not None and not current.submitted and not self._closing:
            self._submit(current)

    def _on_preview(self, preview: Preview) -> None:
        if self._current is not None and preview.job_id == self._current.job.job_id:
            self.preview_changed.emit(preview)

    def _on_event(self, event: JobEvent) -> None:
        current = self._current
        if current is None or event.job_id != current.job.job_id:
            log.info("An event of job %s came after its end", event.job_id)
            return
        match event:
            case Started():
                current.picture_began = self._clock()
                self._update(state=JobState.RUNNING, pictures=event.pictures, steps=event.steps)
            case Loading():
                ready = self._bridge.state is EngineState.READY
                state = JobState.LOADING if ready else JobState.GETTING_READY
                self._update(state=state, what=event.what, read=event.done, read_of=event.total)
            case Progress():
                self._on_progress(current, event)
            case PictureSaved():
                self._on_saved(current, event)
            case Finished():
                self._end(JobState.DONE)
            case Cancelled():
                self._end(JobState.CANCELLED)
            case Failed():
                self._end(JobState.FAILED, event)
            case Preview():
                self._on_preview(event)

    def _on_progress(self, current: _Current, event: Progress) -> None:
        if event.step == 0:
            current.picture_began = self._clock()
        if event.seconds_per_step > 0:
            current.seconds_per_step = event.seconds_per_step
        elif event.step > 0:
            current.seconds_per_step = (self._clock() - current.picture_began) / event.step
        pictures_after = max(0, current.item.pictures - event.index - 1)
        steps_left = event.steps - event.step + pictures_after * event.steps
        seconds = steps_left * current.seconds_per_step
        seconds += self._times.fixed_for(current.job.request) * (pictures_after + 1)
        left = current.left.update(event.index * event.steps + event.step, seconds)
        state = JobState.FINISHING if 0 < event.steps <= event.step else JobState.RUNNING
        self._update(state=state, index=event.index, step=event.step, steps=event.steps, seconds_left=left)

    def _on_saved(self, current: _Current, event: PictureSaved) -> None:
        current.done.add(event.index)
        self._times.learn(event.request, event.seconds, current.seconds_per_step)
        saved = (*current.item.saved, event)[-SAVED_KEPT:]
        self._update(saved=saved, done=len(current.done))
        self.picture_saved.emit(event)

    def _update(self, **changes: object) -> None:
        """CANCELLING stays until the job has ended; silent when nothing changed."""
        current = self._current
        if current is None:
            return
        if current.item.state is JobState.CANCELLING:
            changes.pop("state", None)
        item = replace(current.item, **changes)  # type: ignore[arg-type]
        if item != current.item:
            current.item = item
            self.current_changed.emit(item)

    def _end(self, state: JobState, failure: Failed | None = None) -> None:
        current = self._current
        if current is None:
            return
        self._current = None
        if self._closing and state is JobState.CANCELLED and not current.by_user:
            self._keep_for_next_start(current)
        if failure is not None and failure.kind is ErrorKind.DEVICE_LOST:
            # Every other job would fail as well: they wait for the next start, and this one with them.
            self._device_lost = True
            self._keep_for_next_start(current)
        self.job_ended.emit(replace(current.item, state=state, failure=failure, seconds_left=None))
        self._start_next()
        self._estimate_waiting()
        if self._current is None:
            self.current_changed.emit(None)

    def _estimate_waiting(self) -> None:
        """With what the job that just ended has taught."""
        seconds = [self._times.seconds_for(entry.job.request) for entry in self._waiting]
        self._set_waiting(
            [
                _Waiting(entry.job, replace(entry.item, seconds_left=estimate))
                for entry, estimate in zip(self._waiting, seconds, strict=True)
            ]
        )

    def _keep_for_next_start(self, current: _Current) -> None:
        for request in rest_of(current.job.request, current.done):
            self._io.submit(_accept_quietly(self._runner, request))

    def _drop(self, entries: list[_Waiting]) -> None:
        for entry in entries:
            self._io.submit(_dropper(self._runner, entry.job))

    def _set_waiting(self, entries: list[_Waiting]) -> None:
        if entries != self._waiting:
            self._waiting = entries
            self.waiting_changed.emit(self.waiting)


def _accept_quietly(runner: JobRunner, request: JobRequest) -> Callable[[], None]:
    """At the end of the program nobody is left to be told: a failure goes to the log."""

    def accept() -> None:
        try:
            runner.accept(request)
        except StudioError as error:
            log.warning("The job could not be kept for the next start: %s", error)

    return accept


def _dropper(runner: JobRunner, job: Job) -> Callable[[], None]:
    return lambda: runner.drop(job)
