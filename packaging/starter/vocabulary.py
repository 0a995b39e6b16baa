"""The words that the starter model learns: its nouns, the colours of things, grounds and scenes."""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Noun:
    """A thing to draw. `emoji` is the CLDR name of its picture, `colour` the one it has there ("" = many).

    `recolourable`: its colour may be changed and named. `synonyms`: other words for it.
    """

    emoji: str
    colour: str = ""
    recolourable: bool = False
    synonyms: tuple[str, ...] = ()


NOUNS = {
    "apple": Noun("red apple", "red", True),
    "banana": Noun("banana", "yellow"),
    "lemon": Noun("lemon", "yellow"),
    "strawberry": Noun("strawberry"),
    "carrot": Noun("carrot", "orange"),
    "pizza": Noun("pizza", synonyms=("slice of pizza",)),
    "cake": Noun("birthday cake", synonyms=("birthday cake",)),
    "tree": Noun("deciduous tree", "green", True),
    "flower": Noun("sunflower", "yellow", True, ("sunflower",)),
    "cactus": Noun("cactus", "green"),
    "mushroom": Noun("mushroom", "red", True),
    "sun": Noun("sun", "orange"),
    "moon": Noun("crescent moon", "yellow", synonyms=("crescent moon",)),
    "star": Noun("star", "yellow", True),
    "heart": Noun("red heart", "red", True),
    "cat": Noun("cat face", "orange", synonyms=("kitten",)),
    "dog": Noun("dog face", "brown", synonyms=("puppy",)),
    "penguin": Noun("penguin"),
    "fish": Noun("fish", "blue", True),
    "bird": Noun("bird", "red", True),
    "butterfly": Noun("butterfly", "red", True),
    "car": Noun("automobile", "red", True, ("automobile",)),
    "bus": Noun("bus"),
    "airplane": Noun("airplane", "blue", True, ("plane",)),
    "rocket": Noun("rocket", "red"),
    "boat": Noun("sailboat", synonyms=("sailboat",)),
    "house": Noun("house", synonyms=("home",)),
    "snowman": Noun("snowman without snow", "white"),
    "ghost": Noun("ghost", "white"),
    "crown": Noun("crown", "yellow"),
    "gift": Noun("wrapped gift", "yellow", True, ("present",)),
    "bell": Noun("bell", "yellow", True),
    "balloon": Noun("balloon", "red", True),
    "ball": Noun("soccer ball", "blue", True, ("soccer ball",)),
    "key": Noun("key", "yellow", True),
    "book": Noun("closed book", "red", True),
    "clock": Noun("alarm clock", "red", synonyms=("alarm clock",)),
    "umbrella": Noun("umbrella", "purple", True),
    "cup": Noun("hot beverage", synonyms=("cup of coffee", "mug")),
    "guitar": Noun("guitar", "red", True, ("electric guitar",)),
}

SYMMETRIC = frozenset(
    {
        "heart",
        "star",
        "butterfly",
        "house",
        "bell",
        "gift",
        "crown",
        "sun",
        "snowman",
        "penguin",
        "tree",
        "flower",
        "cactus",
        "mushroom",
        "book",
        "cup",
    }
)
"""Nouns whose left and right look alike. Only these are mirrored: mixed directions blur the others."""

HUES = {"red": 0, "orange": 26, "yellow": 48, "green": 125, "blue": 215, "purple": 270, "pink": 325}
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

PASTELS: tuple[RGB, ...] = (
    (250, 240, 228),
    (230, 242, 252),
    (236, 248, 232),
    (248, 234, 246),
    (253, 247, 222),
)

SCENES = {
    "grass": ("on the grass", "in a green field"),
    "night": ("at night", "in the night"),
    "snow": ("in the snow", "in winter"),
    "sea": ("on the sea", "on the water"),
}

AIR_SCENES = frozenset({"night"})
"""Scenes without a ground to stand on."""


def with_article(noun: str) -> str:
    """`apple` -> `an apple`."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun
