"""The results of an edit, to be looked at in place, and one of them accepted: the owner of what is chosen and how.

Nothing of it is part of the document before `accept`, which adds one patch layer (several islands: one each). The mask
stays as it is then: one often goes on at the same place, and clearing it is one key. `discard` leaves the canvas as it
was; the files stay in the results in any case. Another Generate begins anew, unless it asks for the same again: then
its candidates come beside those that are there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from sdstudio.app.candidate_core import BEFORE
from sdstudio.app.candidate_jobs import CandidateJobs, EditSource
from sdstudio.app.candidate_prepare import CandidatePart, soft
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_job import EditJob
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.queue import JobQueue
from sdstudio.domain.errors import StudioError

__all__ = ["BEFORE", "Candidates", "EditSource"]
NAME_WORDS = 6
"""Of the prompt: the name of the layer."""


class Candidates(CandidateJobs):
    """Put together from its parts: `candidate_core` (what there is), `candidate_look` (how it is shown),
    `candidate_jobs` (where it comes from). Lives in the window's thread; what is costly is done in `io`'s."""

    def __init__(
        self, canvas: CanvasSession, queue: JobQueue, edits: EditSource, io: IoWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(canvas, queue, edits, io, parent)
        canvas.document_changed.connect(self._on_document)

    def accept(self, anyway: bool = False) -> None:
        """The one that is chosen becomes part of the document. `doubted` instead, where pixels changed outside."""
        chosen = self.finished
        if chosen is None:
            return
        if not self.fits:
            self.note.emit(self.tr("The canvas has another size now. Undo that, or generate again."))
        elif chosen.changed_outside and not anyway:
            self.doubted.emit(chosen)
        else:
            self._accept_parts(chosen.parts)

    def _accept_parts(self, parts: tuple[CandidatePart, ...]) -> None:
        """One after another, as each may be worked out in another thread."""
        part, *others = parts
        layer, ground = part.layer, part.ground

        def done(layer_id: str) -> None:
            if others:
                self._accept_parts(tuple(others))
            else:
                self._clear()
                self.accepted.emit(layer_id)

        self._canvas.accept_patch(
            layer.pixels,
            layer.x,
            layer.y,
            layer_name(ground.job.request.prompt.positive),
            layer.record,
            replaces=ground.job.replaces,
            resize=ground.resize,
            done=done,
        )

    def discard(self) -> None:
        """The canvas stays as it was; what still runs for it is cancelled."""
        if self.open:
            self.cancel_run()
            self._clear()
            self.discarded.emit()

    def cancel_run(self) -> bool:
        """Stops what is being made for the strip. False when nothing is."""
        running = self._shelf.running
        for job_id in running:
            current = self._queue.current
            if current is not None and current.job_id == job_id:
                self._queue.cancel_current()
            else:
                self._queue.remove(job_id)
        return bool(running)

    def escape(self) -> bool:
        """One thing at a time: the way of looking, the run, the candidates. False when there is nothing."""
        if not self.open:
            return False
        if self._difference or self._compare is not None or self._stray:
            self._look_plainly()
            self.changed.emit()
        elif not self.cancel_run():
            self.discard()
        return True

    def more_like_this(self) -> None:
        """The chosen one's request with the seeds that follow all that were used here."""
        chosen = self.chosen
        seed = self._shelf.next_seed
        for part in chosen.parts if chosen is not None else ():
            self._ask_again(part.ground.job, seed)
        self._following = True

    def _ask_again(self, job: EditJob, seed: int) -> None:
        request = replace(job.request, sampling=replace(job.request.sampling, seed=seed))
        self._queue.add(request, named=lambda job_id: self.take(replace(job, job_id=job_id, request=request)))

    def soften(self) -> None:
        """The chosen one's edge, without generating."""
        chosen = self.finished
        if chosen is None or self._softening:
            return
        self._softening = True
        self.changed.emit()
        for part in chosen.parts:
            self._io.submit(partial(soft, part), partial(self._on_soft, part), self._on_not_soft)

    def _on_soft(self, old: CandidatePart, new: CandidatePart | None) -> None:
        self._softening = False
        if new is None:
            self.note.emit(self.tr("Its edge cannot be made softer without generating."))
            new = replace(old, softened=True)
        self._shelf.exchange(old, new)
        self.changed.emit()

    def _on_not_soft(self, error: StudioError) -> None:
        self._softening = False
        self.problem.emit(error)
        self.changed.emit()

    # The canvas

    def _on_document(self) -> None:
        """Another document has nothing to do with them; at another size they wait for the old one."""
        another = self._canvas.document is not self._document
        self._document = self._canvas.document
        if another:
            self._later.clear()
        if another and self.open:
            self._clear()
            self.discarded.emit()
        elif self.open:
            self.changed.emit()


def layer_name(prompt: str) -> str:
    """The first words of the prompt."""
    words = prompt.split()
    return " ".join(words[:NAME_WORDS]) + ("…" if len(words) > NAME_WORDS else "")
