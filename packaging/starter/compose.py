"""Composes training pictures from the pictures of things, and says in words what can be seen in them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from drawing import draw_pattern, jitter, vertical_gradient
from layouts import Ground, Layout, Thing
from PIL import Image
from scenes import draw_scene
from sprites import BEST_STYLE, Sprite, SpriteBook
from vocabulary import (
    BARE_SCENES,
    COLOURS,
    DARK_SCENES,
    GROUNDS,
    HUES,
    MAIN_COLOURS,
    MAIN_SCENES,
    MORE_GROUNDS,
    PASTELS,
    PATTERNS,
    QUALITIES,
    RGB,
    SCENES,
    STYLES,
    Noun,
    with_article,
)

SCENE_POOL = 40
"""Scenes of a kind that are drawn beforehand."""

SCENE_SEED = 7
LARGE_TIER = 4
"""The tier of nouns that no one has looked at one by one."""

MOSTLY = 0.7
"""A thing with this share of one hue has that colour."""

LOOKALIKES = {
    "red": ("pink",),
    "white": ("beige",),
    "yellow": ("beige", "gold"),
    "gold": ("yellow", "orange"),
    "black": ("navy",),
    "navy": ("black", "blue"),
    "blue": ("navy",),
    "teal": ("turquoise",),
    "turquoise": ("teal", "light blue"),
    "light blue": ("turquoise",),
    "green": ("teal",),
    "magenta": ("pink", "purple"),
    "lime": ("yellow",),
    "orange": ("gold",),
    "brown": ("orange",),
}
"""Grounds on which things of a colour would be lost, beside the ground of that colour itself."""


@dataclass(frozen=True)
class Recipe:
    """How often what is drawn. Weights of `layouts` and `grounds` are fractions of all pictures."""

    layouts: dict[str, float]
    grounds: dict[str, float]
    plain: dict[str, RGB]
    scenes: tuple[str, ...]
    colours: tuple[str, ...]
    rich: bool
    """All styles of picture, not the best alone (named in 45 % of the captions); things above and below others."""


SMALL = Recipe(
    layouts={"one": 0.85, "two": 0.1, "small": 0.05},
    grounds={"white": 0.45, "plain": 0.23, "pastel": 0.09, "gradient": 0.09, "scene": 0.14},
    plain=GROUNDS,
    scenes=MAIN_SCENES,
    colours=MAIN_COLOURS,
    rich=False,
)
"""For training without a GPU, 128 px."""

LARGE = Recipe(
    layouts={"one": 0.61, "two": 0.2, "several": 0.07, "side": 0.05, "small": 0.02, "big": 0.02, "empty": 0.03},
    grounds={"white": 0.34, "plain": 0.18, "pastel": 0.06, "gradient": 0.06, "pattern": 0.06, "scene": 0.3},
    plain=GROUNDS | MORE_GROUNDS,
    scenes=tuple(SCENES),
    colours=tuple(COLOURS),
    rich=True,
)
"""For training with a GPU, 256 px."""


@dataclass(frozen=True)
class Picture:
    """A composed picture, its caption, and what is in it from left to right (or top to bottom)."""

    image: Image.Image
    caption: str
    nouns: list[str]
    notes: dict[str, object] = field(default_factory=dict)


class Composer:
    """Draws one picture for each random generator: the same one for the same generator, whatever came before."""

    def __init__(self, book: SpriteBook, nouns: dict[str, Noun], recipe: Recipe, side: int) -> None:
        self._book = book
        self._nouns = nouns
        self._recipe = recipe
        self._names = {
            style: [name for name in nouns if style in book.styles[name]] for style in (*STYLES,) if recipe.rich
        }
        self._names[BEST_STYLE] = list(nouns)
        self._side = side
        rng = random.Random(SCENE_SEED)
        self._scenes = {name: [draw_scene(rng, name, side) for _ in range(SCENE_POOL)] for name in recipe.scenes}

    def compose(self, rng: random.Random) -> Picture:
        layout = _draw(rng, self._recipe.layouts)
        style, style_words = self._choose_style(rng)
        if layout == "empty":
            ground = self._choose_ground(rng, set(), "scene")
            return Picture(ground.image, BARE_SCENES[ground.scene], [], _notes(layout, [], ground, ""))
        names = self._choose_names(rng, layout, self._names[style])
        things = [self._choose_thing(rng, name, style) for name in names]
        kind = "" if layout != "several" else _draw(rng, {"white": 0.5, "plain": 0.4, "pastel": 0.1})
        ground = self._choose_ground(rng, {thing.colour for thing in things}, kind)
        if layout == "side" and ground.scene:
            layout = "one"
        words, things, count = Layout(rng, self._side, ground, self._recipe.rich).place(layout, things)
        caption = words + ground.words + style_words
        if not style_words and rng.random() < 0.08:
            caption += rng.choice(QUALITIES)
        notes = {**_notes(layout, things, ground, style), "count": count}
        return Picture(ground.image, caption, [thing.noun for thing in things], notes)

    def _choose_style(self, rng: random.Random) -> tuple[str, str]:
        """A style and the words for it; the best one where it is not named."""
        if not self._recipe.rich:
            return BEST_STYLE, rng.choice(STYLES[BEST_STYLE]) if rng.random() < 0.05 else ""
        if rng.random() < 0.45:
            style = rng.choices(list(self._names), [len(names) for names in self._names.values()])[0]
            return style, rng.choice(STYLES[style])
        return BEST_STYLE, ""

    def _choose_names(self, rng: random.Random, layout: str, names: list[str]) -> list[str]:
        if layout == "several":
            return [rng.choice([name for name in names if self._nouns[name].plural])]
        first = rng.choice(names)
        if layout != "two":
            return [first]
        return [first, rng.choice([name for name in names if name != first])]

    def _choose_thing(self, rng: random.Random, name: str, style: str) -> Thing:
        noun = self._nouns[name]
        sprite = self._book.sprite(name, style)
        words = name if not noun.synonyms or rng.random() < 0.8 else rng.choice(noun.synonyms)
        named, paint = "", ""
        own = noun.colour if style == BEST_STYLE or _has_colour(sprite, noun.colour) else ""
        colour = own or (_nearest_colour(sprite) if self._recipe.rich else "")
        draw = rng.random()
        if _can_be_painted(noun, sprite) and draw < 0.38:
            paint = colour = named = rng.choice([other for other in self._recipe.colours if other != noun.colour])
            words = f"{colour} {name if words == 'sunflower' else words}"
        elif own and draw < 0.6 and own != words:  # not "an orange orange"
            named = own
            words = f"{named} {words}"
        image = self._book.picture(name, style, paint)
        if (noun.symmetric if style == BEST_STYLE else sprite.symmetric) and rng.random() < 0.35:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return Thing(name, words, noun.plural, image, colour, named)

    def _choose_ground(self, rng: random.Random, taken: set[str], kind: str = "") -> Ground:
        """A ground on which things of the colours `taken` can be seen."""
        kind = kind or _draw(rng, self._recipe.grounds)
        if kind == "white" and "white" in taken and rng.random() < (1 if self._recipe.rich else 0.5):
            kind = "plain"
        if kind == "scene":
            return self._choose_scene(rng, taken)
        names = [name for name in self._recipe.plain if name != "white" and not _hides(name, taken)]
        if kind == "white":
            words = " on a white background" if rng.random() < 0.25 else ""
            return Ground(Image.new("RGB", (self._side, self._side), (255, 255, 255)), words, "plain white")
        if kind == "plain":
            name = rng.choice(names)
            image = Image.new("RGB", (self._side, self._side), jitter(rng, self._recipe.plain[name], 6))
            plain = f" on a {name} background".replace("a orange", "an orange")
            words = rng.choice([plain, plain, plain, f" on {name}", f", {name} background"])
            return Ground(image, words, f"plain {name}")
        if kind == "pastel":
            image = Image.new("RGB", (self._side, self._side), jitter(rng, rng.choice(PASTELS), 3))
            return Ground(image, rng.choice(["", " on a pastel background"]), "pastel")
        first, second = rng.sample(names, 2)
        pair = jitter(rng, self._recipe.plain[first], 6), jitter(rng, self._recipe.plain[second], 6)
        if kind == "gradient":
            words = f" on {with_article(first)} and {second} gradient"
            return Ground(vertical_gradient(self._side, *pair), words, f"gradient {first}, {second}")
        pattern = rng.choice(PATTERNS)
        if "white" not in taken and rng.random() < 0.4:
            first, pair = "white", (GROUNDS["white"], pair[1])
        image = draw_pattern(rng, pattern, self._side, *pair)
        return Ground(image, f" on {first} and {second} {pattern}", f"{pattern} {first}, {second}")

    def _choose_scene(self, rng: random.Random, taken: set[str]) -> Ground:
        names = [n for n in self._recipe.scenes if not (n == "snow" and "white" in taken and rng.random() < 0.5)]
        if self._recipe.rich and taken & {"black", "navy"}:
            names = [name for name in names if name not in DARK_SCENES]
        name = rng.choice(names)
        image, level = rng.choice(self._scenes[name])
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image.copy()
        return Ground(image, " " + rng.choice(SCENES[name]), f"scene {name}", name, level)


def _draw(rng: random.Random, weights: dict[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _nearest_colour(sprite: Sprite) -> str:
    """The colour that most of a thing has, as near as its hue says; "" if there is none."""
    if sprite.share < MOSTLY:
        return ""
    return min(HUES, key=lambda name: _hue_distance(HUES[name], sprite.hue))


def _has_colour(sprite: Sprite, colour: str) -> bool:
    """Whether a picture in another style has the colour that the noun has in the best one, for all that is known."""
    return colour in HUES and sprite.share >= MOSTLY and _hue_distance(HUES[colour], sprite.hue) < 22


def _hue_distance(first: int, second: int) -> int:
    return abs((first - second + 180) % 360 - 180)


def _can_be_painted(noun: Noun, sprite: Sprite) -> bool:
    """The table says so for the best style; elsewhere the share of the main hue must be large enough to show."""
    if not noun.recolourable:
        return False
    if noun.tier == LARGE_TIER:
        return sprite.share >= MOSTLY
    return sprite.style == BEST_STYLE or sprite.share >= 0.4


def _notes(layout: str, things: list[Thing], ground: Ground, style: str) -> dict[str, object]:
    """What else a judge may want to know. `colours`: the ones named in the caption ("" = none), one for each thing."""
    colours = [thing.named for thing in things]
    return {"layout": layout, "colours": colours, "ground": ground.note, "style": style, "count": len(things)}


def _hides(ground: str, taken: set[str]) -> bool:
    """Whether things of the colours `taken` would be lost on the ground."""
    return any(ground == colour or ground in LOOKALIKES.get(colour, ()) for colour in taken)
