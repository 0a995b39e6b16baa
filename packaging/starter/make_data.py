"""Composes the training pictures and their captions.

    python make_data.py NODE_MODULES OUT COUNT [--procs 2] [--seed 0]

NODE_MODULES holds @lobehub/fluent-emoji-3d and emojibase-data. Writes OUT.npy (COUNT x 128 x 128 x 3, uint8),
OUT.json (captions) and OUT.noun.json (the nouns in each picture, left to right).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawing import draw_scene, jitter, main_hue, turn_hue, vertical_gradient
from PIL import Image, ImageDraw, ImageFilter
from vocabulary import AIR_SCENES, GROUNDS, HUES, NOUNS, PASTELS, SCENES, SYMMETRIC, with_article

SIDE = 128
SPRITE_SIDE = 192
SCENE_POOL = 40
"""Scenes of a kind that are drawn beforehand; the same for every process."""

SCENE_SEED = 7
MEDIA = ("a picture of ", "an icon of ", "a photo of ", "a drawing of ", "a painting of ")
ADJECTIVES = ("cute", "beautiful", "nice", "shiny")
SUFFIXES = (
    ", 3d style",
    ", 3d render",
    ", 3d icon",
    ", high quality",
    ", detailed",
    ", best quality, sharp focus",
    ", colorful",
)


@dataclass(frozen=True)
class Thing:
    """A noun as it will be drawn: its words, its picture, the colour it has."""

    noun: str
    words: str
    image: Image.Image
    colour: str


@dataclass(frozen=True)
class Ground:
    """What lies behind the things. `level` is where a scene's ground begins (fraction of the height)."""

    image: Image.Image
    words: str
    scene: str = ""
    level: float = 0.0

    @property
    def stands(self) -> bool:
        """Things stand on it."""
        return bool(self.scene) and self.scene not in AIR_SCENES

    @property
    def takes_shadow(self) -> bool:
        return self.stands and self.scene != "sea"


def load_sprites(node_modules: Path) -> dict[str, tuple[Image.Image, int]]:
    """For each noun its emoji, cropped and fitted into a square of SPRITE_SIDE, and its main hue."""
    folder = node_modules / "@lobehub/fluent-emoji-3d/assets"
    files = {_code(path.stem): path for path in folder.glob("*.webp")}
    emoji = json.loads((node_modules / "emojibase-data/en/data.json").read_text("utf-8"))
    codes = {entry["label"]: _code(entry["hexcode"]) for entry in emoji}
    sprites = {}
    for name, noun in NOUNS.items():
        sprite = _fit(Image.open(files[codes[noun.emoji]]).convert("RGBA"))
        sprites[name] = (sprite, main_hue(sprite))
    return sprites


def _code(text: str) -> str:
    """Code points as both packages write them: lower case, without U+FE0F and leading zeros."""
    return re.sub(r"-?fe0f", "", text.lower()).lstrip("0")


