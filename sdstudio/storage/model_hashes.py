"""The hashes by which pictures name their model: computed once for each file, if wanted in the background."""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sdstudio.domain.model_file import FileHashes
from sdstudio.storage.hashes import hashed_file

if TYPE_CHECKING:
    from sdstudio.storage.model_index import ModelIndex

_log = logging.getLogger(__name__)

_BLOCK = 4 * 2**20
_OLD_BEGIN, _OLD_BYTES, _OLD_DIGITS = 0x100000, 0x10000, 8
"""A1111's first short hash: of 64 KiB at 1 MiB."""
_WEIGHTS_BYTES_MAX = 2 * 10**9
"""The largest file that could be a LoRA: of others the hash of the weights alone would double the work for nothing."""
_LENGTH_BYTES = 8
"""Of a safetensors header, which says in them how long it is."""


def hash_file(path: Path, cancelled: Callable[[], bool] = lambda: False) -> FileHashes | None:
    """None when it was cancelled. Raises OSError."""
    whole, weights = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        file.seek(_OLD_BEGIN)
        part = file.read(_OLD_BYTES)
        begin = _weights_begin(path, file)
        file.seek(0)
        place = 0
        while block := file.read(_BLOCK):
            if cancelled():
                return None
            whole.update(block)
            if begin is not None and place + len(block) > begin:
                weights.update(memoryview(block)[max(0, begin - place) :])
            place += len(block)
    old = hashlib.sha256(part).hexdigest()[:_OLD_DIGITS] if part else ""
    return FileHashes(whole.hexdigest(), old, "" if begin is None else weights.hexdigest())


def _weights_begin(path: Path, file: BinaryIO) -> int | None:
    """Where a safetensors header ends; None for files of other kinds, and for those that are no LoRA."""
    size = file.seek(0, os.SEEK_END)
    if path.suffix.lower() != ".safetensors" or not _LENGTH_BYTES < size <= _WEIGHTS_BYTES_MAX:
        return None
    file.seek(0)
    begin = _LENGTH_BYTES + int.from_bytes(file.read(_LENGTH_BYTES), "little")
    return begin if begin <= size else None


def old_hash(path: Path) -> str:
    """A1111's first short hash alone, which takes one look at the disk; "" where the file ends before or cannot be
    read."""
    try:
        with path.open("rb") as file:
            file.seek(_OLD_BEGIN)
            part = file.read(_OLD_BYTES)
    except OSError:
        return ""
    return hashlib.sha256(part).hexdigest()[:_OLD_DIGITS] if part else ""


class ModelHashes:
    """Usable from any thread."""

    def __init__(self, index: ModelIndex) -> None:
        self._index = index

    def known(self, model: Path) -> FileHashes | None:
        """At once: what was computed since the file last changed."""
        file = hashed_file(model)
        if file is None:
            return None
        try:
            stat = file.stat()
        except OSError:
            return None
        return self._index.hash_of(str(file.absolute()), stat.st_mtime_ns, stat.st_size)

    def compute(self, model: Path, cancelled: Callable[[], bool] = lambda: False) -> FileHashes | None:
        """Reads the whole file unless it is known. None: cancelled, or a folder without weights. Raises OSError."""
        known = self.known(model)
        file = hashed_file(model)
        if known is not None or file is None:
            return known
        before = file.stat()
        hashes = hash_file(file, cancelled)
        after = file.stat()
        if hashes is not None and (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            self._index.keep_hash(str(file.absolute()), after.st_mtime_ns, after.st_size, hashes)
        return hashes


class BackgroundHasher:
    """One thread that hashes what it is given, in order; `done` is called in it."""

    def __init__(self, hashes: ModelHashes, done: Callable[[Path, FileHashes], None]) -> None:
        self._hashes = hashes
        self._done = done
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model hashes", daemon=True)
        self._thread.start()

    def add(self, model: Path) -> None:
        self._waiting.put(model)

    def close(self, timeout_s: float | None = None) -> bool:
        """Ends it within a block of four megabytes. False when a disk needs longer for that than the timeout."""
        self._closed.set()
        self._waiting.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closed.is_set() and (model := self._waiting.get()) is not None:
            try:
                hashes = self._hashes.compute(model, self._closed.is_set)
            except OSError as error:
                _log.warning("“%s” could not be hashed: %s", model, error)
                continue
            if hashes is not None:
                self._done(model, hashes)
