"""Jobs that a crash or a closed window left behind, and “Make it again”."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.queue import JobQueue
from sdstudio.app.rest import rest_of
from sdstudio.jobs.journal import Journal, JournalEntry


class Recovery(QObject):
    """The journal's unfinished entries as they were at the start. An entry leaves the journal only when the person
    forgets it, or when all that is left of it is safely in the journal again."""

    entries_changed = Signal(object)  # tuple[JournalEntry, ...]
    problem = Signal(object)  # StudioError

    def __init__(self, journal: Journal, queue: JobQueue, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._journal = journal
        self._queue = queue
        self._io = io
        self._entries: tuple[JournalEntry, ...] = ()

    @property
    def entries(self) -> tuple[JournalEntry, ...]:
        return self._entries

    def load(self) -> None:
        """Reads the journal on the io worker; `entries_changed` follows when there is something."""
        self._io.submit(self._journal.unfinished, self._set, self.problem.emit)

    def again(self, entry: JournalEntry) -> None:
        """Queues the pictures that were not finished, each with its own seed."""
        if not self._take(entry):
            return
        requests = rest_of(entry.job.request, entry.done)
        if not requests:
            self._forget_file(entry)
        left = len(requests)

        def accepted() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self._forget_file(entry)

        for request in requests:
            self._queue.add(request, accepted)

    def again_all(self) -> None:
        for entry in self._entries:
            self.again(entry)

    def forget(self, entry: JournalEntry) -> None:
        if self._take(entry):
            self._forget_file(entry)

    def forget_all(self) -> None:
        for entry in self._entries:
            self.forget(entry)

    def _take(self, entry: JournalEntry) -> bool:
        left = tuple(other for other in self._entries if other.job.job_id != entry.job.job_id)
        if left == self._entries:
            return False
        self._set(left)
        return True

    def _set(self, entries: Iterable[JournalEntry]) -> None:
        fresh = tuple(entries)
        if fresh != self._entries:
            self._entries = fresh
            self.entries_changed.emit(fresh)

    def _forget_file(self, entry: JournalEntry) -> None:
        self._io.submit(_forgetter(self._journal, entry.job.job_id), failed=self.problem.emit)


def _forgetter(journal: Journal, job_id: str) -> Callable[[], None]:
    return lambda: journal.forget(job_id)