def _fit(image: Image.Image) -> Image.Image:
    rows, columns = np.where(np.asarray(image)[..., 3] > 16)
    image = image.crop((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    scale = SPRITE_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SPRITE_SIDE, SPRITE_SIDE), (0, 0, 0, 0))
    square.paste(image, ((SPRITE_SIDE - image.width) // 2, (SPRITE_SIDE - image.height) // 2))
    return square


class Composer:
    """Draws pictures without end; the same seed gives the same ones."""

    def __init__(self, node_modules: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self._names = list(NOUNS)
        self._sprites = load_sprites(node_modules)
        self._recoloured: dict[tuple[str, str], Image.Image] = {}
        rng = random.Random(SCENE_SEED)
        self._scenes = {name: [draw_scene(rng, name, SIDE) for _ in range(SCENE_POOL)] for name in SCENES}

    def compose(self) -> tuple[Image.Image, str, list[str]]:
        """A picture, its caption, and its nouns from left to right."""
        rng = self._rng
        draw = rng.random()
        layout = "one" if draw < 0.85 else "two" if draw < 0.95 else "small"
        things = [self._choose_thing(rng.choice(self._names))]
        if layout == "two":
            things.append(self._choose_thing(rng.choice([name for name in self._names if name != things[0].noun])))
        ground = self._choose_ground({thing.colour for thing in things})
        place = {"one": self._place_one, "small": self._place_small, "two": self._place_two}[layout]
        caption = self._vary(place(things, ground), layout, things[0].words) + ground.words
        if rng.random() < 0.12:
            caption += rng.choice(SUFFIXES)
        return ground.image, caption, [thing.noun for thing in things]

    def _choose_thing(self, name: str) -> Thing:
        rng = self._rng
        noun = NOUNS[name]
        image, hue = self._sprites[name]
        words = name if not noun.synonyms or rng.random() < 0.8 else rng.choice(noun.synonyms)
        colour = noun.colour
        draw = rng.random()
        if noun.recolourable and draw < 0.38:
            colour = rng.choice([other for other in HUES if other != noun.colour])
            image = self._recolour(name, image, hue, colour)
            words = f"{colour} {name if words == 'sunflower' else words}"
        elif noun.colour and draw < 0.6:
            words = f"{noun.colour} {words}"
        if name in SYMMETRIC and rng.random() < 0.35:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return Thing(name, words, image, colour)

    def _recolour(self, name: str, image: Image.Image, hue: int, colour: str) -> Image.Image:
        key = (name, colour)
        if key not in self._recoloured:
            self._recoloured[key] = Image.fromarray(turn_hue(np.asarray(image), hue, HUES[colour]))
        return self._recoloured[key]

    def _choose_ground(self, taken: set[str]) -> Ground:
        """A ground on which things of the colours `taken` can be seen."""
        rng = self._rng
        draw = rng.random()
        if "white" in taken and draw < 0.22:
            draw = 0.5
        names = [name for name in GROUNDS if name != "white" and not _hides(name, taken)]
        if draw < 0.45:
            words = " on a white background" if rng.random() < 0.25 else ""
            return Ground(Image.new("RGB", (SIDE, SIDE), (255, 255, 255)), words)
        if draw < 0.68:
            name = rng.choice(names)
            image = Image.new("RGB", (SIDE, SIDE), jitter(rng, GROUNDS[name], 6))
            plain = f" on a {name} background"
            return Ground(image, rng.choice([plain, plain, plain, f" on {name}", f", {name} background"]))
        if draw < 0.77:
            image = Image.new("RGB", (SIDE, SIDE), jitter(rng, rng.choice(PASTELS), 3))
            return Ground(image, rng.choice(["", " on a pastel background"]))
        if draw < 0.86:
            top, bottom = rng.sample(names, 2)
            image = vertical_gradient(SIDE, jitter(rng, GROUNDS[top], 6), jitter(rng, GROUNDS[bottom], 6))
            return Ground(image, f" on a {top} and {bottom} gradient")
        return self._choose_scene(taken)

    def _choose_scene(self, taken: set[str]) -> Ground:
        rng = self._rng
        name = rng.choice([n for n in SCENES if not (n == "snow" and "white" in taken and rng.random() < 0.5)])
        image, level = rng.choice(self._scenes[name])
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image.copy()
        return Ground(image, " " + rng.choice(SCENES[name]), name, level)

    def _tilt(self) -> float:
        """Degrees: mostly none."""
        return self._rng.uniform(-12, 12) if self._rng.random() < 0.15 else 0

    def _standing(self, ground: Ground, size: float) -> float | None:
        """The centre's height for a thing of `size` that stands on the scene's ground; None without one."""
        if not ground.stands:
            return None
        return min(0.96, ground.level + self._rng.uniform(0.1, 0.2)) - size / 2

    def _place_one(self, things: list[Thing], ground: Ground) -> str:
        rng = self._rng
        size = rng.uniform(0.5, 0.74) if ground.scene else rng.uniform(0.66, 0.92)
        y = self._standing(ground, size)
        x = 0.5 + rng.uniform(-0.05, 0.05)
        y = 0.5 + rng.uniform(-0.04, 0.04) if y is None else y
        _paste(ground, things[0].image, x, y, size, self._tilt())
        return with_article(things[0].words)

    def _place_small(self, things: list[Thing], ground: Ground) -> str:
        rng = self._rng
        size = rng.uniform(0.34, 0.48)
        y = self._standing(ground, size)
        x = 0.5 + rng.uniform(-0.2, 0.2)
        y = 0.5 + rng.uniform(-0.2, 0.2) if y is None else y
        _paste(ground, things[0].image, x, y, size, self._tilt())
        return "a small " + things[0].words

    def _place_two(self, things: list[Thing], ground: Ground) -> str:
        rng = self._rng
        sizes = rng.uniform(0.4, 0.48), rng.uniform(0.4, 0.48)
        heights = self._standing(ground, sizes[0]), self._standing(ground, sizes[1])
        middle = 0.5 + rng.uniform(-0.05, 0.05)
        for thing, size, height, (left, right) in zip(
            things, sizes, heights, ((0.24, 0.27), (0.73, 0.76)), strict=True
        ):
            _paste(ground, thing.image, rng.uniform(left, right), middle if height is None else height, size)
        link = rng.choice([" and ", " and ", " next to "])
        return with_article(things[0].words) + link + with_article(things[1].words)

    def _vary(self, words: str, layout: str, thing: str) -> str:
        """Other ways to ask for one thing."""
        rng = self._rng
        draw = rng.random()
        if layout != "one" or draw >= 0.22:
            return words
        if draw < 0.1:
            return thing
        if draw < 0.16:
            return rng.choice(MEDIA) + words
        if draw < 0.2:
            return f"a {rng.choice(ADJECTIVES)} {thing}"
        return "the " + thing


def _hides(ground: str, taken: set[str]) -> bool:
    """Whether things of the colours `taken` would be lost on the ground."""
    if ground in taken:
        return True
    return (ground == "pink" and "red" in taken) or (ground == "beige" and bool(taken & {"white", "yellow"}))


def _paste(ground: Ground, image: Image.Image, x: float, y: float, size: float, tilt: float = 0) -> None:
    """Puts a thing on the ground: centre and size are fractions of the side."""
    pixels = max(8, int(size * SIDE))
    image = image.resize((pixels, pixels), Image.Resampling.LANCZOS)
    if tilt:
        image = image.rotate(tilt, Image.Resampling.BICUBIC)
    left, top = int(x * SIDE - pixels / 2), int(y * SIDE - pixels / 2)
    if ground.takes_shadow:
        shadow = Image.new("L", (SIDE, SIDE), 0)
        ImageDraw.Draw(shadow).ellipse(
            (left + pixels * 0.15, top + pixels * 0.92, left + pixels * 0.85, top + pixels * 1.02), fill=80
        )
        ground.image.paste((0, 0, 0), (0, 0), shadow.filter(ImageFilter.GaussianBlur(SIDE / 64)))
    ground.image.paste(image, (left, top), image)


def _compose_part(part: tuple[Path, Path, int, int, int]) -> list[tuple[str, list[str]]]:
    """Fills the pictures from `first` up to `end` of the shared file; returns captions and nouns."""
    node_modules, out, first, end, seed = part
    composer = Composer(node_modules, seed)
    pictures = np.lib.format.open_memmap(f"{out}.npy", "r+")
    notes = []
    for index in range(first, end):
        image, caption, nouns = composer.compose()
        pictures[index] = np.asarray(image)
        notes.append((caption, nouns))
    pictures.flush()
    return notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("count", type=int)
    parser.add_argument("--procs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    np.lib.format.open_memmap(f"{options.out}.npy", "w+", np.uint8, (options.count, SIDE, SIDE, 3)).flush()
    parts = options.procs * 4
    ends = [options.count * part // parts for part in range(parts + 1)]
    work = [
        (options.node_modules, options.out, ends[part], ends[part + 1], options.seed * 1000 + part)
        for part in range(parts)
    ]
    with multiprocessing.Pool(options.procs) as pool:
        notes = [note for part in pool.map(_compose_part, work, 1) for note in part]
    Path(f"{options.out}.json").write_text(json.dumps([caption for caption, _ in notes]), "utf-8")
    Path(f"{options.out}.noun.json").write_text(json.dumps([nouns for _, nouns in notes]), "utf-8")
    print(len(notes), "pictures,", len({caption for caption, _ in notes}), "different captions")


if __name__ == "__main__":
    main()
