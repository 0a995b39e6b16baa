"""Long work on the canvas, at once or in another thread, and what waits for it: a part of CanvasSession."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer

from sdstudio.app.canvas_build import SMALL_PIXELS, Built, from_snapshot
from sdstudio.app.canvas_core import CanvasCore
from sdstudio.app.canvas_work import CanvasWork, CanvasWorker, Ticket
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.memory import give_memory_back
from sdstudio.app.problems import in_words
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pyramid import Pyramid
from sdstudio.domain.canvas_state import MASK, CanvasSnapshot, HistoryItem, let_go
from sdstudio.domain.errors import CancelledByUser, StudioError

T = TypeVar("T")
RELEASE_MS = 20
"""Between two parts of what the history forgets."""
TRIM_MS = 3000
"""After a canvas was closed or replaced: the autosave lets go of it by then, mostly."""
TRIM_MOST_MS = 30_000
GONE_MOST = 1
"""Canvases that wait to be freed: pictures opened one after the other put it off again and again."""


def free_documents(documents: list[CanvasDocument]) -> None:
    """Tile by tile, as `let_go`. Empties the list; whatever somebody else still holds stays."""
    while documents:
        document = documents.pop()
        items = [*document.history.undo_items, *document.history.redo_items]
        tiles = [tile for layer in document.state().layers for tile in layer.tiles.values()]
        del document
        let_go(items)
        while tiles:
            tiles.pop()


class CanvasBackground(CanvasCore):
    """While exclusive work goes on or waits, or a preview is shown, nothing else changes the canvas."""

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        """`io` is the session's own thread for long work."""
        super().__init__(parent)
        self._io = io
        self._worker = CanvasWorker(io, self)
        self._worker.changed.connect(self.work_changed)
        self._releasing = QTimer(self)
        self._releasing.setSingleShot(True)
        self._releasing.setInterval(RELEASE_MS)
        self._releasing.timeout.connect(self._release)
        self._trimming = QTimer(self)
        self._trimming.setSingleShot(True)
        self._trim_ms = TRIM_MS
        self._gone: list[CanvasDocument] = []
        self._trimming.timeout.connect(self._give_back)
        self._held = False
        self._waiting: list[Callable[[], None]] = []

    # What is no longer wanted

    def _let_go(self, items: list[HistoryItem]) -> None:
        self._io.submit(lambda: let_go(items))
        self._releasing.start()

    def _let_display_go(self, pyramid: Pyramid | None) -> None:
        if pyramid is not None:
            last = [pyramid]
            self._io.submit(last.clear)
            self._trim_ms = TRIM_MS
            self._trimming.start(self._trim_ms)

    def _let_document_go(self, document: CanvasDocument) -> None:
        """Kept until nobody else has it: the last one to let go pays for thousands of tiles."""
        self._gone.append(document)
        if len(self._gone) > GONE_MOST:
            earlier, self._gone = self._gone[:-GONE_MOST], self._gone[-GONE_MOST:]
            self._io.submit(lambda: free_documents(earlier))

    def _give_back(self) -> None:
        """Not while somebody draws: memory is asked for all the time then, and would have to wait. Again somewhat
        later: on a busy computer not everybody has let go of the canvas by now."""
        if self._document is None or not self._document.in_gesture:
            gone, self._gone = self._gone, []
            self._io.submit(lambda: free_documents(gone))
            self._io.submit(give_memory_back)
            self._trim_ms *= 3
        if self._trim_ms <= TRIM_MOST_MS:
            self._trimming.start(self._trim_ms)

    def _release(self) -> None:
        """The history has forgotten more than it could let go at once; what is above its budget falls out last."""
        if self._document is None:
            return
        history = self._document.history
        position = history.position
        if history.release():
            self._releasing.start()
        if history.position != position:
            self._tell_rest(masked=False)

    # Work: what goes on

    @property
    def work(self) -> CanvasWork | None:
        return self._worker.work

    def close(self) -> None:
        """No more work: what can be left undone is."""
        self._worker.cancel()

    # Waiting for the canvas of the last time

    @property
    def waits(self) -> bool:
        """Whether the canvas of the last time is still to come back."""
        return self._held

    def hold(self) -> None:
        """Until `resume` nothing is opened or made: it waits."""
        self._held = True

    def resume(self) -> None:
        self._held = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def restore(self, snapshot: CanvasSnapshot, done: Callable[[], None]) -> None:
        """The canvas as it was kept. What fails is a `problem`; `done` follows in any case."""

        def restored(built: Built) -> None:
            self._set_document(built.document, built.base)
            done()

        def failed(error: StudioError) -> None:
            self.problem.emit(error)
            done()

        work = CanvasWork(self.tr("Bringing the canvas back"), None, can_cancel=False)

        def build(_: Ticket) -> Built:
            self._coverage.learn(snapshot.state.layer(MASK).tiles.values())
            return from_snapshot(snapshot)

        self._worker.run(work, build, restored, failed)

    # Work

    @property
    def _idle(self) -> bool:
        return self._worker.exclusive is None and not self._preview_words

    def _refused(self) -> bool:
        """Whether the canvas cannot be changed now; then it says why."""
        if self._document is None:
            return True
        work = self._worker.exclusive
        if work is not None:
            self.note.emit(self.tr("The canvas waits until this is done: {work}.").format(work=work.label))
        elif self._preview_words:
            words = self.tr("Apply or cancel this first: {preview}.")
            self.note.emit(words.format(preview=self._preview_words))
        return not self._idle

    def _compute(self, label: str, pixels: int, function: Callable[[Ticket], T], done: Callable[[T], None]) -> None:
        """`done(function(ticket))`: at once for few pixels, else with `function` in the other thread. What comes back
        for a document that has changed meanwhile is dropped, and that is said."""
        document = self._document
        if document is None:
            return
        if pixels <= SMALL_PIXELS:
            self._compute_here(function, done)
            return
        revision = document.revision

        def fits(result: T) -> None:
            if document is self._document and revision == document.revision:
                done(result)
            else:
                self.note.emit(self.tr("“{work}” was left: the canvas has changed meanwhile.").format(work=label))

        self._worker.run(CanvasWork(label), function, fits, self.problem.emit)

    def _compute_here(self, function: Callable[[Ticket], T], done: Callable[[T], None]) -> None:
        try:
            result = function(Ticket(lambda _ticket, _fraction: None))
        except CancelledByUser:
            return
        except (StudioError, OSError, MemoryError) as error:
            self.problem.emit(in_words(error))
            return
        done(result)
