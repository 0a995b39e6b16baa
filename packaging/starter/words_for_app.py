"""Writes words.json, the words that a starter model knows, for the window's word completion and its kind notices.

    python words_for_app.py OUT [--form small] [--tier 1] [--nouns N] [--claimed CLAIMED.json] [--sprites PACK]

OUT is the file to write. --form first: the first model, of forty nouns and four scenes. --claimed: a list of nouns
(JSON); others are left out, because the model did not learn them well enough. A plural is given only where captions
have it: the small form never saw one.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from compose import LARGE, SMALL, Recipe
from layouts import BESIDE, BESIDE_RICH, PLACES
from sprites import BEST_STYLE, SpriteBook
from vocabulary import (
    ADJECTIVES,
    ALL_NOUNS,
    BARE_SCENES,
    FIRST_NOUNS,
    FIRST_SCENES,
    MEDIA,
    NOUNS,
    NUMBERS,
    PATTERNS,
    QUALITIES,
    SCENES,
    STYLES,
    Noun,
    with_article,
)

SCHEMA = 1
PLAIN_WORDS = ("a an the and on background gradient small pastel next to", *MEDIA, *ADJECTIVES, *QUALITIES)
RICH_WORDS = ("big above below", *NUMBERS.values(), *PATTERNS, *PLACES, *BARE_SCENES.values())


def words_in(phrases: Iterable[str]) -> list[str]:
    """Every word of the phrases, once, in alphabetical order."""
    return sorted({word for phrase in phrases for word in re.findall(r"[\w'-]+", re.sub(r"\{\w+\}", " ", phrase))})


def noun_entry(name: str, noun: Noun, plurals: bool) -> dict[str, object]:
    return {
        "name": name,
        "asked": with_article(name),
        "plural": noun.plural if plurals else "",
        "synonyms": list(noun.synonyms),
        "category": noun.category,
        "colours": noun.recolourable,
    }


def app_words(
    nouns: Mapping[str, Noun], recipe: Recipe, scenes: Iterable[str], styles: Iterable[str]
) -> dict[str, object]:
    """The table as the window reads it.

    `colours` are those of things (the ones that things may be given, then those that some have of their own),
    `grounds`, `scenes` and `styles` whole phrases, `other` all single words beside.
    """
    own = {noun.colour for noun in nouns.values() if noun.colour}
    rich = (*RICH_WORDS, *BESIDE_RICH) if recipe.rich else ()
    return {
        "schema": SCHEMA,
        "nouns": [noun_entry(name, noun, recipe.rich) for name, noun in nouns.items()],
        "colours": [*recipe.colours, *sorted(own - set(recipe.colours))],
        "grounds": [f"on {with_article(name)} background" for name in (*recipe.plain, "pastel")],
        "scenes": [phrase for scene in scenes for phrase in SCENES[scene]],
        "styles": [phrase.removeprefix(", ") for style in styles for phrase in STYLES[style]],
        "other": words_in([*PLAIN_WORDS, *BESIDE, *rich]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--form", choices=("first", "small", "large"), default="small")
    parser.add_argument("--tier", type=int, default=1, help="the last tier of nouns that the small form has")
    parser.add_argument("--nouns", type=int, default=0, help="only so many nouns, the first of the table")
    parser.add_argument("--claimed", type=Path, help="JSON list of the nouns to name")
    parser.add_argument("--sprites", type=Path, help="the large form's pack, which says what nouns and styles it has")
    options = parser.parse_args()
    recipe = LARGE if options.form == "large" else SMALL
    scenes = FIRST_SCENES if options.form == "first" else recipe.scenes
    styles: tuple[str, ...] = (BEST_STYLE,)
    if options.form == "large":
        book = SpriteBook(options.sprites)
        names = [name for name in book.nouns if name in ALL_NOUNS]
        styles = tuple(style for style in STYLES if any(style in drawn for drawn in book.styles.values()))
    elif options.form == "first":
        names = list(FIRST_NOUNS)
    else:
        names = [name for name, noun in NOUNS.items() if noun.tier <= options.tier][: options.nouns or None]
    if options.claimed:
        claimed = set(json.loads(options.claimed.read_text("utf-8")))
        unknown = claimed - set(names)
        if unknown:
            raise ValueError(f"claimed, but not learnt: {', '.join(sorted(unknown))}")
        names = [name for name in names if name in claimed]
    table = app_words({name: ALL_NOUNS[name] for name in names}, recipe, scenes, styles)
    options.out.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(len(names), "nouns")


if __name__ == "__main__":
    main()
