"""Keeps the canvas on disk while it is worked on, at most one second behind the hand, and brings it back at the start.

Snapshots are taken in the window's thread, which costs next to nothing; writing happens in a thread of its own. A large
picture takes seconds there: it is written in pieces, and what the hand does meanwhile goes in between.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from sdstudio.app.canvas_keeper import CanvasKeeper, Kept, Piece, holds_journal
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.errors import StorageError, StudioError

DELAY_MS = 300
"""From a change to its writing. With the writing itself it has to stay below a second."""
RETRY_MS = 10_000
"""After a write that failed."""
TOPIC = "canvas kept"
"""Of what is said about the keeping: that it goes on again takes the place of that it does not."""


class CanvasAutosave(QObject):
    """Follows the session, and speaks through it (`problem`, `note`). A failed write is told once, and tried again
    until it succeeds."""

    failed = Signal(object)  # StudioError: each single try
    followed = Signal()  # what the hand did up to the last snapshot is on disk; the picture may be still on its way
    written = Signal()  # everything up to the last snapshot is

    def __init__(self, session: CanvasSession, io: IoWorker, folder: Path, parent: QObject | None = None) -> None:
        """`io` is the autosave's own thread. Where a canvas may have to come back, the session waits for `restore`."""
        super().__init__(parent)
        self._session = session
        self._io = io
        self._keeper = CanvasKeeper(folder, session.pace.rest)
        self._dirty = False
        self._due = False  # it has been dirty for long enough
        self._writing = False
        self._complete = True
        self._failing = False
        self._closed = False
        self._kept = False  # whether this program has written or found anything in the journal
        self._awaited = holds_journal(folder)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_due)
        session.touched.connect(self._on_touched)
        if self._awaited:
            session.hold()

    @property
    def up_to_date(self) -> bool:
        """Whether everything is on disk."""
        return not self._dirty and not self._writing and self._complete

    def restore(self) -> None:
        """Brings the canvas of the last time back; the session opens nothing else before that."""
        if not self._awaited:
            return
        self._io.submit(self._keeper.read, self._on_kept, self._on_unreadable)

    def close(self) -> None:
        """Hands the last state to the thread. The caller closes the thread, which waits for it."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        keeper = self._keeper
        keeper.announce_close()
        if self._dirty and not self._awaited:
            snapshot = self._snapshot()
            self._io.submit(lambda: keeper.write(snapshot))
        self._io.submit(keeper.finish)
        self._io.submit(keeper.close)

    def _on_kept(self, kept: Kept) -> None:
        if kept.note:
            self._session.note.emit(kept.note)
        if kept.snapshot is None:
            self._release()
            return
        self._kept = True
        self._dirty = self._dirty or not kept.complete
        crashed = kept.crashed and not kept.note

        def restored() -> None:
            self._release()
            if crashed:
                self._session.note.emit(self.tr("The canvas is back as it was before SD Studio closed unexpectedly."))

        self._session.restore(kept.snapshot, restored)

    def _on_unreadable(self, error: StudioError) -> None:
        self._session.problem.emit(error)
        self._release()

    def _release(self) -> None:
        self._awaited = False
        self._session.resume()
        if self._dirty:
            self._schedule(DELAY_MS)

    def _on_touched(self) -> None:
        if self._awaited or self._closed:
            return
        self._dirty = True
        if not self._due and not self._timer.isActive():
            self._schedule(DELAY_MS)

    def _schedule(self, delay_ms: int) -> None:
        self._timer.start(delay_ms)

    def _on_due(self) -> None:
        self._due = True
        if not self._writing:
            self._write_on()

    def _write_on(self) -> None:
        """The newest state if it is time for it, else the next piece of the last one."""
        keeper = self._keeper
        if self._due:
            self._due = False
            snapshot = self._snapshot()
            if snapshot is None and not self._kept:
                return  # Nothing was ever kept: there is no reason to make a file.
            self._kept = True
            self._submit(lambda: keeper.write(snapshot), self._on_followed)
        elif not self._complete:
            self._submit(keeper.go_on, self._on_written)

    def _submit(self, work: Callable[[], Piece], done: Callable[[Piece], None]) -> None:
        self._writing = True
        self._io.submit(work, done, self._on_failed)

    def _snapshot(self) -> CanvasSnapshot | None:
        self._dirty = False
        document = self._session.document
        snapshot = None if document is None else document.snapshot()
        self._session.look_ahead()
        return snapshot

    def _on_followed(self, piece: Piece) -> None:
        self._writing = False
        self.followed.emit()
        self._on_written(piece)

    def _on_written(self, piece: Piece) -> None:
        self._writing = False
        self._complete = piece.complete
        if piece.note:
            self._session.note.emit(piece.note)
        if self._failing:
            self._failing = False
            self._session.note_on.emit(TOPIC, self.tr("Changes of the canvas are being kept again."))
        if self._closed:
            return
        self._write_on()
        if self.up_to_date:
            self.written.emit()

    def _on_failed(self, error: StudioError) -> None:
        self._writing = False
        self._dirty = True
        self._due = False
        if not self._failing:
            self._failing = True
            self._session.problem.emit(_not_kept(self, error))
        self.failed.emit(error)
        self._schedule(RETRY_MS)


def _not_kept(owner: QObject, error: StudioError) -> StorageError:
    """The same trouble, with what it means for the canvas."""
    return StorageError(
        error.message,
        meaning=owner.tr("Nothing is lost so far, but the newest changes of the canvas would not survive a crash."),
        hint=owner.tr("Make room there or let SD Studio write; until then save the canvas elsewhere. It keeps trying."),
        topic=TOPIC,
    )
