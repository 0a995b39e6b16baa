"""The pictures that lie beside LoRAs, small, read on the io worker when somebody looks at the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.storage.gallery import Thumbnails, picture_file

if TYPE_CHECKING:
    from sdstudio.domain.image import ImageBuffer

KEPT = 500
SIDE = 128
"""Pixels of the longer side: enough for 40 on a screen of scale 3."""


class AddedThumbs(QObject):
    """`loaded` carries a path whose picture is there now. What cannot be read has no picture, and nobody is told."""

    loaded = Signal(str)

    def __init__(self, thumbnails: Thumbnails, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._io = io
        self._known: dict[str, ImageBuffer | None] = {}

    def get(self, path: str) -> ImageBuffer | None:
        """None while it is read; `loaded` follows."""
        if path and path not in self._known:
            self._known[path] = None
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
            thumbnails = self._thumbnails
            self._io.submit(
                lambda: thumbnails.get(picture_file(Path(path)), SIDE),
                lambda image: self._take(path, image),
                lambda _: None,
            )
        return self._known.get(path)

    def _take(self, path: str, image: ImageBuffer) -> None:
        self._known[path] = image
        self.loaded.emit(path)
