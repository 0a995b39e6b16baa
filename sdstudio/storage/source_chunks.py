"""What a picture's file says besides its pixels, to go along into what is made of it.

Of PNG files the chunks that their specification calls safe to copy (PNG 1.2, section 3.3: the fourth letter is small),
except the two texts that tell how a picture was made, which are written anew; of all kinds the EXIF data, without the
orientation, which is in the pixels by then.
"""

from __future__ import annotations

import logging
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.metadata import PARAMETERS_KEY, RECORD_KEY
from sdstudio.storage.png_chunks import SIGNATURE, TEXT_KINDS, chunks, content

CHUNKS_BYTES = 16 * 2**20
"""Of all together; what is beyond it stays behind."""

EXIF = b"eXIf"
ORIENTATION = 0x0112
_OWN = tuple(key.encode() + b"\0" for key in (PARAMETERS_KEY, RECORD_KEY))
_log = logging.getLogger(__name__)


def source_chunks(path: Path) -> bytes:
    """Whole PNG chunks, one after the other; b"" where there are none or the file cannot be read for them."""
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return _png_chunks(file) + _exif_chunk(_exif_of_png(file))
            file.seek(0)
            with Image.open(file) as image:
                return _exif_chunk(image.getexif())
    except (OSError, UnreadableFile, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # The picture itself was read: what lies beside it is no reason to refuse it.
        _log.info("What “%s” says besides its pixels stays behind: %s", path.name, error)
        return b""


def stored_chunks(path: Path) -> bytes:
    """Those that `source_chunks` gave, from a PNG of ours. Raises UnreadableFile, OSError."""
    with path.open("rb") as file:
        return _png_chunks(file, keep_exif=True)


def with_chunks(png: bytes, extra: bytes) -> bytes:
    """The same PNG with them before its pixels."""
    if not extra:
        return png
    at = next(position for kind, position, _length in chunks(png) if kind == b"IDAT")
    return png[:at] + extra + png[at:]


def _png_chunks(file: BinaryIO, keep_exif: bool = False) -> bytes:
    found: list[bytes] = []
    room = CHUNKS_BYTES
    for kind, at, length in chunks(file):
        if not _goes_along(kind) or (kind == EXIF and not keep_exif) or length + 12 > room:
            continue
        file.seek(at)
        whole = file.read(length + 12)
        data = whole[8:-4]
        sound = zlib.crc32(kind + data).to_bytes(4, "big") == whole[-4:]
        if sound and not (kind in TEXT_KINDS and data.startswith(_OWN)):
            found.append(whole)
            room -= len(whole)
    return b"".join(found)


def _goes_along(kind: bytes) -> bool:
    """Ancillary and safe to copy: small first and fourth letters."""
    return kind.isalpha() and kind[:1].islower() and kind[3:4].islower()


def _exif_of_png(file: BinaryIO) -> Image.Exif:
    exif = Image.Exif()
    found = content(file, EXIF)
    if found:
        exif.load(found)
    return exif


def _exif_chunk(exif: Image.Exif) -> bytes:
    exif.pop(ORIENTATION, None)
    if not exif:
        return b""
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    if len(data) > CHUNKS_BYTES:
        return b""
    return len(data).to_bytes(4, "big") + EXIF + data + zlib.crc32(EXIF + data).to_bytes(4, "big")
