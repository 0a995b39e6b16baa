"""Puts things on a ground, one, two or several, and says in words how they lie."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter
from vocabulary import ADJECTIVES, AIR_SCENES, MEDIA, NUMBERS, with_article

PLACES = {
    "on the left": (0.27, 0.5),
    "on the right": (0.73, 0.5),
    "at the top": (0.5, 0.27),
    "at the bottom": (0.5, 0.73),
    "in the top left corner": (0.26, 0.26),
    "in the top right corner": (0.74, 0.26),
    "in the bottom left corner": (0.26, 0.74),
    "in the bottom right corner": (0.74, 0.74),
}
SPOTS = {
    2: ((0.26, 0.5), (0.74, 0.5)),
    3: ((0.5, 0.27), (0.26, 0.73), (0.74, 0.73)),
    4: ((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)),
}
"""Where two to four things of a kind are (centres, fractions of the side), off scenes."""


BESIDE = ("{first} and {second}", "{first} and {second}", "{first} next to {second}")
BESIDE_RICH = ("{first} to the left of {second}", "{second} to the right of {first}")


@dataclass(frozen=True)
class Thing:
    """A noun as it will be drawn: its words, its picture, the colour it has, the one that is named ("" = none)."""

    noun: str
    words: str
    plural: str
    image: Image.Image
    colour: str
    named: str


@dataclass(frozen=True)
class Ground:
    """What lies behind the things. `level` is where a scene's ground begins (fraction of the height).

    `note` is for those who judge: "plain blue", "scene grass", "gradient red blue" and so on.
    """

    image: Image.Image
    words: str
    note: str
    scene: str = ""
    level: float = 0.0

    @property
    def stands(self) -> bool:
        """Things stand on it."""
        return bool(self.scene) and self.scene not in AIR_SCENES

    @property
    def takes_shadow(self) -> bool:
        return self.stands and self.scene != "sea"


class Layout:
    """Puts things on a ground and words the result. `rich`: pairs may be said to be left of, right of, above, below."""

    def __init__(self, rng: random.Random, side: int, ground: Ground, rich: bool) -> None:
        self._rng = rng
        self._side = side
        self._ground = ground
        self._rich = rich

    def place(self, layout: str, things: list[Thing]) -> tuple[str, list[Thing], int]:
        """The words, the things from left to right (top to bottom), and how many there are."""
        thing = things[0]
        if layout == "two":
            return *self._two(things), 2
        if layout == "several":
            return self._several(thing)
        if layout == "side" and not self._ground.scene:
            where, (x, y) = self._rng.choice(list(PLACES.items()))
            self._paste(thing.image, x, y, self._rng.uniform(0.38, 0.46))
            return f"{with_article(thing.words)} {where}", things, 1
        if layout == "small":
            self._free(thing, self._rng.uniform(0.34, 0.48), 0.2)
            return with_article(f"small {thing.words}"), things, 1
        if layout == "big":
            self._paste(thing.image, 0.5, 0.5, self._rng.uniform(0.98, 1.1))
            return with_article(f"big {thing.words}"), things, 1
        size = self._rng.uniform(0.5, 0.74) if self._ground.scene else self._rng.uniform(0.66, 0.92)
        self._free(thing, size, 0.05)
        return self._vary(thing.words), things, 1

    def _free(self, thing: Thing, size: float, stray: float) -> None:
        """One thing about the middle, or standing on the scene's ground."""
        rng = self._rng
        x = 0.5 + rng.uniform(-stray, stray)
        y = self._standing(size)
        self._paste(thing.image, x, 0.5 + rng.uniform(-stray, stray) * 0.9 if y is None else y, size, self._tilt())

    def _two(self, things: list[Thing]) -> tuple[str, list[Thing]]:
        rng = self._rng
        first, second = (with_article(thing.words) for thing in things)
        sizes = rng.uniform(0.4, 0.48), rng.uniform(0.4, 0.48)
        if self._rich and not self._ground.scene and rng.random() < 0.3:
            across = rng.uniform(0.42, 0.58)
            for thing, size, y in zip(things, sizes, (rng.uniform(0.24, 0.26), rng.uniform(0.74, 0.76)), strict=True):
                self._paste(thing.image, across, y, size)
            return rng.choice([f"{first} above {second}", f"{second} below {first}"]), things
        middle = 0.5 + rng.uniform(-0.05, 0.05)
        for thing, size, (left, right) in zip(things, sizes, ((0.24, 0.27), (0.73, 0.76)), strict=True):
            height = self._standing(size)
            self._paste(thing.image, rng.uniform(left, right), middle if height is None else height, size)
        links = BESIDE + BESIDE_RICH if self._rich else BESIDE
        return rng.choice(links).format(first=first, second=second), things

    def _several(self, thing: Thing) -> tuple[str, list[Thing], int]:
        rng = self._rng
        count = rng.randint(2, 4)
        size = rng.uniform(0.38, 0.46)
        for x, y in SPOTS[count]:
            self._paste(thing.image, x + rng.uniform(-0.02, 0.02), y + rng.uniform(-0.02, 0.02), size)
        words = f"{thing.named} {thing.plural}".strip()
        return f"{NUMBERS[count]} {words}", [thing] * count, count

    def _standing(self, size: float) -> float | None:
        """The centre's height for a thing of `size` that stands on the scene's ground; None without one."""
        if not self._ground.stands:
            return None
        centre = min(0.96, self._ground.level + self._rng.uniform(0.1, 0.2)) - size / 2
        return max(centre, size / 2) if self._rich else centre

    def _tilt(self) -> float:
        """Degrees: mostly none."""
        return self._rng.uniform(-12, 12) if self._rng.random() < 0.15 else 0

    def _vary(self, thing: str) -> str:
        """Ways to ask for one thing."""
        draw = self._rng.random()
        if draw < 0.1:
            return thing
        if draw < 0.16:
            return self._rng.choice(MEDIA) + with_article(thing)
        if draw < 0.2:
            return with_article(f"{self._rng.choice(ADJECTIVES)} {thing}")
        return "the " + thing if draw < 0.22 else with_article(thing)

    def _paste(self, image: Image.Image, x: float, y: float, size: float, tilt: float = 0) -> None:
        """Puts a thing on the ground: centre and size are fractions of the side."""
        side, canvas = self._side, self._ground.image
        pixels = max(8, int(size * side))
        image = image.resize((pixels, pixels), Image.Resampling.LANCZOS)
        if tilt:
            image = image.rotate(tilt, Image.Resampling.BICUBIC)
        left, top = int(x * side - pixels / 2), int(y * side - pixels / 2)
        if self._ground.takes_shadow:
            shadow = Image.new("L", (side, side), 0)
            box = (left + pixels * 0.15, top + pixels * 0.92, left + pixels * 0.85, top + pixels * 1.02)
            ImageDraw.Draw(shadow).ellipse(box, fill=80)
            canvas.paste((0, 0, 0), (0, 0), shadow.filter(ImageFilter.GaussianBlur(side / 64)))
        canvas.paste(image, (left, top), image)
