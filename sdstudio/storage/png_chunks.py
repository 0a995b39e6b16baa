"""The chunks of a PNG file, read directly: Qt and Pillow both change or refuse texts that are in real files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from sdstudio.domain.errors import UnreadableFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
TEXT_MAX = 16 * 2**20
"""Bytes of one text after decompression; the largest ComfyUI graphs seen in practice have about 2 MB."""
TEXTS_MAX = 64 * 2**20
"""Bytes of all texts of a file together."""
CHUNKS_MAX = 100_000
_HEADER = struct.Struct(">I4s")


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of the chunk in `data`, length of its content) up to and with IEND.

    Raises UnreadableFile where the file ends too early or is no PNG.
    """
    if not data.startswith(SIGNATURE):
        raise UnreadableFile("The file is not a PNG picture.")
    position = len(SIGNATURE)
    for _ in range(CHUNKS_MAX):
        if position + 12 > len(data):
            raise UnreadableFile("The picture ends too early.", hint="Get it again: it was not copied or saved whole.")
        length, kind = _HEADER.unpack_from(data, position)
        if position + 12 + length > len(data):
            raise UnreadableFile("The picture ends too early.", hint="Get it again: it was not copied or saved whole.")
        yield kind, position, length
        if kind == b"IEND":
            return
        position += 12 + length
    raise UnreadableFile("The picture has too many parts to be a real one.")


def without_texts(data: bytes) -> bytes:
    """The same picture without its text chunks, on which Pillow has limits that real files exceed."""
    kept = [SIGNATURE]
    kept += [data[at : at + 12 + length] for kind, at, length in chunks(data) if kind not in TEXT_KINDS]
    return b"".join(kept)


def texts(data: bytes) -> dict[str, str]:
    """Keyword -> text of all text chunks; of several with one keyword the first counts.

    A chunk that is damaged (wrong check sum, bad compression) or larger than TEXT_MAX is left out.
    """
    found: dict[str, str] = {}
    room = TEXTS_MAX
    for kind, at, length in chunks(data):
        if kind not in TEXT_KINDS or room <= 0:
            continue
        content = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + content) != checksum:
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
