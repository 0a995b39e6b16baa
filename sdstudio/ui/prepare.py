"""Large pictures are made ready for painting in the worker thread, small ones at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QImage

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.qimage import Pyramid, build_pyramid, fitted, to_qimage

AT_ONCE_MOST = 1_200_000
"""Pixels. A 1-megapixel pyramid takes about 8 ms, half a frame."""


class Preparer:
    """Latest wins: of several pictures that are asked for in a row only the last one's `done` is called."""

    def __init__(self, io: IoWorker) -> None:
        self._io = io
        self._ticket = 0

    def pyramid(self, image: ImageBuffer, done: Callable[[Pyramid], None]) -> None:
        self._ticket += 1
        ticket = self._ticket
        if image.size.pixels <= AT_ONCE_MOST:
            done(build_pyramid(image))
            return

        def finish(pyramid: Pyramid) -> None:
            if ticket == self._ticket:
                done(pyramid)

        self._io.submit(lambda: build_pyramid(image), finish)

    def forget(self) -> None:
        """What is still on its way is no longer wanted."""
        self._ticket += 1

    def thumb(self, image: ImageBuffer, side: int, done: Callable[[QImage], None]) -> None:
        """Scaled to fit into `side`; every call is answered."""
        if image.size.pixels <= AT_ONCE_MOST:
            done(fitted(to_qimage(image), side))
        else:
            self._io.submit(lambda: fitted(to_qimage(image), side), done)
