"""The journal of an open canvas: each state written whole or not at all, only what is new, its undo and redo too.

One SQLite file. A program that dies at any moment leaves the last state whose writing had ended, or the next one.
Where there is much to write it goes in pieces, each a transaction: first what the canvas is and what the hand changed,
then the other tiles. Those that are missing when the program dies are taken from the file that the canvas was opened
from; where that is not possible it is said what is missing.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sdstudio.domain.canvas_state import CanvasSnapshot, let_go
from sdstudio.domain.errors import StorageError
from sdstudio.storage.canvas_read import FAULTS, load
from sdstudio.storage.canvas_records import CREATE_RECORDS
from sdstudio.storage.canvas_rows import CLEAR, CREATE, CREATE_ORIGIN, OPENED, SCHEMA, Written
from sdstudio.storage.canvas_write import Writer, go_on
from sdstudio.storage.files import ensure_folder, storage_error

_log = logging.getLogger(__name__)
_PAGE = 16384
"""Bytes. Most tiles take several pages; small pages would make their chains long."""
_WAL_KEPT = 16 * 2**20
"""Bytes that the write-ahead log keeps on disk after a large write."""
_FREE_KEPT, _FREED_AT_ONCE = 512, 2048
"""Pages: what stays free for the next strokes, and how many are given back to the disk after one write."""
_LOCK_WAIT_S = 1.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT)
"""The last two: the tables are not ours, or not as this program left them."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _go_straight_on() -> None:
    """Nobody has to be let go first."""


class JournalInUse(StorageError):
    """Another program has this journal open."""


class _SetAside(Exception):
    """The file cannot be used; the words say why."""


