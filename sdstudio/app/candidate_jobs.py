"""Jobs of the canvas followed from the click to their prepared results: a part of Candidates."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import QObject

from sdstudio.app.candidate_ground import Ground, ground_of
from sdstudio.app.candidate_look import CandidateLook
from sdstudio.app.candidate_prepare import CandidatePart, prepared, thumb_of
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_job import EditJob
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.job_item import JobItem
from sdstudio.app.queue import JobQueue
from sdstudio.domain.errors import StudioError
from sdstudio.domain.events import PictureSaved, Preview
from sdstudio.domain.image import ImageBuffer


class EditSource(Protocol):
    """The part of app.edit_jobs.EditJobs that is needed here."""

    started: Any
    """Signal(EditJob), before any event of that job."""

    def forget(self, job_id: str) -> None:
        """Its results are accepted or discarded."""


class CandidateJobs(CandidateLook):
    """What comes for a job while another one's candidates are still being made waits for its turn."""

    def __init__(
        self, canvas: CanvasSession, queue: JobQueue, edits: EditSource, io: IoWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(canvas, io, parent)
        self._queue = queue
        self._edits = edits
        self._document: object | None = canvas.document
        self._later: list[EditJob] = []
        self._seen: set[str] = set()
        edits.started.connect(self.take)
        queue.preview_changed.connect(self._on_preview)
        queue.picture_saved.connect(self._on_saved)
        queue.job_ended.connect(self._on_ended)
        queue.waiting_changed.connect(self._on_waiting)
        queue.current_changed.connect(self._on_current)

    def take(self, job: EditJob) -> None:
        """Its results come here. While others are still being made for something else it waits for its turn."""
        if self.open and not self._shelf.belongs(job):
            if self._shelf.busy:
                self._later.append(job)
                return
            self._clear()
        self._add(job)

    def _add(self, job: EditJob) -> None:
        if not self.open:
            self._following = True
        self._shelf.add(job)
        self._io.submit(lambda: ground_of(job), self._on_ground, self.problem.emit)
        self.changed.emit()

    def _on_ground(self, ground: Ground) -> None:
        self._shelf.set_ground(ground)
        if self._before_thumb is None and self._shelf.job(ground.job.job_id) is not None:
            rect = ground.seen.moved(*ground.shift)
            self._io.submit(lambda: thumb_of(ground.before, rect), self._on_before_thumb, self.problem.emit)

    def _on_before_thumb(self, thumb: ImageBuffer) -> None:
        if self.open:
            self._before_thumb = thumb
            self.changed.emit()

    def _on_current(self, item: JobItem | None) -> None:
        """One that waited for its turn: what is here had its time."""
        if item is not None:
            self._seen.add(item.job_id)
            late = [job for job in self._later if job.job_id == item.job_id]
            for job in late:
                self._later.remove(job)
                if not self._shelf.belongs(job):
                    self._clear()
                self._add(job)

    def _on_waiting(self, items: tuple[JobItem, ...]) -> None:
        """What was taken out of the queue will not come."""
        here = {item.job_id for item in items}
        current = self._queue.current
        if current is not None:
            here.add(current.job_id)
        gone = self._seen - here
        self._seen = (self._seen | here) - gone
        for job_id in gone:
            self._end(job_id)

    def _on_preview(self, preview: Preview) -> None:
        job = self._shelf.job(preview.job_id)
        if job is None:
            return
        frame = job.place if preview.frame is None else preview.frame.moved(job.place.x, job.place.y)
        place = self._shelf.preview(preview.job_id, preview.index, frame, preview.image)
        if place is None:
            return
        if self._following and place != self._place:
            self._go(place)
        self.forming.emit()

    def _on_saved(self, saved: PictureSaved) -> None:
        job = self._shelf.job(saved.job_id)
        if job is None:
            return
        self._shelf.expect(saved.job_id)
        ground = self._shelf.ground(saved.job_id)

        def work() -> CandidatePart:
            return prepared(ground_of(job) if ground is None else ground, saved)

        self._io.submit(work, self._on_prepared, partial(self._on_not_prepared, saved.job_id))

    def _on_prepared(self, part: CandidatePart) -> None:
        place = self._keep_place(lambda: self._shelf.put(part))
        if place is not None and self._following and place > self._place:  # the next one may be forming already
            self._place = place
        self.changed.emit()

    def _on_not_prepared(self, job_id: str, error: StudioError) -> None:
        self._keep_place(lambda: self._shelf.give_up(job_id))
        self.problem.emit(error)
        self.changed.emit()

    def _on_ended(self, item: JobItem) -> None:
        self._seen.discard(item.job_id)
        self._end(item.job_id)

    def _end(self, job_id: str) -> None:
        self._later = [job for job in self._later if job.job_id != job_id]
        if self._shelf.job(job_id) is not None:
            self._keep_place(lambda: self._shelf.end(job_id))
            self.changed.emit()

    def _clear(self) -> None:
        for job_id in self._shelf.jobs:
            self._edits.forget(job_id)
        super()._clear()
