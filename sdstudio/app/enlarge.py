"""“Enlarge 4×”: from a file to a job in the queue."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.queue import JobQueue
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
        self._io.submit(lambda: _request(self._images, file, scale), self._add, self.problem.emit)

    def _add(self, request: UpscaleRequest) -> None:
        self._queue.add(request)
        self.queued.emit(request)


def _request(images: ImageStore, file: Path, scale: int) -> UpscaleRequest:
    return UpscaleRequest(image=images.add(load_picture(file)), scale=scale, source_name=file.stem)
