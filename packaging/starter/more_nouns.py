"""Writes words/more_nouns.csv: the nouns that only the large form learns, taken from the names of all emoji.

    python more_nouns.py NODE_MODULES

Left out are what the hand-made table has already, flags, letters, keycaps, clock faces, and names that the hand-made
table or the scenes use for something else.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from sprites import best_files, code_points, fit, is_symmetric, read_emoji
from vocabulary import COLOURS, MORE_TABLE, NO_ARTICLE, NOUNS

GROUPS = {
    0: "face",
    1: "people",
    3: "nature",
    4: "food",
    5: "travel",
    6: "activity",
    7: "object",
    8: "symbol",
}
"""The emojibase groups that are used, and what their nouns are called here."""

SKIPPED = re.compile(
    r"^keycap|^Japanese “|^input |o’clock$|-thirty$|^(A|AB|B|O|P|CL|COOL|FREE|ID|NEW|NG|OK|SOS|UP!|VS) button|"
    r"^(kiss|couple with heart|family|people holding hands|women holding hands|men holding hands|"
    r"woman and man holding hands)(:|$)|\(blood type\)|^regional|^eye in speech|"
    r"^(copyright|registered|trade mark|middle finger|sunset|desert)$"
)
COUNTED_ENDINGS = ("button", "symbol", "sign", "mark", "circle", "square", "diamond", "arrow", "star", "heart", "face")
"""Names of symbols that take an article end so; others ("no smoking", "Aries") do not."""

PEOPLE = ("person ", "man ", "woman ", "merman", "men ", "women ")
WITH_SYNONYMS = (3, 4, 5, 6, 7)
"""Groups whose short codes are names of things rather than moods and commands."""

PAINTED = (3, 4, 6, 7)
"""Groups whose things may get other colours: not faces, people, landscapes, signs."""

COLOUR_WORDS = frozenset(COLOURS)

UNCOUNTED = frozenset(
    {"ping pong", "badminton", "lacrosse", "field hockey", "ice hockey", "dna", "fog", "tennis", "sake", "oden"}
)
MOST_SYNONYMS = 2
"""Of a noun of the large form."""


def name_of(label: str) -> str:
    """A CLDR name as a caption says it: "man: beard" -> "man with beard"."""
    plain = re.sub(r"\s*\(.*\)", "", label).replace("’", "'").lower().strip()
    return re.sub(r"^(\w+): bald$", r"bald \1", plain).replace(": ", " with ")


def kind_of(name: str, group: int) -> str:
    """ "one", "mass" or "plural", by the look of the name."""
    if name.startswith(PEOPLE):
        return "one"
    last = re.split(r" (?:with|without|in|on|over|behind|of) ", name)[0].split()[-1]
    if group == 8 and last not in COUNTED_ENDINGS:
        return "mass"
    if name in UNCOUNTED or last.endswith("ing"):
        return "mass"
    if last.endswith("s") and not last.endswith(("ss", "us", "is", "'s", "glass")):
        return "plural"
    return "one"


def plural_of(name: str) -> str:
    """ "" where it is not plain how to form it."""
    if re.search(r" (with|without|in|on|over|behind|of|and) ", name):
        return ""
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("man"):
        return name[:-3] + "men"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def synonyms_of(name: str, codes: str | list[str], taken: set[str]) -> list[str]:
    """Other words for it, from the short codes that chat programs use."""
    found = []
    for code in [codes] if isinstance(codes, str) else codes:
        words = code.replace("_", " ")
        if (
            re.fullmatch(r"[a-z][a-z -]{2,24}", words)
            and words not in taken
            and words != name
            and not words.endswith("ing")
        ):
            found.append(words)
    return found[:MOST_SYNONYMS]


def more_nouns(node_modules: Path) -> Iterator[dict[str, str]]:
    """The rows of the table, in the order of emojibase."""
    files = best_files(node_modules)
    short = json.loads((node_modules / "emojibase-data/en/shortcodes/emojibase.json").read_text("utf-8"))
    used = {noun.emoji for noun in NOUNS.values()}
    taken = {word for name, noun in NOUNS.items() for word in (name, noun.plural, *noun.synonyms)}
    for entry in read_emoji(node_modules):
        label, group, code = str(entry["label"]), entry.get("group"), code_points(str(entry["hexcode"]))
        if group not in GROUPS or label in used or SKIPPED.search(label) or code not in files:
            continue
        assert isinstance(group, int)
        name = name_of(label)
        if name in taken or not re.fullmatch(r"[a-z0-9 '\-!ñé&.,]+", name):
            continue
        with Image.open(files[code]) as image:
            symmetric = is_symmetric(fit(image.convert("RGBA"), 64))
        taken.add(name)
        synonyms = synonyms_of(name, short.get(entry["hexcode"], []), taken) if group in WITH_SYNONYMS else []
        taken.update(synonyms)
        kind = kind_of(name, group)
        marked = [word if kind_of(word, group) == "one" else NO_ARTICLE + word for word in synonyms]
        yield {
            "tier": "4",
            "name": name,
            "category": GROUPS[group],
            "emoji": label,
            "colour": "",
            "recolourable": "yes" if group in PAINTED and not COLOUR_WORDS & set(name.split()) else "",
            "symmetric": "yes" if symmetric else "",
            "kind": kind,
            "plural": plural_of(name) if kind == "one" and group in WITH_SYNONYMS else "",
            "synonyms": "; ".join(marked),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    rows = list(more_nouns(parser.parse_args().node_modules))
    with MORE_TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(len(rows), "nouns more,", len(rows) + len(NOUNS), "in all")


if __name__ == "__main__":
    main()
