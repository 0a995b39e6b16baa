"""The chunks of a PNG file, read directly: Qt and Pillow both change or refuse texts that are in real files."""

from __future__ import annotations

import bisect
import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from sdstudio.domain.errors import UnreadableFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
TEXT_MAX = 16 * 2**20
"""Bytes of one text after decompression; the largest ComfyUI graphs seen in practice have about 2 MB."""
TEXTS_MAX = 64 * 2**20
"""Bytes of all texts of a file together."""
CHUNKS_MAX = 300_000
"""The largest pictures that are read have 1 GB, in parts of 8 kB as libpng writes them."""
_HEADER = struct.Struct(">I4s")


def chunks(source: bytes | BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, position of the chunk in the file, length of its content) up to and with IEND.

    Raises UnreadableFile where the file ends too early or is no PNG.
    """
    file = _as_file(source)
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise UnreadableFile("The file is not a PNG picture.")
    position = len(SIGNATURE)
    for _ in range(CHUNKS_MAX):
        file.seek(position)
        head = file.read(_HEADER.size)
        length, kind = _HEADER.unpack(head) if len(head) == _HEADER.size else (end, b"")
        if position + 12 + length > end:
            raise UnreadableFile("The picture ends too early.", hint="Get it again: it was not copied or saved whole.")
        yield kind, position, length
        if kind == b"IEND":
            return
        position += 12 + length
    raise UnreadableFile("The picture has too many parts to be a real one.")


def _as_file(source: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def without_texts(file: BinaryIO) -> BinaryIO:
    """The same picture without its text chunks, on which Pillow has limits that real files exceed.

    Nothing is copied: what comes back reads from `file`, and is it where there are no texts.
    """
    kept: list[tuple[int, int]] = [(0, len(SIGNATURE))]
    whole = True
    for kind, at, length in chunks(file):
        if kind in TEXT_KINDS:
            whole = False
        elif kept[-1][1] == at:
            kept[-1] = (kept[-1][0], at + 12 + length)
        else:
            kept.append((at, at + 12 + length))
    file.seek(0)
    return file if whole else io.BufferedReader(_Parts(file, kept))


class _Parts(io.RawIOBase):
    """Stretches of a file, one after the other, as if they were a file of their own."""

    def __init__(self, file: BinaryIO, stretches: list[tuple[int, int]]) -> None:
        super().__init__()
        self._file = file
        self._stretches = stretches
        self._starts = [0, *itertools.accumulate(end - start for start, end in stretches)]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        index = bisect.bisect_right(self._starts, self._position) - 1
        if index >= len(self._stretches):
            return 0
        within = self._position - self._starts[index]
        start, end = self._stretches[index]
        self._file.seek(start + within)
        data = self._file.read(min(len(buffer), end - start - within))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def content(file: BinaryIO, wanted: bytes) -> bytes:
    """Of the first chunk of that kind; b"" where there is none, or it is larger than a text may be."""
    for kind, at, length in chunks(file):
        if kind == wanted:
            file.seek(at + 8)
            return file.read(length) if length <= TEXT_MAX else b""
    return b""


def texts(source: bytes | BinaryIO) -> dict[str, str]:
    """Keyword -> text of all text chunks; of several with one keyword the first counts.

    A chunk that is damaged (wrong check sum, bad compression) or larger than TEXT_MAX is left out.
    """
    file = _as_file(source)
    found: dict[str, str] = {}
    room = TEXTS_MAX
    for kind, at, length in chunks(file):
        if kind not in TEXT_KINDS or room <= 0 or length > TEXTS_MAX:
            continue
        file.seek(at + 8)
        content, checksum = file.read(length), file.read(4)
        if zlib.crc32(kind + content).to_bytes(4, "big") != checksum:
            continue
        parsed = _text(kind, content, min(TEXT_MAX, room))
        if parsed is not None:
            room -= len(parsed[1])
            found.setdefault(*parsed)
    return found


def _text(kind: bytes, content: bytes, limit: int) -> tuple[str, str] | None:
    keyword, separator, rest = content.partition(b"\0")
    if not separator:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return (name, rest.decode("latin-1")) if len(rest) <= limit else None
    if kind == b"zTXt":
        raw = _inflate(rest[1:], limit)
        return None if raw is None else (name, raw.decode("latin-1"))
    # iTXt: compression flag and method, then language tag and translated keyword, each ended by a zero byte.
    tags = rest[2:].split(b"\0", 2)
    if len(tags) < 3:
        return None
    body: bytes | None = tags[2] if len(tags[2]) <= limit else None
    if rest[0]:
        body = _inflate(tags[2], limit)
    return None if body is None else (name, body.decode("utf-8", "replace"))


def _inflate(packed: bytes, limit: int) -> bytes | None:
    """At most `limit` bytes are ever unpacked: a small chunk may hold gigabytes of nothing."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, limit + 1)
    except zlib.error:
        return None
    return raw if len(raw) <= limit and inflater.eof else None
