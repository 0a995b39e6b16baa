"""From Generate on the canvas to jobs in the queue, remembered until their results have found their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QObject, Signal

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_again import order_again, prepare_again
from sdstudio.app.edit_build import Prepared, enlarged, ground_of, prepare
from sdstudio.app.edit_job import EditJob
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_requests import EditOrder
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.queue import JobQueue
from sdstudio.app.session import Session
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.errors import StudioError
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.image_store import ImageStore

__all__ = ["EditJob", "EditJobs"]

KEPT = 16
"""Jobs that are remembered: each holds on to the canvas as it was."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("EditJobs", text)


class EditJobs(QObject):
    """`started` comes for every job when its request is safe on disk, before anything is told of it. Jobs of one
    click share their snapshot."""

    started = Signal(object)  # EditJob
    problem = Signal(object)  # StudioError

    def __init__(
        self,
        canvas: CanvasSession,
        session: Session,
        planner: EditPlanner,
        queue: JobQueue,
        images: ImageStore,
        io: IoWorker,
        parent: QObject | None = None,
    ) -> None:
        """`io`: the thread in which what goes along is composed and stored."""
        super().__init__(parent)
        self._canvas = canvas
        self._session = session
        self._planner = planner
        self._queue = queue
        self._images = images
        self._io = io
        self._jobs: dict[str, EditJob] = {}

    def job(self, job_id: str) -> EditJob | None:
        """Of the newest ones."""
        return self._jobs.get(job_id)

    def forget(self, job_id: str) -> None:
        """Its results are accepted or discarded. Quiet where it is not known."""
        self._jobs.pop(job_id, None)

    def generate(self) -> None:
        """What the plan says, with the canvas as it is now. Raises InvalidRequest(field) for what the fields hold."""
        plan, document = self._planner.plan, self._canvas.document
        if not plan.on_canvas or document is None:
            return
        if plan.problem:
            self.problem.emit(StudioError(plan.problem))
            return
        order = replace(self._planner.order(), base=self._session.build_request())
        snapshot, images = _alone(document.snapshot()), self._images
        if plan.alone:
            self._io.submit(
                lambda: enlarged(order, ground_of(snapshot, images), plan.made), self._queue.add, self.problem.emit
            )
            return
        self._submit(order, snapshot, lambda: prepare(order, ground_of(snapshot, images)))

    def again(self, job: EditJob, request: GenerationRequest) -> None:
        """One more of the same: `request` is the job's with another seed or count. `started` follows."""

        def named(job_id: str) -> None:
            self._remember(replace(job, job_id=job_id, request=request))

        self._queue.add(request, named=named)

    def make_again(self, layer_id: str) -> None:
        """An accepted change anew, with prompt and seed of the session, from what lies below it. Raises InvalidRequest
        (field) for what the fields hold."""
        document = self._canvas.document
        if document is None:
            return
        snapshot, images = _alone(document.snapshot()), self._images
        record = _record_of(snapshot, layer_id)
        if record is None:
            self.problem.emit(
                StudioError(
                    _tr("This layer does not say what it was made from."),
                    hint=_tr("Mask its place and generate anew, then delete the layer."),
                )
            )
            return
        order = order_again(record, self._session.build_request(), self._planner.native)

        def build() -> tuple[Prepared, ...]:
            return (prepare_again(order, record, ground_of(snapshot, images, below=layer_id)),)

        self._submit(order, snapshot, build, layer_id)

    def _submit(
        self,
        order: EditOrder,
        snapshot: CanvasSnapshot,
        build: Callable[[], tuple[Prepared, ...]],
        replaces: str | None = None,
    ) -> None:
        def add_all(found: tuple[Prepared, ...]) -> None:
            for each in found:
                self._add(order, snapshot, each, replaces)

        self._io.submit(build, add_all, self.problem.emit)

    def _add(self, order: EditOrder, snapshot: CanvasSnapshot, each: Prepared, replaces: str | None) -> None:
        def named(job_id: str) -> None:
            job = EditJob(
                job_id=job_id,
                request=each.request,
                task=order.task,
                source=each.source,
                place=each.place,
                plan=each.plan,
                margins=each.margins,
                mask=each.mask,
                mode=order.mode if order.task == "inpaint" else None,
                snapshot=snapshot,
                replaces=replaces,
            )
            self._remember(job)

        self._queue.add(each.request, named=named)

    def _remember(self, job: EditJob) -> None:
        self._jobs[job.job_id] = job
        while len(self._jobs) > KEPT:
            del self._jobs[next(iter(self._jobs))]
        self.started.emit(job)


def _alone(snapshot: CanvasSnapshot) -> CanvasSnapshot:
    """Without its history, which would be kept in memory with it."""
    return replace(snapshot, undo=(), redo=(), pending=None)


def _record_of(snapshot: CanvasSnapshot, layer_id: str) -> PatchRecord | None:
    return next((layer.record for layer in snapshot.state.layers if layer.info.id == layer_id), None)
