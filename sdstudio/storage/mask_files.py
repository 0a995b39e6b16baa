"""Masks in files: 255 = may change fully, 0 = keep."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from sdstudio.domain.image import Pixels
from sdstudio.storage.files import write_atomic, write_new
from sdstudio.storage.picture_decode import load_picture

_STRIP_ROWS = 256


def load_mask(path: Path) -> Pixels:
    """Height x width uint8: the picture's luminance; its alpha where that is not opaque everywhere.

    Raises UnreadableFile.
    """
    image = load_picture(path)
    if not image.opaque:
        return np.ascontiguousarray(image.pixels[..., 3])
    mask = np.empty(image.pixels.shape[:2], np.uint8)
    for top in range(0, len(mask), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        mask[rows] = np.asarray(Image.fromarray(image.pixels[rows]).convert("L"))
    return mask


def encode_mask(pixels: Pixels, *, compression: int = 4) -> bytes:
    """A grey PNG without a colour profile, since its values are no colours."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=compression)
    return out.getvalue()


def save_mask(pixels: Pixels, path: Path, *, overwrite: bool = False) -> Path:
    """As `encode_mask`. Returns where it is: with a number added to the name where that is taken, unless `overwrite`.
    Raises StorageError."""
    target = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
    if overwrite:
        write_atomic(target, encode_mask(pixels))
        return target
    return write_new(target.parent, target.stem, target.suffix, encode_mask(pixels))
