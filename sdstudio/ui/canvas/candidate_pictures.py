"""Candidates as Qt paints them: made ready in the worker, with their halves and quarters, and kept while needed."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.qimage import Pyramid, build_pyramid

AT_ONCE = 40_000
"""Pixels: about a third of a millisecond."""


class CandidatePictures(QObject):
    """To flip from one to the next only copies pixels."""

    ready = Signal()

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._io = io
        self._kept: dict[int, tuple[ImageBuffer, Pyramid | None]] = {}

    def get(self, image: ImageBuffer) -> Pyramid | None:
        """None while it is being made; then `ready` follows."""
        name = id(image)  # good as long as the picture is kept beside it
        known = self._kept.get(name)
        if known is not None:
            return known[1]
        if image.size.pixels <= AT_ONCE:
            pyramid = build_pyramid(image, 16)
            self._kept[name] = image, pyramid
            return pyramid
        self._kept[name] = image, None

        def done(pyramid: Pyramid) -> None:
            if name in self._kept and self._kept[name][0] is image:
                self._kept[name] = image, pyramid
                self.ready.emit()

        self._io.submit(lambda: build_pyramid(image, 16), done)
        return None

    def keep(self, images: Iterable[ImageBuffer]) -> None:
        """All others are forgotten."""
        wanted = {id(image) for image in images}
        self._kept = {name: known for name, known in self._kept.items() if name in wanted}
