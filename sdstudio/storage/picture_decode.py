"""From a picture file to pixels: upright, sRGB, 8 bit, straight alpha, in little more memory than twice the result."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.storage import picture_deep
from sdstudio.storage.picture_colours import Colours
from sdstudio.storage.picture_deep import DeepPlan
from sdstudio.storage.picture_files import FORMATS, opened, picture_file, unreadable

STRIP_PIXELS = 1 << 20
PNG_BYTES = 4096
"""Read at a time. Pillow unpacks each piece with Python's lock held, and flat colour becomes a thousand times as much:
at Pillow's own 64 kB other threads would wait for 40 to 150 ms."""
_EXIF_FAULTS = (SyntaxError, ValueError, KeyError, TypeError, OSError, IndexError, ZeroDivisionError)


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same bytes every time."""
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Bytes 24 to 36 of an ICC header are the time of making, which would make every saved file differ.
    raw[24:36] = bytes.fromhex("07e800010001000000000000")
    return bytes(raw)


def load_picture(path: Path) -> ImageBuffer:
    """Any picture file as the program sees it. Raises UnreadableFile in words; refuses sides over 16384."""
    with picture_file(path) as file:
        return decode(path, file)[0]


def decode(path: Path, file: BinaryIO, formats: tuple[str, ...] = FORMATS) -> tuple[ImageBuffer, tuple[str, ...]]:
    """The picture in an open file, and what happened to it on the way, in words. `path` is for the words.

    Raises UnreadableFile.
    """
    first = _first_pass(path, file, formats)
    plan, notes = first.plan, first.notes
    if plan is not None and plan.deep:
        with opened(path, file, formats) as image:
            image.tile = plan.lower(image.tile)
            _load(image)
            for rows, strip in _strips(image):
                whole = plan.combine(first.target[rows], strip, image.info)
                first.target[rows] = first.colours.straight(whole)
        notes = (*notes, picture_deep.NOTE)
    first.result.setflags(write=False)
    return ImageBuffer(first.result), (*notes, *first.colours.notes)


def thumbnail(path: Path, side: int) -> ImageBuffer:
    """The picture, fitted into a square of `side` pixels; never enlarged. Raises UnreadableFile."""
    with picture_file(path) as file:
        first = _first_pass(path, file, FORMATS, side * 2)
    if first.plan is not None and first.plan.deep:
        first.result[:] = first.colours.straight(first.result)
    return reduced(ImageBuffer(first.result), side)


def reduced(picture: ImageBuffer, side: int) -> ImageBuffer:
    """Fitted into a square of `side` pixels; never enlarged."""
    small = Image.fromarray(picture.pixels)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return ImageBuffer(np.array(small))


@dataclass(frozen=True, slots=True, eq=False)
class _First:
    """`target` is a view of `result` with the stored picture's rows and columns; see `_upright`."""

    result: Pixels
    target: Pixels
    colours: Colours
    plan: DeepPlan | None
    notes: tuple[str, ...]


def _first_pass(path: Path, file: BinaryIO, formats: tuple[str, ...], draft: int = 0) -> _First:
    """All there is to do, except for 16 bits a colour, of which this leaves the upper bytes in the file's colours.

    Pillow's copy of the pixels is gone when this returns: only then may the next one be made.
    """
    with opened(path, file, formats) as image:
        notes = _frame_notes(image)
        if draft and image.format == "JPEG":
            image.draft(image.mode, (draft, draft))  # decodes at 1/2, 1/4 or 1/8: much less work
        plan = picture_deep.plan(image)
        if plan is not None:
            image.tile = plan.upper(image.tile)
        picture_deep.mend_transparency(image)
        _load(image)
        if image.mode == "F":
            why = "its pixels are fractions, which has no agreed brightness"
            raise unreadable(path, why, "Save it with 8 or 16 bit.")
        colours = Colours(image, srgb_profile(), plan.mode if plan else image.mode)
        result, target = _upright(image)
        for rows, strip in _strips(image):
            if plan is None:
                target[rows] = colours.to_rgba(strip)
            elif plan.deep:
                target[rows] = picture_deep.rgba(strip)
            else:
                target[rows] = colours.straight(plan.finish(picture_deep.rgba(strip)))
    return _First(result, target, colours, plan, notes)


def _load(image: ImageFile.ImageFile) -> None:
    if image.format == "PNG":
        image.decodermaxblock = PNG_BYTES
    image.load()


def orientation(image: ImageFile.ImageFile) -> int:
    """1 to 8 as EXIF counts; a damaged EXIF block means 1, “as stored”, as in every viewer.

    Of a PNG whose pixels are not loaded yet only what stands before them is looked at.
    """
    if image.format == "PNG" and image.tile and "exif" not in image.info:
        return 1
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _EXIF_FAULTS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    count = frames(image)
    if count < 2:
        return ()
    if image.format == "TIFF":
        return (f"This file holds {count} pictures: the first is shown.",)
    return (f"This is an animation: the first of its {count} pictures is shown.",)


def frames(image: Image.Image) -> int:
    """Of an animation or a file of several pages; a phone's second picture in a JPEG does not count."""
    if image.format not in ("GIF", "WEBP", "AVIF", "PNG", "TIFF"):
        return 1
    try:
        count = int(getattr(image, "n_frames", 1))
        image.seek(0)
    except (*_EXIF_FAULTS, EOFError):
        return 1  # What comes behind the first picture is damaged; the first may be whole.
    return count


def _upright(image: ImageFile.ImageFile) -> tuple[Pixels, Pixels]:
    """The upright result, and a view of it whose rows and columns are those of the stored picture."""
    turn = orientation(image)
    width, height = image.size
    result = np.empty((width, height, 4) if turn >= 5 else (height, width, 4), np.uint8)
    view = {
        2: result[:, ::-1],
        3: result[::-1, ::-1],
        4: result[::-1],
        5: result.swapaxes(0, 1),
        6: result[:, ::-1].swapaxes(0, 1),
        7: result[::-1, ::-1].swapaxes(0, 1),
        8: result[::-1].swapaxes(0, 1),
    }
    return result, view.get(turn, result)


def _strips(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """A second whole copy in another mode would cost as much memory as the picture."""
    step = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def as_file(data: bytes) -> BinaryIO:
    """Bytes from the clipboard or an archive, to be decoded like a file."""
    return io.BytesIO(data)
