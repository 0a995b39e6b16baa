"""Finds out which icon of each icon set shows which noun, and lists them for rasterise.mjs.

python icon_sets.py NODE_MODULES JOBS.json [--cc-by]
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fetch import read_sources
from sprites import code_points, read_emoji
from vocabulary import ALL_NOUNS


def slug(label: str) -> str:
    """A CLDR name as icon sets write it: "man’s shoe" -> "mans-shoe"."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "").replace("'", "").replace("ñ", "n")).strip("-")


def icon_of(icons: dict[str, Any], codes: dict[str, str], label: str, code: str) -> str:
    """The name of the icon for an emoji: by code point where the set has them, else by name; "" if it has none."""
    name = slug(label)
    squashed = name.replace("-", "")
    for candidate in (codes.get(code, ""), name, f"{name}-1", squashed):
        if candidate in icons["icons"]:
            return candidate
        parent: str = icons.get("aliases", {}).get(candidate, {}).get("parent", "")
        if parent in icons["icons"]:
            return parent
    return ""


def jobs(node_modules: Path, cc_by: bool) -> Iterator[dict[str, str]]:
    """For each set and noun that it has: style, noun, the set's file, the icon's name."""
    emoji = {str(entry["label"]): code_points(str(entry["hexcode"])) for entry in read_emoji(node_modules)}
    for source in read_sources():
        if source.kind != "icons" or (source.needs_credit and not cc_by):
            continue
        folder = node_modules / source.package
        icons = json.loads((folder / "icons.json").read_text("utf-8"))
        chars = json.loads((folder / "chars.json").read_text("utf-8"))
        codes = {code_points(code): name for code, name in chars.items()}
        for noun, entry in ALL_NOUNS.items():
            icon = icon_of(icons, codes, entry.emoji, emoji[entry.emoji])
            if icon:
                yield {"style": source.style, "noun": noun, "set": str(folder / "icons.json"), "icon": icon}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cc-by", action="store_true")
    options = parser.parse_args()
    found = list(jobs(options.node_modules, options.cc_by))
    options.out.write_text(json.dumps(found), "utf-8")
    styles: dict[str, int] = {}
    for job in found:
        styles[job["style"]] = styles.get(job["style"], 0) + 1
    print(len(found), "icons:", ", ".join(f"{style} {count}" for style, count in styles.items()))


if __name__ == "__main__":
    main()