class CanvasJournal:
    """Made, used and closed in one thread. No other program can open the same file until then.

    `note` says in words what was wrong with the file that was found, "" if nothing: that file is kept beside it.
    """

    def __init__(self, path: Path, rest: Callable[[], None] | None = None) -> None:
        """`rest` is called before work of a few milliseconds, and may wait a moment. Raises JournalInUse, and
        StorageError where no file can be written. A damaged file is set aside."""
        self.note = ""
        self._path = path
        self._rest = rest or _go_straight_on
        self._written: Written | None = None
        self._snapshot: CanvasSnapshot | None = None  # while a part of it is still to be written
        self._gaps = False
        ensure_folder(path.parent)
        try:
            self._database = self._opened()
        except _SetAside as reason:
            self._set_aside(str(reason))
            self._database = self._opened()

    @property
    def complete(self) -> bool:
        """Whether every tile of what was last written, or read, is in the file. What was read with gaps is to be
        written again as it is now."""
        return not self._gaps and (self._written is None or not self._written.awaiting)

    def write(self, snapshot: CanvasSnapshot, seconds: float = math.inf) -> bool:
        """Everything that can be had again by `read`: what it is, and its tiles as far as they can be written in that
        time. True when it is complete; else `go_on`. Raises StorageError; what was written before stays then."""
        try:
            return self._write(snapshot, seconds)
        except _SetAside as reason:
            self._begin_anew(str(reason))
            try:
                return self._write(snapshot, seconds)
            except _SetAside as again:
                raise StorageError(
                    "The canvas could not be kept against crashes: its file was damaged as soon as it was written.",
                    hint="Save the canvas as a file, and see whether the disk is in order.",
                ) from again

    def go_on(self, seconds: float = math.inf) -> bool:
        """The next piece of what was last written or read. True when it is complete. Raises StorageError."""
        written = self._written
        if written is None or not written.awaiting:
            return True
        try:
            with self._transaction() as database:
                laid = go_on(database, written, time.monotonic() + seconds, self._rest)
        except _SetAside as reason:
            snapshot = self._snapshot
            self._begin_anew(str(reason))
            return True if snapshot is None else self.write(snapshot, seconds)
        self._written = laid
        self._forget_if_complete()
        return self.complete

    def read(self) -> CanvasSnapshot | None:
        """What was last written; None for nothing, or where it cannot be read any more (see `note`).

        A gesture that was under way has become the last undo item.
        """
        for history in (True, False):
            try:
                found = load(self._database, history)
            except FAULTS as error:
                _log.info("The canvas journal cannot be read (history: %s): %s", history, error)
                continue
            if found is None:
                return None
            if history:
                self._written = found.written
                self.note = " ".join(words for words in (self.note, found.note) if words)
                self._snapshot, self._gaps = found.snapshot, bool(found.note)
                self._forget_if_complete()
            else:
                self._begin_anew("The last canvas was kept, but its history was damaged.")
            return found.snapshot
        self._begin_anew("The last canvas was damaged and could not be brought back.")
        return None

    def clear(self) -> None:
        """Nothing is kept any more. Raises StorageError."""
        try:
            with self._transaction() as database:
                for table in CLEAR:
                    database.execute(f"DELETE FROM {table}")
        except _SetAside as reason:
            self._begin_anew(str(reason))
        self._written, self._snapshot, self._gaps = Written(), None, False
        self._give_back(keep=0, at_once=1 << 30)

    def close(self) -> None:
        self._database.close()

    def _opened(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = None
        try:
            database = sqlite3.connect(self._path, timeout=_LOCK_WAIT_S, isolation_level=None)
            self._prepare(database)
            return database
        except sqlite3.Error as error:
            if database is not None:
                database.close()
            raise self._in_words(error) from error
        except _SetAside:
            if database is not None:
                database.close()
            raise

    def _prepare(self, database: sqlite3.Connection) -> None:
        for pragma in (
            # Before the first access: the lock is then held until closing, and dies with the process.
            "locking_mode = EXCLUSIVE",
            f"page_size = {_PAGE}",
            "auto_vacuum = INCREMENTAL",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            f"journal_size_limit = {_WAL_KEPT}",
            "foreign_keys = ON",
        ):
            database.execute(f"PRAGMA {pragma}").fetchall()
        database.execute("BEGIN IMMEDIATE")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in CREATE.split(";\n"):
                database.execute(statement)
        elif version not in OPENED:
            raise _SetAside("The last canvas was kept by a later version of SD Studio.")
        database.execute(CREATE_ORIGIN)
        for statement in CREATE_RECORDS.split(";\n"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA}")
        database.execute("COMMIT")

    def _set_aside(self, why: str) -> None:
        """The file, and what is not yet in it, under another name; an older one of that name is replaced."""
        aside = self._path.with_suffix(".damaged")
        self.note = f"{why} Its file is kept as “{aside.name}”."
        _log.info("%s", self.note)
        try:
            for tail in ("", "-wal"):
                source = self._path.with_name(self._path.name + tail)
                if source.exists():
                    os.replace(source, aside.with_name(aside.name + tail))
            self._path.with_name(self._path.name + "-shm").unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(self._path.parent, error) from error

    def _begin_anew(self, why: str) -> None:
        self._database.close()
        self._set_aside(why)
        self._written, self._snapshot, self._gaps = None, None, False
        self._database = self._opened()

    def _in_words(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            return _SetAside("The last canvas was damaged and could not be brought back.")
        if code in _BUSY:
            hint = "Close the other SD Studio first."
            return JournalInUse("Another SD Studio has the canvas open.", hint=hint)
        numbers = {
            sqlite3.SQLITE_FULL: errno.ENOSPC,
            sqlite3.SQLITE_READONLY: errno.EACCES,
            sqlite3.SQLITE_PERM: errno.EACCES,
            sqlite3.SQLITE_CANTOPEN: errno.EACCES,
        }
        return storage_error(self._path.parent, OSError(numbers.get(code, errno.EIO), str(error)))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._in_words(error) from error
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        except sqlite3.Error as error:
            _log.info("The canvas journal was not rolled back: %s", error)  # SQLite had done it, or does at opening.

    def _write(self, snapshot: CanvasSnapshot, seconds: float) -> bool:
        old = self._written or Written()
        with self._transaction() as database:
            if self._written is None:
                for table in CLEAR:
                    database.execute(f"DELETE FROM {table}")
            new = Writer(database, old, time.monotonic() + seconds, self._rest).write(snapshot)
        gone = [row.item for number, row in old.items.items() if number not in new.items]
        self._written, self._snapshot, self._gaps = new, snapshot, False
        del old
        let_go(gone)
        self._give_back(_FREE_KEPT, _FREED_AT_ONCE)
        self._forget_if_complete()
        return self.complete

    def _forget_if_complete(self) -> None:
        if self.complete:
            self._snapshot = None

    def _give_back(self, keep: int, at_once: int) -> None:
        """Free pages to the disk. What was to be written is written: a failure here costs room, nothing else."""
        try:
            free = self._database.execute("PRAGMA freelist_count").fetchone()[0]
            if free > 2 * keep:
                # As a script: `execute` would take one step of it, and each step frees one page.
                self._database.executescript(f"PRAGMA incremental_vacuum({min(free - keep, at_once)})")
        except sqlite3.Error as error:
            _log.info("The canvas journal could not be made smaller: %s", error)
