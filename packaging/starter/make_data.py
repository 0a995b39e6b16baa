"""Composes the training pictures and their captions.

    python make_data.py SPRITES OUT COUNT [--form small] [--tier N] [--procs 1] [--seed 0] [--start 0]

SPRITES.bin and SPRITES.json are what pack_sprites.py packed. Writes OUT.npy (COUNT x SIDE x SIDE x 3, uint8), OUT.json
(captions), OUT.noun.json (the nouns in each picture, left to right or top to bottom) and OUT.meta.json (for each
picture: layout, colours named, ground, style, count). The same seed gives the same pictures, whatever the number of
processes; a run that was stopped goes on when it is started again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from compose import LARGE, SMALL, Composer
from sprites import SpriteBook
from vocabulary import ALL_NOUNS

FORMS = {"small": (SMALL, 128), "large": (LARGE, 256)}
TIERS = {"small": 1, "large": 4}
CHUNK = 500
"""Pictures between two notes of what is done."""

_composer: list[Composer] = []
"""The composer that the processes take over from the one that starts them."""

Part = tuple[Path, int, int, int, int]


def write_chunk(part: Part) -> int:
    """Fills the pictures from `first` up to `end` of the shared file, and notes what they show beside it."""
    out, first, end, seed, start = part
    note = notes_folder(out) / f"{first:08}.json"
    if note.exists():
        return end - first
    pictures = np.lib.format.open_memmap(f"{out}.npy", "r+")
    rows = []
    for index in range(first, end):
        picture = _composer[0].compose(random.Random(f"{seed}/{start + index}"))
        pictures[index] = np.asarray(picture.image)
        rows.append([picture.caption, picture.nouns, picture.notes])
    pictures.flush()
    unfinished = note.with_suffix(".tmp")
    unfinished.write_text(json.dumps(rows), "utf-8")
    unfinished.rename(note)
    return end - first


def notes_folder(out: Path) -> Path:
    return Path(f"{out}.parts")


def write_all(out: Path, count: int, side: int, seed: int, start: int, procs: int) -> Iterator[int]:
    """Composes what is still missing; yields how many pictures there are."""
    notes_folder(out).mkdir(parents=True, exist_ok=True)
    if not Path(f"{out}.npy").exists():
        np.lib.format.open_memmap(f"{out}.npy", "w+", np.uint8, (count, side, side, 3)).flush()
    work = [(out, first, min(first + CHUNK, count), seed, start) for first in range(0, count, CHUNK)]
    if np.load(f"{out}.npy", mmap_mode="r").shape != (count, side, side, 3):
        raise ValueError(f"{out}.npy holds pictures of another number or size; name another file, or remove it.")
    done = 0
    if procs == 1:
        for part in work:
            done += write_chunk(part)
            yield done
        return
    with multiprocessing.get_context("fork").Pool(procs) as pool:
        for size in pool.imap_unordered(write_chunk, work):
            done += size
            yield done


def is_complete(out: Path, count: int) -> bool:
    captions = Path(f"{out}.json")
    return captions.exists() and len(json.loads(captions.read_text("utf-8"))) == count


def gather(out: Path) -> int:
    """Joins the notes of all chunks and removes them; returns how many different captions there are."""
    rows = [row for path in sorted(notes_folder(out).glob("*.json")) for row in json.loads(path.read_text("utf-8"))]
    for ending, column in (("noun.json", 1), ("meta.json", 2), ("json", 0)):
        Path(f"{out}.{ending}").write_text(json.dumps([row[column] for row in rows]), "utf-8")
    shutil.rmtree(notes_folder(out))
    return len({row[0] for row in rows})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sprites", type=Path, help="path of the packed pictures, without their endings")
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("count", type=int)
    parser.add_argument("--form", choices=FORMS, default="small")
    parser.add_argument("--tier", type=int, default=0, help="the last tier of nouns to use (small form: 1; large: 4)")
    parser.add_argument("--nouns", type=int, default=0, help="use only so many nouns, the first of the table")
    parser.add_argument("--procs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first picture: goes on from another set")
    options = parser.parse_args()
    if is_complete(options.out, options.count):
        print("is there already")
        return
    recipe, side = FORMS[options.form]
    tier = options.tier or TIERS[options.form]
    book = SpriteBook(options.sprites)
    names = [name for name in book.nouns if name in ALL_NOUNS and ALL_NOUNS[name].tier <= tier]
    nouns = {name: ALL_NOUNS[name] for name in names[: options.nouns or None]}
    _composer.append(Composer(book, nouns, recipe, side))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    began = last = time.monotonic()
    for done in write_all(options.out, options.count, side, options.seed, options.start, options.procs):
        if time.monotonic() - last > 10 or done == options.count:
            last = time.monotonic()
            print(f"{done} of {options.count} pictures, {last - began:.0f} s", flush=True)
    print(len(nouns), "nouns,", gather(options.out), "different captions")


if __name__ == "__main__":
    main()
