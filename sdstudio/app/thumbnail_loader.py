"""Loads thumbnails in the order in which somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from sdstudio.app.gallery_rows import GalleryRow, Loaded, load_row
from sdstudio.app.io_worker import IoWorker
from sdstudio.storage.gallery import Thumbnails


class ThumbnailLoader:
    """One at a time on the io worker, the one asked for last first, so that neither scrolling nor the saving of a
    picture waits for a backlog."""

    def __init__(self, thumbnails: Thumbnails, io: IoWorker, side: int, loaded: Callable[[GalleryRow], None]) -> None:
        """`loaded(row)` is called after the row has taken what was found."""
        self._thumbnails = thumbnails
        self._io = io
        self._side = side
        self._loaded = loaded
        self._wanted: list[GalleryRow] = []
        self._loading: GalleryRow | None = None

    def want(self, row: GalleryRow) -> None:
        """Asking again brings the row to the front."""
        if row is self._loading:
            return
        if row in self._wanted:
            self._wanted.remove(row)
        self._wanted.append(row)
        self._load_next()

    def _load_next(self) -> None:
        if self._loading is not None or not self._wanted:
            return
        row = self._loading = self._wanted.pop()
        path, thumbnails, side = row.path, self._thumbnails, self._side
        self._io.submit(
            lambda: load_row(path, thumbnails, side),
            lambda loaded: self._on_loaded(row, loaded),
            lambda error: self._on_loaded(row, Loaded(row.file, problem=str(error))),
        )

    def _on_loaded(self, row: GalleryRow, loaded: Loaded) -> None:
        self._loading = None
        row.take(loaded)
        self._loaded(row)
        self._load_next()
