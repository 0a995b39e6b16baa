"""Which jobs are open. One JSON file a job, there from the moment it is accepted until it has ended."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request_json import request_from_dict, request_to_dict
from sdstudio.jobs.job import Job, is_job_id, picture_count
from sdstudio.storage.files import storage_error, write_atomic
from sdstudio.storage.processes import alive as _alive
from sdstudio.storage.processes import own_start as _own_start

SCHEMA = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A job that was open. `done` are the indices of pictures that are on disk; `created` is a Unix time."""

    job: Job
    done: frozenset[int]
    created: float
    pid: int = 0
    started: float = 0.0


class Journal:
    """Usable from any thread. All writing raises StorageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, JournalEntry] = {}

    def open(self, job: Job) -> None:
        """Notes the job as this process's own; on disk when this returns."""
        pid = os.getpid()
        entry = JournalEntry(job=job, done=frozenset(), created=time.time(), pid=pid, started=_own_start(pid))
        with self._lock:
            self._write(entry)
            self._open[job.job_id] = entry

    def done_picture(self, job_id: str, index: int) -> None:
        with self._lock:
            entry = self._open.get(job_id)
            if entry is not None:
                entry = replace(entry, done=entry.done | {index})
                self._write(entry)
                self._open[job_id] = entry

    def close(self, job_id: str) -> None:
        """The job has ended, one way or another: nothing of it remains. Quiet when there is nothing."""
        self.forget(job_id)

    def forget(self, job_id: str) -> None:
        """Drops the entry of a job of an earlier run."""
        if not is_job_id(job_id):
            return
        with self._lock:
            self._open.pop(job_id, None)
            try:
                self._path(job_id).unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(self._folder, error) from error

    def unfinished(self) -> list[JournalEntry]:
        """Jobs whose process is gone, oldest first. Entries that cannot be read are set aside as `….bad`."""
        return [entry for entry in self._entries() if not _alive(entry.pid, entry.started)]

    def reserved(self) -> frozenset[str]:
        """Paths of all pictures to come, of all processes."""
        return frozenset(path for entry in self._entries() for path in entry.job.files)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"

    def _write(self, entry: JournalEntry) -> None:
        text = json.dumps(_to_dict(entry), ensure_ascii=True, indent=1)
        write_atomic(self._path(entry.job.job_id), text.encode())

    def _entries(self) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                entries.append(_from_dict(json.loads(path.read_bytes())))
            except FileNotFoundError:
                continue  # Another process has ended its job since the folder was read.
            except OSError as error:
                # Held by another program for the moment, perhaps: no reason to put it away.
                _log.warning("The journal entry “%s” could not be read: %s", path.name, error)
            except (ValueError, KeyError, TypeError, RecursionError, InvalidRequest) as error:
                _set_aside(path, error)
        return sorted(entries, key=lambda entry: (entry.created, entry.job.job_id))


def _set_aside(path: Path, error: Exception) -> None:
    _log.warning("The journal entry “%s” cannot be read (%s) and is set aside.", path.name, error)
    try:
        os.replace(path, path.with_suffix(".bad"))
    except OSError as problem:
        _log.warning("It could not be renamed: %s", problem)


def _to_dict(entry: JournalEntry) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "job_id": entry.job.job_id,
        "request": request_to_dict(entry.job.request),
        "files": list(entry.job.files),
        "done": sorted(entry.done),
        "created": entry.created,
        "pid": entry.pid,
        "process_started": entry.started,
    }


def _from_dict(data: Any) -> JournalEntry:
    if data["schema"] != SCHEMA or not is_job_id(data["job_id"]):
        raise ValueError("it is of a later kind, or has no proper name")
    request = request_from_dict(data["request"])
    files = tuple(str(path) for path in data["files"])
    if len(files) != picture_count(request):
        raise ValueError("its files do not match its request")
    done = frozenset(index for index in map(int, data["done"]) if 0 <= index < len(files))
    job = Job(job_id=data["job_id"], request=request, files=files)
    return JournalEntry(
        job=job, done=done, created=float(data["created"]), pid=int(data["pid"]), started=float(data["process_started"])
    )
