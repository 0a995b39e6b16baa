"""The pictures of a folder, newest first, and their thumbnails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdstudio.domain.errors import StorageError, UnreadableFile
from sdstudio.domain.os_words import os_reason
from sdstudio.storage.files import write_atomic

if TYPE_CHECKING:
    from sdstudio.domain.image import ImageBuffer

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True, order=True)
class PictureFile:
    """A picture on disk. `mtime_ns` and `bytes` tell whether it is still the one that was seen."""

    path: Path
    mtime_ns: int
    bytes: int


def picture_file(path: Path) -> PictureFile:
    """Raises FileNotFoundError."""
    stat = path.stat()
    return PictureFile(path, stat.st_mtime_ns, stat.st_size)


def list_pictures(folder: Path, limit: int = 200) -> list[PictureFile]:
    """The `limit` newest pictures directly in the folder, newest first; [] where there is none. Raises StorageError."""
    found: list[PictureFile] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.lower().endswith(SUFFIXES):
                    continue
                try:
                    if entry.is_file():
                        stat = entry.stat()
                        found.append(PictureFile(Path(entry.path), stat.st_mtime_ns, stat.st_size))
                except FileNotFoundError:
                    continue  # Deleted, or a link to nothing, since the folder was read.
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(
            f"The folder “{folder}” could not be read: {os_reason(error)}.",
            meaning="The pictures in it are not shown; nothing has happened to them.",
            hint="Look whether its disk is connected, or choose another folder for pictures.",
        ) from error
    found.sort(key=lambda picture: (picture.mtime_ns, picture.path.name), reverse=True)
    return found[:limit]


class Thumbnails:
    """Small copies, kept in a folder that may be deleted at any time. Usable from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, picture: PictureFile, side: int) -> ImageBuffer:
        """Fits into `side` x `side` pixels. Raises UnreadableFile when the picture itself cannot be read."""
        # Pillow comes with the first picture, not with the first window.
        from sdstudio.storage.pictures import encode_png, load_picture, thumbnail

        cached = self._path(picture, side)
        if cached.exists():
            try:
                return load_picture(cached)
            except UnreadableFile:
                cached.unlink(missing_ok=True)  # Damaged in the cache: made again below.
        image = thumbnail(picture.path, side)
        try:
            write_atomic(cached, encode_png(image, compression=1))
        except StorageError:
            return image  # A cache that cannot be written costs time, not pictures.
        return image

    def _path(self, picture: PictureFile, side: int) -> Path:
        key = f"{picture.path.absolute()}|{picture.mtime_ns}|{picture.bytes}|{side}"
        import hashlib  # loads OpenSSL: not before the window is there

        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / name[:2] / f"{name}.png"
