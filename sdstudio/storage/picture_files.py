"""Opening picture files of any origin without harm: limits before pixels, words for every failure."""

from __future__ import annotations

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.os_words import os_reason
from sdstudio.storage import png_chunks

PICTURE_SIDE_MAX = MAX_SIDE
FILE_BYTES_MAX = 4 * 2**30
"""A picture of the largest size with 16 bits a channel has 2 GB when it is not compressed."""

# Not all that Pillow knows: some of its formats start other programs (EPS) or have no use here.
_PLUGINS = {
    "PNG": PngImagePlugin,
    "JPEG": JpegImagePlugin,
    "WEBP": WebPImagePlugin,
    "TIFF": TiffImagePlugin,
    "AVIF": AvifImagePlugin,
    "GIF": GifImagePlugin,
    "BMP": BmpImagePlugin,
}
FORMATS = tuple(_PLUGINS)
KINDS = "PNG, JPEG, WebP, TIFF, AVIF, GIF or BMP"

# Pillow's own limit is below what artists have. It is raised, once and for good, to the largest picture that passes
# `_check_size`, which looks at both sides of every picture before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = PICTURE_SIDE_MAX**2

# Pillow warns on each oddity of a damaged EXIF block; a person can do nothing about them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_OTHER_KINDS = (
    (b"8BPS", 0, "it is a Photoshop document", "Export it as PNG or OpenRaster there."),
    (b"gimp xcf", 0, "it is a GIMP document", "Export it as PNG or OpenRaster in GIMP."),
    (b"%PDF", 0, "it is a PDF document", "Export the page as PNG."),
    (b"ftyphei", 4, "it is a HEIC photo, which SD Studio cannot read", "Export it as JPEG or PNG."),
    (b"ftypmif1", 4, "it is a HEIF photo, which SD Studio cannot read", "Export it as JPEG or PNG."),
    (b"PK\3\4", 0, "it is a ZIP archive or a project of another program", f"Pictures are {KINDS} files."),
)


def unreadable(path: Path, why: str, hint: str = "") -> UnreadableFile:
    return UnreadableFile(f"“{path.name}” could not be opened: {why}.", hint=hint)


@contextmanager
def picture_file(path: Path, limit: int = FILE_BYTES_MAX) -> Iterator[BinaryIO]:
    """The file, opened for reading. Raises UnreadableFile for what is missing, no file, not allowed, or far too large.

    What the block raises as OSError becomes UnreadableFile too.
    """
    # Opening a pipe without O_NONBLOCK would wait until somebody writes into it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if path.is_dir():  # Windows calls opening a folder "permission denied".
            raise unreadable(path, "it is a folder", "Choose a picture file.")
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise unreadable(path, "it is not a file", "Choose a picture file.")
            if status.st_size > limit:
                sizes = f"it has {status.st_size / 2**20:,.0f} MB, and files up to {limit >> 20:,} MB are read"
                raise unreadable(path, sizes)
            yield cast(BinaryIO, file)
    except FileNotFoundError as error:
        raise unreadable(path, "there is no such file", "Look whether it was moved or renamed.") from error
    except PermissionError as error:
        hint = "Ask for the right to read it, or copy it to another place."
        raise unreadable(path, "SD Studio is not allowed to read it", hint) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise unreadable(path, os_reason(error) if isinstance(error, OSError) else str(error)) from error


@contextmanager
def opened(path: Path, file: BinaryIO, formats: tuple[str, ...] = FORMATS) -> Iterator[ImageFile.ImageFile]:
    """The picture, its size checked, its pixels not decoded yet. Whatever fails inside becomes UnreadableFile.

    `path` is for the words; `file` is read from its beginning and stays open.
    """
    try:
        file.seek(0)
        head = file.read(512)
        if head.startswith(png_chunks.SIGNATURE):
            file = png_chunks.without_texts(file)
        _check_claim(path, file, head)
        with _identified(file, head, formats) as image:
            _check_size(path, *image.size)
            yield image
    except UnreadableFile as error:
        # The chunk reader does not know the file's name.
        raise error if path.name in error.message else unreadable(path, _inner(error.message), error.hint) from error
    except UnidentifiedImageError as error:
        raise unreadable(path, *_what_it_is(head)) from error
    except MemoryError as error:
        raise unreadable(path, "there is not enough memory for it", "Close other programs.") from error
    except Exception as error:
        # Decoders raise nearly every type on damaged files; none of it may end the program.
        hint = "Get it again, or save it anew in the program it is from."
        raise unreadable(path, f"it is damaged ({error})", hint) from error


def _identified(file: BinaryIO, head: bytes, formats: tuple[str, ...]) -> ImageFile.ImageFile:
    """As Image.open, whose own check of the size comes too early to say it in words."""
    for name in formats:
        factory, accept = Image.OPEN[name]
        if accept is not None and accept(head[:16]) is not True:
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error) as error:
            raise UnidentifiedImageError(str(error)) from error
    raise UnidentifiedImageError("no known signature")


def _inner(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _check_size(path: Path, width: int, height: int) -> None:
    if max(width, height) > PICTURE_SIDE_MAX:
        why = f"it has {width} × {height} pixels, and sides up to {PICTURE_SIDE_MAX:,} are read"
        raise unreadable(path, why, "Make it smaller first.")


def _check_claim(path: Path, file: BinaryIO, head: bytes) -> None:
    """Where Pillow takes memory for, or refuses, a size while it opens the file: before that."""
    if head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X":
        _check_size(path, int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
    if head[4:8] == b"ftyp":
        file.seek(0)
        at = (begin := file.read(1 << 16)).find(b"ispe\0\0\0\0")
        if 0 <= at <= len(begin) - 16:
            _check_size(path, *struct.unpack_from(">II", begin, at + 8))


def _what_it_is(head: bytes) -> tuple[str, str]:
    """Why a file is no picture, and what to do."""
    if not head:
        return "it is not a picture but an empty file", "Get it again: it was not copied or saved whole."
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<meta", b"<img", b"<div", b"<p")):
        return "it is a web page, not a picture", "Save the picture itself from the page."
    if b"<svg" in text:
        return "it is an SVG drawing", "Export it as PNG first."
    for mark, at, what, hint in _OTHER_KINDS:
        if head[at : at + len(mark)] == mark:
            return what, hint
    return "it is not a picture, or damaged", f"Pictures are {KINDS} files."
