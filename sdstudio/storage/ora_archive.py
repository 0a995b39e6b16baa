"""The ZIP archive of an OpenRaster file, read with a limit on everything that its maker could make large."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage import png_chunks
from sdstudio.storage.picture_decode import as_file, decode
from sdstudio.storage.picture_files import picture_file, unreadable

MIMETYPE = "image/openraster"
TEXT_MAX = 4 * 2**20
"""Bytes of stack.xml, and of our record; a thousand layers need 200 kB."""
DIRECTORY_MAX = 4 * 2**20
"""Bytes of the archive's table of contents, which is read whole."""
PIXELS_MAX = 4 * MAX_SIDE**2
"""Of all layers together: 4 GB when decoded."""
PNG_EXTRA = 20 * 2**20
"""Bytes that a PNG may have beside its pixels: colour profile, texts."""
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END, _END_64, _END_64_LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_BITS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels of a PNG by its colour type."""


class OraArchive:
    """Entries by name. All methods raise UnreadableFile."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._entries = {info.filename: info for info in archive.infolist()}
        self._room = PIXELS_MAX
        if len(self._entries) != len(archive.infolist()):
            raise self.refused("it has two parts of the same name")

    def refused(self, why: str, hint: str = "") -> UnreadableFile:
        return unreadable(self._path, why, hint or "Save it anew in the program it is from.")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self, folder: str) -> tuple[str, ...]:
        """All parts whose names begin so."""
        return tuple(name for name in self._entries if name.startswith(folder))

    def text(self, name: str) -> bytes:
        """A small part as a whole."""
        info = self._entry(name)
        if info.file_size > TEXT_MAX:
            raise self.refused(f"its part “{name}” has {info.file_size / 2**20:,.0f} MB, which is too much to be real")
        return self._read(info)

    def is_png(self, name: str) -> bool:
        """False for what is there, but something else (a drawing of lines, for example)."""
        return self._head(self._entry(name)).startswith(png_chunks.SIGNATURE)

    def picture_pixels(self, name: str) -> int:
        """How many pixels a PNG part says it has; 0 for what is something else."""
        head = self._head(self._entry(name))
        if not head.startswith(png_chunks.SIGNATURE) or len(head) < 24:
            return 0
        width, height = struct.unpack(">II", head[16:24])
        return int(width) * int(height)

    def picture(self, name: str, size: tuple[int, int] | None = None) -> ImageBuffer:
        """A PNG part, decoded; of that width and height, where they are given."""
        info = self._entry(name)
        head = self._head(info)
        if not head.startswith(png_chunks.SIGNATURE) or head[12:16] != b"IHDR" or len(head) < 33:
            raise self.refused(f"its part “{name}” is not a PNG picture")
        width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise self.refused(f"its part “{name}” has {width} × {height} pixels; sides up to {MAX_SIDE:,} are read")
        if size is not None and (width, height) != size:
            raise self.refused(f"its part “{name}” has not the size that is said")
        self._room -= width * height
        if self._room < 0:
            raise self.refused(f"its layers have more than {PIXELS_MAX / 1e6:,.0f} million pixels together")
        raw = height * (width * depth * _BITS.get(colour, 4) // 8 + 2)
        if info.file_size > raw + raw // 50 + PNG_EXTRA:
            raise self.refused(f"its part “{name}” is larger than a picture of its size can be")
        return decode(Path(f"{self._path.name}: {name}"), as_file(self._read(info)), ("PNG",))[0]

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in name.split("/"):
            raise self.refused(f"it refers to “{name[:80]}”, which is outside it")
        info = self._entries.get(name)
        if info is None:
            raise self.refused(f"its part “{name[:80]}” is missing")
        if info.flag_bits & 1:
            raise self.refused("it is locked with a password")
        if info.compress_type not in _READABLE:
            raise self.refused(f"its part “{name}” is compressed in an unusual way")
        return info

    def _head(self, info: zipfile.ZipInfo) -> bytes:
        with self._archive.open(info) as part:
            return part.read(64)

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        """Never more than the table of contents said, whatever the compressed data would give."""
        with self._archive.open(info) as part:
            data = part.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise self.refused(f"its part “{info.filename}” has not the size that is said")
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[OraArchive]:
    """Whatever fails in the block becomes UnreadableFile in words."""
    with picture_file(path) as file:
        try:
            _check_directory(path, file)
            with zipfile.ZipFile(file) as archive:
                yield OraArchive(path, archive)
        except UnreadableFile:
            raise
        except zipfile.BadZipFile as error:
            hint = "Get it again: it may not have been copied or saved whole."
            raise unreadable(path, f"it is not an OpenRaster file, or damaged ({error})", hint) from error
        except MemoryError as error:
            raise unreadable(path, "there is not enough memory for it", "Close other programs.") from error
        except Exception as error:
            # zipfile, zlib and expat raise nearly every type on damaged files; none of it may end the program.
            raise unreadable(path, f"it is damaged ({error})", "Save it anew in the program it is from.") from error


def _check_directory(path: Path, file: BinaryIO) -> None:
    """The size of the table of contents, by the archive's last record: zipfile would read any table into memory."""
    length = file.seek(0, io.SEEK_END)
    if length == 0:
        raise unreadable(path, "it is empty", "Get it again: it was not copied or saved whole.")
    start = max(0, length - (1 << 16) - 100)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    sizes = [int.from_bytes(tail[at + 12 : at + 16], "little")] if at >= 0 else []
    if at >= 20 and tail[at - 20 : at - 16] == _END_64_LOCATOR:
        sizes = []
        file.seek(min(int.from_bytes(tail[at - 12 : at - 4], "little"), length))
        record = file.read(56)
        for one in (record, tail[max(0, at - 76) : at - 20]):
            if one[:4] == _END_64:
                sizes.append(int.from_bytes(one[40:48], "little"))
    if any(size > DIRECTORY_MAX for size in sizes):
        raise unreadable(path, "its table of contents is too large to be real")
    file.seek(0)
