"""A content-addressed store of the pictures that go into jobs: named by the hash of their decoded pixels."""

from __future__ import annotations

import re
from pathlib import Path

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.files import write_atomic
from sdstudio.storage.pictures import encode_png, load_picture
from sdstudio.storage.source_chunks import stored_chunks, with_chunks


class ImageStore:
    """PNG files `ab/abcdef….png` below one folder; the same picture is kept once. Usable from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, image: ImageBuffer, chunks: bytes = b"") -> ImageInput:
        """Keeps the picture, with what its file said besides (`source_chunks`), and returns what a request calls it.
        Raises StorageError."""
        sha256 = image.sha256()
        path = self._path(sha256)
        if not path.exists() or (chunks and self.chunks(sha256) != chunks):
            write_atomic(path, with_chunks(encode_png(image, compression=1), chunks))
        return ImageInput(sha256=sha256, width=image.size.width, height=image.size.height)

    def load(self, sha256: str) -> ImageBuffer:
        """The picture of that hash, proved. Raises UnreadableFile when it is not (any more) here or was changed."""
        if re.fullmatch(r"[0-9a-f]{64}", sha256) is None:
            raise UnreadableFile(f"“{sha256[:80]}” is not the hash of a picture.")
        path = self._path(sha256)
        if not path.exists():
            message = "A picture that this job needs is not in the store any more."
            raise UnreadableFile(message, hint="Open it again.")
        image = load_picture(path)
        if image.sha256() != sha256:
            message = "A picture that this job needs was changed in the store."
            raise UnreadableFile(message, hint="Open it again.")
        return image

    def chunks(self, sha256: str) -> bytes:
        """What came along with the picture, as PNG chunks; b"" where nothing did or the picture is not here."""
        try:
            return stored_chunks(self._path(sha256))
        except (OSError, UnreadableFile):
            return b""

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.png"
