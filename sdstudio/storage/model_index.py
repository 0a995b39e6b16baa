"""What was found in model files and their hashes, kept by path, time and size; a cache that may be deleted."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdstudio.domain.errors import StorageError
from sdstudio.domain.model_file import FileHashes, ModelFile
from sdstudio.storage.files import ensure_folder

_log = logging.getLogger(__name__)

RULES = 5
"""Raised whenever the rules of recognition change: what was found by older ones is then looked at again."""
_WAIT_S = 5.0

_CREATE = """
CREATE TABLE IF NOT EXISTS file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hash (
    path TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, old TEXT NOT NULL,
    weights TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prediction (
    path TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, value TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Row:
    stamp: str
    record: str

    def model(self, path: str) -> ModelFile | None:
        """None where a foreign hand wrote into the index."""
        try:
            return ModelFile.from_dict(path, json.loads(self.record))
        except (KeyError, TypeError, ValueError):
            return None


class ModelIndex:
    """Usable from any thread. An index that cannot be read or written costs time, not models: the log tells of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def rows(self) -> dict[str, Row]:
        with self._database() as database:
            found = database.execute("SELECT path, stamp, record FROM file") if database else ()
            return {path: Row(stamp, record) for path, stamp, record in found}
        return {}

    def keep(self, found: Iterable[tuple[str, ModelFile]], gone: Iterable[str]) -> None:
        """`found`: stamp and model."""
        rows = [(model.path, stamp, json.dumps(model.to_dict())) for stamp, model in found]
        lost = [(path,) for path in gone]
        if not rows and not lost:
            return
        with self._database() as database:
            if database is not None:
                database.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", rows)
                database.executemany("DELETE FROM file WHERE path = ?", lost)

    def hashes(self) -> Mapping[str, tuple[int, int, FileHashes]]:
        """Modification time in nanoseconds, size in bytes, and the hashes that the file then had, by path."""
        with self._database() as database:
            found = database.execute("SELECT * FROM hash") if database else ()
            return {path: (mtime, size, FileHashes(*hashes)) for path, mtime, size, *hashes in found}
        return {}

    def hash_of(self, path: str, mtime_ns: int, size: int) -> FileHashes | None:
        with self._database() as database:
            if database is None:
                return None
            query = "SELECT sha256, old, weights FROM hash WHERE path = ? AND mtime_ns = ? AND size = ?"
            found = database.execute(query, (path, mtime_ns, size)).fetchone()
            return FileHashes(*found) if found is not None else None
        return None

    def keep_hash(self, path: str, mtime_ns: int, size: int, hashes: FileHashes) -> None:
        with self._database() as database:
            if database is not None:
                values = (path, mtime_ns, size, hashes.sha256, hashes.old, hashes.weights)
                database.execute("INSERT OR REPLACE INTO hash VALUES (?, ?, ?, ?, ?, ?)", values)

    def predictions(self) -> Mapping[str, tuple[int, int, str]]:
        """Modification time in nanoseconds, size in bytes, and what a probing call told (Prediction), by path."""
        with self._database() as database:
            found = database.execute("SELECT * FROM prediction") if database else ()
            return {path: (mtime, size, value) for path, mtime, size, value in found}
        return {}

    def keep_prediction(self, path: str, mtime_ns: int, size: int, value: str) -> None:
        with self._database() as database:
            if database is not None:
                database.execute("INSERT OR REPLACE INTO prediction VALUES (?, ?, ?, ?)", (path, mtime_ns, size, value))

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection | None]:
        """One transaction; None where there is no index to be had."""
        with self._lock:
            database = self._open()
            if database is None:
                yield None
                return
            with closing(database):
                try:
                    with database:
                        yield database
                except sqlite3.Error as error:
                    _log.warning("The index of models could not be used: %s", error)

    def _open(self) -> sqlite3.Connection | None:
        try:
            ensure_folder(self._file.parent)
            return self._connect()
        except sqlite3.OperationalError as error:  # busy, or not allowed
            _log.warning("There is no index of models: %s", error)
            return None
        except sqlite3.DatabaseError:
            self._file.unlink(missing_ok=True)  # Damaged: everything in it can be found again.
        except StorageError as error:
            _log.warning("There is no index of models: %s", error)
            return None
        try:
            return self._connect()
        except sqlite3.Error as error:
            _log.warning("There is no index of models: %s", error)
            return None

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=_WAIT_S)
        try:
            (rules,) = database.execute("PRAGMA user_version").fetchone()
            if rules != RULES:
                columns = {column for _, column, *_ in database.execute("PRAGMA table_info(hash)")}
                # Hashes are worth keeping, unless they were kept in another form.
                old = "" if "weights" in columns else "DROP TABLE IF EXISTS hash;"
                database.executescript(f"DROP TABLE IF EXISTS file; {old} {_CREATE} PRAGMA user_version = {RULES};")
        except sqlite3.Error:
            database.close()
            raise
        return database
