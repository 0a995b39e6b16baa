"""Opening picture files of any origin without harm: limits before pixels, words for every failure."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage import png_chunks

PICTURE_SIDE_MAX = 16384
FILE_BYTES_MAX = 512 * 2**20
# Not all that Pillow knows: some of its formats start other programs (EPS) or have no use here.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")

# Our own limit, by side and before any pixel is decoded, takes the place of Pillow's warning by area.
Image.MAX_IMAGE_PIXELS = None

# Pillow warns on each oddity of a damaged EXIF block; a person can do nothing about them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def unreadable(path: Path, why: str, hint: str = "") -> UnreadableFile:
    return UnreadableFile(f"“{path.name}” could not be opened: {why}.", hint=hint)


def read_limited(path: Path) -> bytes:
    """The file's bytes. Raises UnreadableFile for what is missing, a folder, not allowed, or far too large."""
    try:
        if path.is_dir():
            raise unreadable(path, "it is a folder", "Choose a picture file.")
        if not path.is_file() and path.exists():
            raise unreadable(path, "it is not a file", "Choose a picture file.")
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            room = FILE_BYTES_MAX >> 20
            raise unreadable(path, f"it has {size / 2**20:,.0f} MB, and pictures up to {room} MB are read")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise unreadable(path, "there is no such file", "Look whether it was moved or renamed.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise unreadable(path, getattr(error, "strerror", None) or str(error)) from error


@contextmanager
def opened(path: Path, data: bytes) -> Iterator[Image.Image]:
    """The picture, its size checked, its pixels not decoded yet. Whatever fails inside becomes UnreadableFile."""
    try:
        if data.startswith(png_chunks.SIGNATURE):
            data = png_chunks.without_texts(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(path, image)
            yield image
    except UnreadableFile as error:
        # The chunk reader does not know the file's name.
        raise error if path.name in error.message else unreadable(path, _inner(error.message), error.hint) from error
    except UnidentifiedImageError as error:
        kinds = "PNG, JPEG, WebP, BMP, GIF or TIFF"
        raise unreadable(path, "it is not a picture, or damaged", f"Pictures are {kinds} files.") from error
    except Exception as error:
        # Decoders raise nearly every type on damaged files; none of it may end the program.
        hint = "Get it again, or save it anew in the program it is from."
        raise unreadable(path, f"it is damaged ({error})", hint) from error


def _inner(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _check_size(path: Path, image: Image.Image) -> None:
    if max(image.size) > PICTURE_SIDE_MAX:
        size = f"{image.width} × {image.height}"
        why = f"it has {size} pixels, and sides up to {PICTURE_SIDE_MAX:,} are read"
        raise unreadable(path, why, "Make it smaller first.")
