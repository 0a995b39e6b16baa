"""16 bits a colour and premultiplied alpha, both rounded well: Pillow itself drops the lower byte and truncates.

A picture of 16 bits is decoded twice, once for the upper bytes of its values and once for the lower ones: by telling
Pillow that the bytes of each value stand the other way round.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from sdstudio.domain.image import Pixels

NOTE = "Its 16 bits a colour were rounded to 8."
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_LAYOUTS = ("RGB", "RGBA", "RGBX", "RGBa", "LA")
_Tiles = list[ImageFile._Tile]


@dataclass(frozen=True, slots=True)
class DeepPlan:
    """How to read such a picture. `layout` is Pillow's name of what is stored, `order` B, L or N, "" for 8 bits."""

    layout: str
    order: str

    @property
    def deep(self) -> bool:
        return bool(self.order)

    @property
    def mode(self) -> str:
        """Whose colour profile may be in the file."""
        return "LA" if self.layout == "LA" else "RGB"

    def upper(self, tiles: _Tiles) -> _Tiles:
        """What to decode for the upper bytes (or the 8 bits that there are), alpha left as it is stored."""
        raw = self.layout.replace("RGBa", "RGBA")
        return [_with_raw_mode(tile, f"{raw};16{self.order}" if self.deep else raw) for tile in tiles]

    def lower(self, tiles: _Tiles) -> _Tiles:
        if self.layout == "LA":  # Grey and alpha, two bytes each: decoded as if they were four channels.
            return [_with_raw_mode(tile, "RGBA") for tile in tiles]
        raw = self.layout.replace("RGBa", "RGBA")
        return [_with_raw_mode(tile, f"{raw};16{_SWAPPED[self.order]}") for tile in tiles]

    def combine(self, upper: Pixels, strip: Image.Image, info: Mapping[Any, Any]) -> Pixels:
        """Height x width x 4 of the upper bytes, and the same strip of the lower ones -> rounded, straight alpha."""
        lower = np.asarray(strip)[..., [1, 1, 1, 3]] if self.layout == "LA" else rgba(strip)
        if self.layout == "RGBa":
            return _unmultiplied(upper.astype(np.uint32) * 256 + lower, 65535)
        # v / 257 rounded, for v = 256 upper + lower = 257 upper + (lower - upper)
        rest = lower.astype(np.int16) - upper
        pixels = upper + (rest > 128) - (rest < -128)
        clear = info.get("transparency")
        if self.layout == "RGB" and isinstance(clear, tuple) and len(clear) == 3:
            values = upper[..., :3].astype(np.uint16) * 256 + lower[..., :3]
            pixels[..., 3][(values == np.array(clear, np.uint16)).all(axis=2)] = 0
        return pixels.astype(np.uint8)

    def finish(self, stored: Pixels) -> Pixels:
        """8 bits with premultiplied alpha -> straight."""
        return _unmultiplied(stored.astype(np.uint32), 255)


def plan(image: ImageFile.ImageFile) -> DeepPlan | None:
    """Before the pixels are loaded. None where Pillow alone does it right."""
    if image.mode not in ("RGB", "RGBA") or not image.tile:
        return None
    names = {_raw_mode(tile) for tile in image.tile}
    if len(names) != 1:
        return None
    layout, _, depth = names.pop().partition(";")
    if layout == "RGBa" and not depth:
        return DeepPlan(layout, "")
    if layout in _LAYOUTS and depth[:2] == "16" and depth[2:] in _SWAPPED:
        return DeepPlan(layout, depth[2:])
    return None


def mend_transparency(image: ImageFile.ImageFile) -> None:
    """A PNG of 2 or 4 bits: Pillow spreads its greys over 0 to 255, but not the grey that is transparent."""
    clear = image.info.get("transparency")
    scale = {"L;2": 85, "L;4": 17}.get(_raw_mode(image.tile[0]) if image.tile else "")
    if image.format == "PNG" and image.mode == "L" and scale and isinstance(clear, int):
        image.info["transparency"] = min(clear * scale, 255)


def rgba(strip: Image.Image) -> Pixels:
    """RGB or RGBA as four channels; a transparent colour is not looked at."""
    pixels = np.asarray(strip)
    if pixels.shape[2] == 4:
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)


def _unmultiplied(values: np.ndarray[Any, np.dtype[np.uint32]], top: int) -> Pixels:
    """Of channels 0 to `top`; colours under alpha 0 stay as they are stored."""
    alpha = values[..., 3:]
    safe = np.maximum(alpha, 1)
    straight = np.minimum((values[..., :3] * 255 + safe // 2) // safe, 255)
    scale = top // 255
    pixels = ((values + scale // 2) // scale).astype(np.uint8)
    pixels[..., :3] = np.where(alpha > 0, straight, pixels[..., :3])
    return pixels


def _raw_mode(tile: ImageFile._Tile) -> str:
    name = tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args
    return name if isinstance(name, str) else ""


def _with_raw_mode(tile: ImageFile._Tile, name: str) -> ImageFile._Tile:
    return tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name)
