"""Says which job failed and why, until the next one of its kind succeeds or what it complains of was changed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject

from sdstudio.app import messages
from sdstudio.app.context import AppContext
from sdstudio.app.edit_job import EditJob
from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.errors import ErrorKind, InvalidRequest, StudioError
from sdstudio.domain.events import Failed
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import UpscaleRequest
from sdstudio.ui.banner import Banner, Message, Remedy
from sdstudio.ui.left_dock import LeftDock


@dataclass(frozen=True, slots=True)
class _Said:
    """A failure in the banner. `kind`: of the job; `model`: the path of the model that it complains of, or "";
    `asked_before`: the jobs that waited already when it came. Their success says nothing of it, and would take it away
    unread where many pictures are made overnight."""

    message: Message
    kind: str
    model: str
    asked_before: frozenset[str]


class JobFailures(QObject):
    """A fault of one field goes beside that field, all others go into the banner."""

    def __init__(self, context: AppContext, banner: Banner, left: LeftDock, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._banner = banner
        self._left = left
        self._said: list[_Said] = []
        context.queue.job_ended.connect(self._on_ended)
        context.session.model_changed.connect(self._on_model)

    def _on_ended(self, item: JobItem) -> None:
        if item.state is JobState.DONE:
            kind = self._kind(item)
            self._forget([said for said in self._said if said.kind == kind and item.job_id not in said.asked_before])
        elif item.state is JobState.FAILED and item.failure is not None:
            self._say(item, item.failure)

    def _say(self, item: JobItem, failure: Failed) -> None:
        if failure.field and self._left.show_error(InvalidRequest(failure.field, failure.message, hint=failure.hint)):
            return
        again = () if failure.kind in (ErrorKind.BAD_INPUT, ErrorKind.DEVICE_LOST) else (self._again(item),)
        message = message_of(failure, again)
        of_model = failure.kind is ErrorKind.MODEL and not isinstance(item.request, UpscaleRequest)
        model = item.request.model.path if of_model and not isinstance(item.request, UpscaleRequest) else ""
        before = frozenset(waiting.job_id for waiting in self._context.queue.waiting)
        self._said.append(_Said(message, self._kind(item), model, before))
        self._banner.show_message(message)

    def _on_model(self, info: ModelInfo) -> None:
        """Another one was chosen; what becomes known of the same one changes nothing."""
        self._forget([said for said in self._said if said.model not in ("", info.spec.path)])

    def _forget(self, old: list[_Said]) -> None:
        self._said = [said for said in self._said if said not in old]
        self._banner.drop(said.message for said in old)

    def _kind(self, item: JobItem) -> str:
        if isinstance(item.request, UpscaleRequest):
            return "enlarge"
        return "picture" if self._edit(item) is None else "edit"

    def _edit(self, item: JobItem) -> EditJob | None:
        return self._context.edit_jobs.job(item.job_id)

    def _again(self, item: JobItem) -> Remedy:
        """An edit finds its place on the canvas again; a model is taken as it is known by then."""
        edits, catalog = self._context.edit_jobs, self._context.catalog
        job = self._edit(item)
        if job is None:
            return Remedy(self.tr("Try again"), lambda: self._context.queue.add(catalog.with_known_model(item.request)))
        return Remedy(self.tr("Try again"), lambda: edits.again(job, catalog.with_known_model(job.request)))


def message_of(error: StudioError | Failed, remedies: tuple[Remedy, ...] = ()) -> Message:
    words = messages.error_words(error)
    text = " ".join(part for part in (words.meaning, words.hint) if part)
    topic = error.topic if isinstance(error, StudioError) else ""
    return Message(title=words.message, text=text, details=words.details, remedies=remedies, topic=topic)
