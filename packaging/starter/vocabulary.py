"""The words that the starter model learns: its nouns, the colours of things, grounds and scenes.

The nouns chosen by hand stand in words/nouns.csv, in the order in which a curriculum may bring them in: tier 1 first
(its first forty are those of the first model), then tiers 2 and 3.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

RGB = tuple[int, int, int]
WORDS_FOLDER = Path(__file__).resolve().parent / "words"
TABLE = WORDS_FOLDER / "nouns.csv"
MORE_TABLE = WORDS_FOLDER / "more_nouns.csv"
NO_ARTICLE = "~"
"""Marks a synonym in the table that takes no article ("~milk")."""


@dataclass(frozen=True)
class Noun:
    """A thing to draw. `emoji` is the CLDR name of its picture, `colour` the one it has there ("" = many).

    `recolourable`: its colour may be changed and named. `synonyms`: other words for it. `kind`: "one" can be counted,
    "mass" (cheese) and "plural" (scissors) take no article. `symmetric`: left and right look alike; only such things
    are mirrored, because mixed directions blur the others. `tier`: 1 is learnt first.
    """

    emoji: str
    colour: str = ""
    recolourable: bool = False
    synonyms: tuple[str, ...] = ()
    category: str = ""
    plural: str = ""
    kind: str = "one"
    symmetric: bool = False
    tier: int = 1


@dataclass(frozen=True)
class Paint:
    """A colour to give to things: degrees on the colour wheel, and what saturation and brightness are multiplied by.

    Of black, gray and white `value` is the mean brightness itself.
    """

    hue: int
    saturation: float = 1.0
    value: float = 1.0


def read_nouns(table: Path) -> tuple[dict[str, Noun], frozenset[str]]:
    """The nouns of the table by name, in its order, and all words for things that take no article."""
    nouns: dict[str, Noun] = {}
    bare: set[str] = set()
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = [word for word in row["synonyms"].split("; ") if word]
            bare.update(word.removeprefix(NO_ARTICLE) for word in words if word.startswith(NO_ARTICLE))
            if row["kind"] != "one":
                bare.add(row["name"])
            nouns[row["name"]] = Noun(
                emoji=row["emoji"],
                colour=row["colour"],
                recolourable=row["recolourable"] == "yes",
                synonyms=tuple(word.removeprefix(NO_ARTICLE) for word in words),
                category=row["category"],
                plural=row["plural"],
                kind=row["kind"],
                symmetric=row["symmetric"] == "yes",
                tier=int(row["tier"]),
            )
    return nouns, frozenset(bare)


NOUNS, _BARE = read_nouns(TABLE)
"""The nouns chosen by hand; the small form learns those of the first tiers."""

_MORE, _MORE_BARE = read_nouns(MORE_TABLE) if MORE_TABLE.exists() else ({}, frozenset[str]())
ALL_NOUNS = NOUNS | _MORE
"""Those and the ones that only the large form learns (tier 4)."""

BARE_WORDS = _BARE | _MORE_BARE
"""Words for things that take no article."""

FIRST_NOUNS = tuple(NOUNS)[:40]
"""Those of the first model."""

COLOURS = {
    "red": Paint(0),
    "orange": Paint(26),
    "yellow": Paint(48),
    "green": Paint(125, 0.92, 0.86),
    "blue": Paint(215),
    "purple": Paint(270),
    "pink": Paint(325, 0.72, 1.08),
    "brown": Paint(22, 0.8, 0.58),
    "black": Paint(240, 0.12, 0.22),
    "white": Paint(40, 0.05, 0.9),
    "gray": Paint(220, 0.06, 0.6),
    "light blue": Paint(203, 0.5, 1.25),
    "navy": Paint(224, 1.0, 0.5),
    "teal": Paint(178, 0.9, 0.62),
    "turquoise": Paint(174, 0.75, 0.95),
    "lime": Paint(78, 0.95, 1.0),
    "gold": Paint(43, 0.85, 0.9),
    "magenta": Paint(305, 1.0, 0.95),
}
"""The words for the colours of things."""

MAIN_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
"""Those that the small form learns. Things also have colours of their own, which may be others."""

HUES = {name: COLOURS[name].hue for name in MAIN_COLOURS}
"""Degrees on the colour wheel."""

GROUNDS: dict[str, RGB] = {
    "white": (255, 255, 255),
    "black": (20, 20, 22),
    "gray": (150, 152, 156),
    "red": (222, 48, 44),
    "orange": (245, 140, 40),
    "yellow": (252, 214, 60),
    "green": (70, 170, 80),
    "blue": (50, 110, 220),
    "light blue": (160, 208, 246),
    "purple": (128, 70, 190),
    "pink": (246, 160, 200),
    "beige": (240, 226, 198),
}
"""Plain grounds of both forms."""

MORE_GROUNDS: dict[str, RGB] = {
    "brown": (128, 84, 52),
    "navy": (24, 36, 92),
    "teal": (20, 128, 128),
    "turquoise": (72, 206, 196),
    "lime": (176, 222, 70),
    "gold": (218, 172, 60),
}
"""Plain grounds of the large form alone."""

PASTELS: tuple[RGB, ...] = (
    (250, 240, 228),
    (230, 242, 252),
    (236, 248, 232),
    (248, 234, 246),
    (253, 247, 222),
)

PATTERNS = ("stripes", "dots", "checks")
"""Patterned grounds: "on pink and white stripes"."""

SCENES = {
    "grass": ("on the grass", "in a green field"),
    "night": ("at night", "in the night"),
    "snow": ("in the snow", "in winter"),
    "sea": ("on the sea", "on the water"),
    "beach": ("on the beach", "on a beach"),
    "desert": ("in the desert", "in a desert"),
    "space": ("in space", "in outer space"),
    "sunset": ("at sunset", "in front of a sunset"),
    "underwater": ("under water", "underwater"),
    "forest": ("in the forest", "in a forest"),
    "mountains": ("in the mountains", "in front of mountains"),
    "city": ("in the city", "in a city"),
    "road": ("on the road", "on a road"),
    "sky": ("in the sky", "in a blue sky"),
    "rain": ("in the rain", "on a rainy day"),
    "room": ("in a room", "indoors"),
    "table": ("on a wooden table", "on a table"),
}
FIRST_SCENES = ("grass", "night", "snow", "sea")
"""Those of the first model."""

MAIN_SCENES = ("grass", "night", "snow", "sea", "beach", "desert", "space")
"""Those that the small form learns."""

DARK_SCENES = frozenset({"night", "space"})

AIR_SCENES = frozenset({"night", "space", "underwater", "sky"})
"""Scenes without a ground to stand on."""

BARE_SCENES = {
    "grass": "a green field",
    "night": "the night sky",
    "snow": "a snowy field",
    "sea": "the sea",
    "beach": "a beach",
    "desert": "a desert",
    "space": "outer space",
    "sunset": "a sunset",
    "underwater": "the sea under water",
    "forest": "a forest",
    "mountains": "mountains",
    "city": "a city",
    "road": "a road",
    "sky": "a blue sky with clouds",
    "rain": "a rainy day",
    "room": "an empty room",
    "table": "an empty wooden table",
}
"""Scenes with nothing in them (large form alone)."""

STYLES = {
    "3d": (", 3d style", ", 3d render", ", 3d icon"),
    "emoji": (", emoji style",),
    "blob": (", blob style",),
    "gradient": (", gradient style",),
    "flat": (", flat style", ", flat design"),
    "retro": (", retro style",),
    "clip art": (", clip art", ", clip art style"),
    "simple": (", simple style",),
    "cartoon": (", cartoon style",),
    "outline": (", outline style", ", line art"),
}
"""Styles of pictures and the words for them. The last three come from sets under CC-BY;
"clip art" has no pictures yet."""

MEDIA = ("a picture of ", "an icon of ", "a photo of ", "a drawing of ", "a painting of ")
ADJECTIVES = ("cute", "beautiful", "nice", "shiny")
QUALITIES = (", high quality", ", detailed", ", best quality, sharp focus", ", colorful")
NUMBERS = {2: "two", 3: "three", 4: "four"}


def with_article(words: str) -> str:
    """`apple` -> `an apple`, `red scissors` -> `red scissors`."""
    if any(words == bare or words.endswith(" " + bare) for bare in BARE_WORDS) and " of " not in words:
        return words
    vowel = words.startswith("hour") or (words[0] in "aeiou" and not words.startswith(("uf", "un", "eu")))
    return ("an " if vowel else "a ") + words


def all_phrases() -> list[str]:
    """Every wording that a caption of either form can be made of, nouns with their plurals and synonyms first."""
    phrases = [word for name, noun in NOUNS.items() for word in (name, noun.plural, *noun.synonyms) if word]
    phrases += [*COLOURS, *GROUNDS, *MORE_GROUNDS, *PATTERNS, *ADJECTIVES, *NUMBERS.values(), *BARE_SCENES.values()]
    phrases += [words for kind in (*SCENES.values(), *STYLES.values(), MEDIA, QUALITIES) for words in kind]
    phrases += ["a small", "a big", "the", "an", "and", "next to", "above", "below", "a pastel background", "gradient"]
    return [*phrases, "on the left", "to the right of", "at the top", "at the bottom", "in the top left corner"]
