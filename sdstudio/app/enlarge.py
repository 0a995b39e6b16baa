"""“Enlarge 4×”: from a file to a job in the queue."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.queue import JobQueue
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import UpscaleRequest
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.pictures import load_picture


class Enlarge(QObject):
    """Puts the picture into the content-addressed store, then its request into the queue."""

    queued = Signal(object)  # UpscaleRequest
    problem = Signal(object)  # StudioError

    def __init__(self, images: ImageStore, queue: JobQueue, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images = images
        self._queue = queue
        self._io = io

    def enlarge_file(self, path: str | Path, scale: int = 4) -> None:
        """`queued` or `problem` follows."""
        file = Path(path)
        self._io.submit(
            lambda: _request(self._images, load_picture(file), file.stem, scale), self._add, self.problem.emit
        )

    def enlarge_image(self, image: ImageBuffer, name: str, scale: int = 4) -> None:
        """For a picture that is in memory; `name` is what its files will be called after."""
        self._io.submit(lambda: _request(self._images, image, name, scale), self._add, self.problem.emit)

    def _add(self, request: UpscaleRequest) -> None:
        self._queue.add(request)
        self.queued.emit(request)


def _request(images: ImageStore, image: ImageBuffer, name: str, scale: int) -> UpscaleRequest:
    return UpscaleRequest(image=images.add(image), scale=scale, source_name=name)
