"""Finished pictures as PNG, JPEG or WebP files, with an sRGB profile, with or without the settings they came from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from sdstudio.domain.errors import InvalidRequest, StorageError
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.metadata import PictureRecord, write_parameters
from sdstudio.storage.files import write_atomic, write_new
from sdstudio.storage.picture_decode import srgb_profile
from sdstudio.storage.pictures import encode_png

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
WEBP_SIDE_MAX = 16383
EXIF_BYTES_MAX = 65_000
"""A JPEG holds 65533 bytes of EXIF in one block, and there is more in it than the comment."""
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_STRIP_ROWS = 256


def export(
    image: ImageBuffer,
    path: Path,
    *,
    quality: int = 92,
    lossless: bool = True,
    settings: PictureRecord | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the picture in the format that the name ends with and returns where it is.

    Where the name is taken a number is added, unless `overwrite`. `quality` 1 to 100 is that of JPEG and of WebP when
    not `lossless`. JPEG has no transparency: it is put onto white. Raises StorageError; InvalidRequest("path") for a
    name of another format.
    """
    data = encode(image, path.suffix.lower(), quality=quality, lossless=lossless, settings=settings)
    if overwrite:
        write_atomic(path, data)
        return path
    return write_new(path.parent, path.stem, path.suffix, data)


def encode(
    image: ImageBuffer, suffix: str, *, quality: int = 92, lossless: bool = True, settings: PictureRecord | None = None
) -> bytes:
    """The bytes of the file; see `export`."""
    if suffix == ".png":
        return encode_png(image, settings)
    exif = _comment(write_parameters(settings)) if settings is not None else b""
    out = io.BytesIO()
    if suffix in (".jpg", ".jpeg"):
        picture = Image.fromarray(onto_white(image.pixels))
        # Half the colours of a drawing's edges would be lost by the usual subsampling.
        picture.save(out, "JPEG", quality=quality, subsampling=0, icc_profile=srgb_profile(), exif=exif)
    elif suffix == ".webp":
        _check_webp(image)
        picture = Image.fromarray(np.ascontiguousarray(image.rgb) if image.opaque else image.pixels)
        # "exact" keeps the colours under transparent pixels.
        how = {"lossless": True, "exact": True} if lossless else {"quality": quality, "exact": True}
        picture.save(out, "WEBP", icc_profile=srgb_profile(), exif=exif, **how)
    else:
        hint = "End the name with .png, .jpg or .webp."
        raise InvalidRequest("path", f"“{suffix}” is not a kind of file that pictures are exported to.", hint=hint)
    return out.getvalue()


def onto_white(pixels: Pixels) -> Pixels:
    """Height x width x 4 straight alpha -> height x width x 3 as seen on white paper, rounded."""
    result = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _STRIP_ROWS):
        part = pixels[top : top + _STRIP_ROWS]
        alpha = part[..., 3:].astype(np.uint32)
        result[top : top + _STRIP_ROWS] = (part[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return result


def _check_webp(image: ImageBuffer) -> None:
    if max(image.size.width, image.size.height) > WEBP_SIDE_MAX:
        message = f"A WebP picture has at most {WEBP_SIDE_MAX:,} pixels a side; this one has {image.size}."
        raise StorageError(message, hint="Export it as PNG.")


def _comment(text: str) -> bytes:
    """An EXIF block with the settings as other programs write them: UTF-16, its high bytes first."""
    exif = Image.Exif()
    comment = b"UNICODE\0" + text.encode("utf-16-be", "replace")
    if len(comment) > EXIF_BYTES_MAX:
        message = "The settings are too long for this kind of file."
        raise StorageError(message, hint="Export it as PNG, or without settings.")
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = comment
    return exif.tobytes()
