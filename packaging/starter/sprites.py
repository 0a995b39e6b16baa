"""Reads the pictures of things from a pack, in their own colours or painted over; and measures pictures.

Packs are what pack_sprites.py writes: NAME.bin and NAME.json.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from drawing import turn_hue
from PIL import Image
from vocabulary import COLOURS

BEST_STYLE = "3d"
SYMMETRIC_BELOW = 10.0
"""Mean difference between a picture on white and its mirror image, of 255."""

CACHED_PICTURES = 1500
"""About 200 MB of pictures of 192 px."""


@dataclass(frozen=True)
class Sprite:
    """Where a picture lies in the pack. `hue`: its main one in degrees; `share`: the part of it that has that hue.
    `symmetric`: left and right look alike, by measure."""

    noun: str
    style: str
    offset: int
    length: int
    hue: int
    share: float
    symmetric: bool = False


class SpriteBook:
    """A pack of pictures: by noun and style, in their own colours or painted over."""

    def __init__(self, path: Path) -> None:
        self._bytes = Path(f"{path}.bin").read_bytes()
        entries = [Sprite(*row) for row in json.loads(Path(f"{path}.json").read_text("utf-8"))]
        self._sprites = {(sprite.noun, sprite.style): sprite for sprite in entries}
        self.styles: dict[str, tuple[str, ...]] = {}
        for sprite in entries:
            self.styles[sprite.noun] = (*self.styles.get(sprite.noun, ()), sprite.style)
        self._cached = lru_cache(CACHED_PICTURES)(self._load)

    @property
    def nouns(self) -> list[str]:
        return list(self.styles)

    def sprite(self, noun: str, style: str) -> Sprite:
        return self._sprites[noun, style]

    def picture(self, noun: str, style: str, colour: str = "") -> Image.Image:
        """A square RGBA picture, painted in `colour` unless that is "". Not to be changed: it is kept."""
        return self._cached(noun, style, colour)

    def _load(self, noun: str, style: str, colour: str) -> Image.Image:
        sprite = self._sprites[noun, style]
        if colour:
            own = self._cached(noun, style, "")
            return Image.fromarray(turn_hue(np.asarray(own), sprite.hue, COLOURS[colour]))
        with Image.open(io.BytesIO(self._bytes[sprite.offset : sprite.offset + sprite.length])) as image:
            return image.convert("RGBA")


def code_points(text: str) -> str:
    """Code points as all packages can be compared: lower case, without U+FE0F and leading zeros."""
    return re.sub(r"-?fe0f", "", text.lower()).lstrip("0")


def read_emoji(node_modules: Path) -> list[dict[str, object]]:
    """The emoji of emojibase-data: label, hexcode, group, tags and more."""
    entries: list[dict[str, object]] = json.loads((node_modules / "emojibase-data/en/data.json").read_text("utf-8"))
    return entries


def fit(image: Image.Image, side: int) -> Image.Image:
    """The thing alone, as large as fits into a square of `side` pixels."""
    rows, columns = np.where(np.asarray(image)[..., 3] > 16)
    image = image.crop((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def best_files(node_modules: Path) -> dict[str, Path]:
    """The 3D pictures by code points."""
    return {code_points(path.stem): path for path in (node_modules / "@lobehub/fluent-emoji-3d/assets").glob("*.webp")}


def is_symmetric(square: Image.Image) -> bool:
    """Whether left and right look alike."""
    rgba = np.asarray(square.resize((64, 64), Image.Resampling.BOX)).astype(float)
    on_white = rgba[..., :3] * rgba[..., 3:] / 255 + 255 - rgba[..., 3:]
    return float(np.abs(on_white - on_white[:, ::-1]).mean()) < SYMMETRIC_BELOW
