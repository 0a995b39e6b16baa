"""Watches the folders of models: what is put there appears by itself, once its size has stopped changing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from sdstudio.app.io_worker import IoWorker

WATCHED_MAX = 2000
"""Folders; the system allows some thousands to all programs together. The rest is looked at when the window is used."""
SETTLE_MS = 700
"""A file whose size and time are the same after this long is taken for complete."""
AFTERGLOW_MS = (2_000, 4_000, 8_000, 16_000, 32_000)
"""A copy that stalls for longer is looked at again after these waits; each change begins anew."""
ROOTS_MS = 4_000
"""How often it is looked whether an added folder has come or gone: a disk that is mounted tells nobody."""
USED_AGAIN_S = 30.0
"""How long after a look the window's activation leads to another, where everything is watched."""

Stamps = dict[str, tuple[int, int]]
Roots = tuple[tuple[str, int, int], ...]


class ModelWatch(QObject):
    """`changed` says that a look is worth while. Files are asked for their sizes in the worker's thread."""

    changed = Signal()

    def __init__(
        self,
        worker: IoWorker,
        parent: QObject | None = None,
        *,
        settle_ms: int = SETTLE_MS,
        roots_ms: int = ROOTS_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._clock = clock
        self._settle_ms = settle_ms
        self._watcher: QFileSystemWatcher | None = None
        self._roots: tuple[Path, ...] = ()
        self._roots_seen: Roots | None = None
        self._complete = True
        self._unsettled: set[str] = set()
        self._stamps: Stamps = {}
        self._glow = 0
        self._last_look = clock()
        self._closed = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._take_stamps)
        self._look_at_roots = QTimer(self)
        self._look_at_roots.setInterval(roots_ms)
        self._look_at_roots.timeout.connect(self._take_roots)

    @property
    def complete(self) -> bool:
        """Whether every folder is watched."""
        return self._complete

    @property
    def watched(self) -> frozenset[str]:
        return frozenset(self._watcher.directories()) if self._watcher is not None else frozenset()

    def follow(self, folders: Sequence[str], roots: Iterable[Path]) -> None:
        """After each look: all folders that were gone through, and the added ones, which may come and go."""
        if self._closed:
            return
        first = self._watcher is None
        if self._watcher is None:
            self._watcher = QFileSystemWatcher(self)
            self._watcher.directoryChanged.connect(self._on_changed)
            self._watcher.fileChanged.connect(self._on_file_changed)
        wanted, have = set(folders[:WATCHED_MAX]), set(self._watcher.directories())
        if have - wanted:
            self._watcher.removePaths(sorted(have - wanted))
        failed = self._watcher.addPaths(sorted(wanted - have)) if wanted - have else []
        if not first:
            # What came into a new folder before it was watched told nobody.
            for folder in wanted - have:
                self._on_changed(folder)
        self._complete = len(folders) <= WATCHED_MAX and not failed
        self._last_look = self._clock()
        if tuple(roots) != self._roots:
            self._roots, self._roots_seen = tuple(roots), None
            self._take_roots()
        if self._roots and not self._look_at_roots.isActive():
            self._look_at_roots.start()

    def follow_file(self, path: str) -> None:
        """The one in use too: what is written over a file tells its folder nothing. To be called after each look, since
        a file that was put in its place is another one. A folder is not watched."""
        if self._watcher is None or self._watcher.files() == [path]:
            return
        if self._watcher.files():
            self._watcher.removePaths(self._watcher.files())
        if os.path.isfile(path):
            self._watcher.addPath(path)

    def window_used(self) -> None:
        """The window came to the front: where not everything is watched, or long ago, a look is worth while."""
        if not self._closed and (not self._complete or self._clock() - self._last_look > USED_AGAIN_S):
            self._last_look = self._clock()
            self.changed.emit()

    def close(self) -> None:
        self._closed = True
        self._settle.stop()
        self._look_at_roots.stop()
        if self._watcher is not None:
            self._watcher.deleteLater()
            self._watcher = None

    def _on_changed(self, folder: str) -> None:
        self._unsettled.add(folder)
        self._glow = 0
        self._settle.start(self._settle_ms)

    def _on_file_changed(self, path: str) -> None:
        self._on_changed(os.path.dirname(path))

    def _take_stamps(self) -> None:
        folders = tuple(self._unsettled)
        self._worker.submit(lambda: _stamps_of(folders), self._on_stamps)

    def _on_stamps(self, stamps: Stamps) -> None:
        if self._closed:
            return
        moving, self._stamps = stamps != self._stamps, stamps
        if moving:
            self._glow = 0
            self._settle.start(self._settle_ms)
            return
        if self._glow == 0:
            self.changed.emit()
        if self._glow < len(AFTERGLOW_MS):
            self._settle.start(AFTERGLOW_MS[self._glow])
            self._glow += 1
        else:
            self._unsettled.clear()
            self._stamps = {}

    def _take_roots(self) -> None:
        roots = self._roots
        self._worker.submit(lambda: _roots_of(roots), lambda seen: self._on_roots(roots, seen))

    def _on_roots(self, roots: tuple[Path, ...], seen: Roots) -> None:
        if self._closed or roots != self._roots:
            return
        before, self._roots_seen = self._roots_seen, seen
        if before is not None and before != seen:
            self.changed.emit()


def _stamps_of(folders: Iterable[str]) -> Stamps:
    """Time and size of all files directly inside, and of what is in the folders beside them: a model in diffusers'
    layout grows there."""
    stamps: Stamps = {}
    for folder in folders:
        for entry in _entries(folder):
            stamps[entry.path] = _stamp(entry)
            if entry.is_dir(follow_symlinks=False):
                stamps |= {inner.path: _stamp(inner) for inner in _entries(entry.path)}
    return stamps


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []  # It has gone, or may not be read: there is nothing that grows.


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        found = entry.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _roots_of(roots: Iterable[Path]) -> Roots:
    """Those that are there, with what tells a mounted disk from the empty folder that it is mounted on."""
    seen: list[tuple[str, int, int]] = []
    for root in roots:
        try:
            found = root.stat()
        except OSError:
            continue
        seen.append((str(root), found.st_dev, found.st_ino))
    return tuple(seen)
