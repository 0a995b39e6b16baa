"""The pictures that jobs begin with or mix: those of the store, and for the time of a job what was made of them."""

from __future__ import annotations

import threading

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.image_store import ImageStore


class JobImages:
    """An ImageSource for the engine. What is `held` is never written: a frame cut out of a picture, its mask."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._held: dict[str, ImageBuffer] = {}
        self._lock = threading.Lock()

    def hold(self, image: ImageBuffer) -> ImageInput:
        """Until `let_go`."""
        sha256 = image.sha256()
        with self._lock:
            self._held[sha256] = image
        return ImageInput(sha256=sha256, width=image.size.width, height=image.size.height)

    def let_go(self) -> None:
        with self._lock:
            self._held.clear()

    def chunks(self, sha256: str) -> bytes:
        """What came along with a picture of the store."""
        return self._store.chunks(sha256)

    def load(self, sha256: str) -> ImageBuffer:
        """Raises UnreadableFile when the picture is not (any more) in the store."""
        with self._lock:
            held = self._held.get(sha256)
        return self._store.load(sha256) if held is None else held
