"""From a file's kind of pixels (grey, palette, CMYK, …) and its colour profile to sRGB with straight alpha."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from sdstudio.domain.image import Pixels
from sdstudio.storage.picture_deep import NOTE as DEEP_NOTE

_CMS_FAULTS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


class Colours:
    """Conversion of one picture, strip by strip; for one thread, as the library's profiles must not be shared."""

    def __init__(self, image: Image.Image, srgb: bytes, mode: str) -> None:
        """`image` is loaded; `mode` its mode as Pillow calls it, or the one that its profile is made for.

        `srgb` is the profile to convert to.
        """
        self.notes: list[str] = []
        self._mode = mode
        self._srgb = srgb
        self._transform: ImageCms.ImageCmsTransform | None = None
        self._working = _working_mode(mode)
        # 32-bit grey says nowhere how much of its range it uses: by the brightest pixel, 8 or 16 bits.
        self._deep_grey = mode != "I" or _brightest(image) > 255
        profile = image.info.get("icc_profile")
        if mode == "LAB":
            lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
            self._transform = ImageCms.buildTransform(lab, self._target(), "LAB", "RGB")
        elif isinstance(profile, bytes) and profile != srgb:
            self._use(profile)
        if mode.startswith("I") and self._deep_grey:
            self.notes.append(DEEP_NOTE)
        if mode in ("CMYK", "LAB", "YCbCr", "HSV"):
            guess = mode == "CMYK" and self._transform is None
            self.notes.append(f"Converted from {mode}{', without a colour profile: its colours are a guess' * guess}.")

    def _target(self) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(io.BytesIO(self._srgb))

    def _use(self, raw: bytes) -> None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(raw))
            name = ImageCms.getProfileDescription(source).strip()
            if "srgb" in name.casefold() and self._working == "RGB":
                return
            self._transform = ImageCms.buildTransform(source, self._target(), self._working, "RGB")
        except _CMS_FAULTS:
            # Everyone takes files with a broken or unfitting profile for sRGB.
            self.notes.append("Its colour profile does not fit its pixels and was not used.")
            return
        if self._mode != "CMYK":
            self.notes.append(f"Its colours were converted from “{name}” to sRGB.")

    def to_rgba(self, strip: Image.Image) -> Pixels:
        """Height x width x 4 of a strip in the file's own mode."""
        if strip.mode.startswith("I"):
            return self._from_deep_grey(strip)
        if strip.mode == "La":
            strip = strip.convert("LA")
        if strip.mode in ("CMYK", "LAB") and self._transform is not None:
            return _opaque(self._converted(strip))
        rgba = strip.convert("RGB").convert("RGBA") if strip.mode in ("YCbCr", "HSV") else strip.convert("RGBA")
        return self.straight(np.array(rgba))

    def straight(self, pixels: Pixels) -> Pixels:
        """RGBA in the file's colours to RGBA in sRGB, alpha untouched; in place where it can be."""
        if self._transform is None:
            return pixels
        image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
        pixels[..., :3] = self._converted(image.getchannel(0) if self._working == "L" else image)
        return pixels

    def _converted(self, image: Image.Image) -> Pixels:
        assert self._transform is not None
        converted = ImageCms.applyTransform(image, self._transform)
        if converted is None:
            raise ValueError("the colour profile could not be applied")
        return np.asarray(converted)

    def _from_deep_grey(self, strip: Image.Image) -> Pixels:
        """To 8 bit, rounded; Pillow's own conversion would clip everything above 255."""
        values = np.asarray(strip).astype(np.int64)
        grey = (np.clip(values, 0, 65535) + 128) // 257 if self._deep_grey else np.clip(values, 0, 255)
        pixels = np.full((*grey.shape, 4), 255, np.uint8)
        pixels[..., :3] = grey[..., None]
        clear = strip.info.get("transparency")
        if isinstance(clear, int):
            pixels[..., 3][values == clear] = 0
        return self.straight(pixels)


def _brightest(image: Image.Image) -> int:
    extrema = image.getextrema()
    return int(extrema[1]) if isinstance(extrema[1], int | float) else 0


def _working_mode(mode: str) -> str:
    """What the profile of such a file describes."""
    if mode in ("1", "L", "LA", "La") or mode.startswith("I"):
        return "L"
    return mode if mode in ("CMYK", "LAB") else "RGB"


def _opaque(rgb: Pixels) -> Pixels:
    pixels = np.full((*rgb.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = rgb
    return pixels
