"""The rows of the gallery: what is known of each picture, and how a fresh listing of the folder is worked in."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage.gallery import PictureFile, Thumbnails, picture_file

if TYPE_CHECKING:
    from sdstudio.domain.image import ImageBuffer


@dataclass(frozen=True, slots=True)
class Loaded:
    """Answer of `load_row`: `file` None when there is no such file, `problem` when it cannot be read."""

    file: PictureFile | None
    thumbnail: ImageBuffer | None = None
    problem: str = ""


@dataclass(slots=True, eq=False)
class GalleryRow:
    """`order` is the time in ns by which rows are sorted; `file` is None until the file was looked at."""

    path: Path
    order: int
    file: PictureFile | None = None
    thumbnail: ImageBuffer | None = None
    prompt: str = ""
    missing: bool = False
    problem: str = ""

    @classmethod
    def fresh(cls, path: Path) -> GalleryRow:
        return cls(path, time.time_ns())

    @classmethod
    def of(cls, file: PictureFile) -> GalleryRow:
        return cls(file.path, file.mtime_ns, file)

    @property
    def wants_thumbnail(self) -> bool:
        return self.thumbnail is None and not self.missing and not self.problem

    def take(self, loaded: Loaded) -> None:
        self.missing = loaded.file is None and not loaded.problem
        self.problem = loaded.problem
        if loaded.file is not None:
            self.file, self.order = loaded.file, loaded.file.mtime_ns
            self.thumbnail = loaded.thumbnail


def load_row(path: Path, thumbnails: Thumbnails, side: int) -> Loaded:
    """On the io worker."""
    try:
        file = picture_file(path)
    except FileNotFoundError:
        return Loaded(None)
    try:
        return Loaded(file, thumbnails.get(file, side))
    except UnreadableFile as error:
        return Loaded(file, problem=str(error)) if path.exists() else Loaded(None)


def update_rows(
    rows: Sequence[GalleryRow], files: Sequence[PictureFile], folder: Path, known: Collection[Path], limit: int
) -> list[int]:
    """Works a listing into the rows that are there; returns the numbers of those that look different now.

    Only rows that were `known` when the listing began can be missing from it. A full listing (of `limit` files) says
    nothing of files that are older than its oldest.
    """
    found = {file.path: file for file in files}
    oldest = min(file.mtime_ns for file in files) if files and len(files) >= limit else 0
    changed: list[int] = []
    for number, row in enumerate(rows):
        file = found.get(row.path)
        if file is not None:
            if _see(row, file):
                changed.append(number)
        elif row.path in known and row.path.parent == folder and not row.missing and row.order >= oldest:
            row.missing = True
            changed.append(number)
    return changed


def _see(row: GalleryRow, file: PictureFile) -> bool:
    """Whether the file is back, or another one than it was."""
    replaced = row.file is not None and row.file != file
    different = replaced or row.missing
    if replaced:
        row.thumbnail, row.problem = None, ""
    row.file, row.order, row.missing = file, file.mtime_ns, False
    return different


def merged_rows(rows: Sequence[GalleryRow], files: Sequence[PictureFile], limit: int) -> list[GalleryRow]:
    """Old rows and those of new files, newest first, at most `limit`."""
    present = {row.path for row in rows}
    fresh = [GalleryRow.of(file) for file in files if file.path not in present]
    return sorted([*rows, *fresh], key=lambda row: (row.order, row.path.name), reverse=True)[:limit]
