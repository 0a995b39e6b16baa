"""Opening any picture for the canvas: what it is and what it needs first, then its pixels, always with words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.mask_files import load_mask, save_mask
from sdstudio.storage.picture_decode import as_file, decode, frames, orientation
from sdstudio.storage.picture_files import opened, picture_file

__all__ = ["OpenedPicture", "PictureFacts", "load_mask", "look_at", "open_bytes", "open_picture", "save_mask"]

BYTES_A_PIXEL = 4


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """`notes`: what happened to it on the way, one plain sentence each."""

    image: ImageBuffer
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a file's header says. `format` is Pillow's name (PNG, JPEG, …); `bytes_needed` what the picture takes
    while it is open: its pixels and their smaller copies for the display, both at 4 bytes a pixel."""

    size: Size
    format: str
    frames: int
    bytes_needed: int


def look_at(path: Path) -> PictureFacts:
    """Reads no pixels. Raises UnreadableFile, for too large a picture too."""
    with picture_file(path) as file, opened(path, file) as image:
        width, height = image.size
        # Pillow itself turns the size of a TIFF.
        if image.format != "TIFF" and orientation(image) >= 5:
            width, height = height, width
        size = Size(width, height)
        return PictureFacts(size, image.format or "", frames(image), bytes_needed(size))


def bytes_needed(size: Size, layer_pixels: int | None = None) -> int:
    """Pixels once as they are (`layer_pixels`: those of all layers together, where there are several), once for the
    display, and a third more for a half, a quarter … of the size."""
    own = size.pixels if layer_pixels is None else layer_pixels
    return own * BYTES_A_PIXEL + size.pixels * BYTES_A_PIXEL * 4 // 3


def open_picture(path: Path) -> OpenedPicture:
    """Raises UnreadableFile."""
    with picture_file(path) as file:
        return OpenedPicture(*decode(path, file))


def open_bytes(data: bytes, name: str) -> OpenedPicture:
    """A picture file's bytes, from the clipboard for example; `name` is for the words. Raises UnreadableFile."""
    return OpenedPicture(*decode(Path(name), as_file(data)))
