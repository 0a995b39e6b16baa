"""From a picture file to pixels: upright, sRGB, 8 bit, straight alpha."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.picture_files import opened, read_limited, unreadable


def _srgb() -> ImageCms.ImageCmsProfile:
    """A new one each time: the library's profile objects must not be shared between threads."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same bytes every time."""
    raw = bytearray(_srgb().tobytes())
    # Bytes 24 to 36 of an ICC header are the time of making, which would make every saved file differ.
    raw[24:36] = bytes.fromhex("07e800010001000000000000")
    return bytes(raw)


def load_picture(path: Path) -> ImageBuffer:
    """Any picture file as the program sees it. Raises UnreadableFile in words; refuses sides over 16384."""
    data = read_limited(path)
    with opened(path, data) as image:
        return _to_buffer(_to_rgba(path, _upright(image)))


def thumbnail(path: Path, side: int) -> ImageBuffer:
    """The picture, fitted into a square of `side` pixels; never enlarged. Raises UnreadableFile."""
    data = read_limited(path)
    with opened(path, data) as image:
        if image.format == "JPEG":
            image.draft(image.mode, (side * 2, side * 2))  # decodes at 1/2, 1/4 or 1/8: much less work
        rgba = _to_rgba(path, _upright(image))
        rgba.thumbnail((side, side), Image.Resampling.LANCZOS)
        return _to_buffer(rgba)


def _upright(image: Image.Image) -> Image.Image:
    """As the camera was held; a damaged EXIF block means “as stored”, as in every viewer."""
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, IndexError, ZeroDivisionError):
        return image


def _to_buffer(image: Image.Image) -> ImageBuffer:
    pixels = np.array(image, dtype=np.uint8)
    pixels.setflags(write=False)
    return ImageBuffer(pixels)


def _to_rgba(path: Path, image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise unreadable(path, "its pixels are fractions, which has no agreed brightness", "Save it with 8 or 16 bit.")
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        return _from_deep_grey(image).convert("RGBA")
    if profile and not _is_srgb(profile):
        converted = _converted(image, profile)
        if converted is not None:
            return converted
    return image.convert("RGBA")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bit, rounded; Pillow's own conversion would clip everything above 255."""
    values = np.asarray(image).astype(np.int64)
    deep = image.mode.startswith("I;16") or values.max(initial=0) > 255
    grey = (np.clip(values, 0, 65535) + 128) // 257 if deep else np.clip(values, 0, 255)
    return Image.fromarray(grey.astype(np.uint8))


def _is_srgb(profile: bytes) -> bool:
    if profile == srgb_profile():
        return True
    try:
        return "srgb" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).casefold()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return True  # A broken profile cannot be applied: such files are taken for sRGB everywhere.


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Through the file's profile to sRGB, alpha untouched; None where the profile does not fit the pixels."""
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        image = rgba.convert("L") if image.mode == "LA" else rgba.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if converted is None:
        return None
    rgba = converted.convert("RGBA")
    if alpha is not None:
        rgba.putalpha(alpha)
    return rgba
