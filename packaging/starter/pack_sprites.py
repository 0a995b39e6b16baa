"""Packs the pictures of all nouns into one file.

    python pack_sprites.py NODE_MODULES OUT [--tier 3] [--side 192] [--quality 92] [--icons JOBS.json RASTER]

NODE_MODULES holds what fetch.py fetched; --icons: the list of icon_sets.py and the folder that rasterise.mjs filled.
Writes OUT.bin (WebP pictures one after another, cropped, each in a square of --side pixels) and OUT.json (where each
one lies, of which noun and style it is, its main hue). Pictures that cannot be read are named and left out.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
from drawing import hue_share, main_hue
from PIL import Image
from sprites import BEST_STYLE, Sprite, best_files, code_points, fit, is_symmetric, read_emoji
from vocabulary import ALL_NOUNS

LEAST_PIXELS = 64
"""A picture with fewer pixels that are not transparent is empty, in fact."""


def best_pictures(node_modules: Path, tier: int) -> Iterator[tuple[str, str, Path]]:
    """Noun, style and file of the 3D picture of every noun up to a tier."""
    files = best_files(node_modules)
    codes = {str(entry["label"]): code_points(str(entry["hexcode"])) for entry in read_emoji(node_modules)}
    for name, noun in ALL_NOUNS.items():
        if noun.tier <= tier:
            yield name, BEST_STYLE, files[codes[noun.emoji]]


def icon_pictures(jobs: Path, raster: Path, tier: int) -> Iterator[tuple[str, str, Path]]:
    """Noun, style and file of every rasterised icon; those that could not be drawn are passed over."""
    for number, job in enumerate(json.loads(jobs.read_text("utf-8"))):
        path = raster / job["style"] / f"{number}.png"
        if path.exists() and ALL_NOUNS[job["noun"]].tier <= tier:
            yield job["noun"], job["style"], path


def pack(
    pictures: Iterable[tuple[str, str, Path]], out: Path, side: int, quality: int, method: int = 6
) -> list[Sprite]:
    """Writes the pack, and returns what is in it."""
    sprites: list[Sprite] = []
    offset = 0
    last = time.monotonic()
    with Path(f"{out}.bin").open("wb") as file:
        for noun, style, path in pictures:
            with Image.open(path) as image:
                rgba = image.convert("RGBA")
            if int((np.asarray(rgba)[..., 3] > 16).sum()) < LEAST_PIXELS:
                print(f"empty: {noun}, {style}", flush=True)
                continue
            square = fit(rgba, side)
            buffer = io.BytesIO()
            square.save(buffer, "WEBP", quality=quality, alpha_quality=min(100, quality + 5), method=method)
            hue = main_hue(square)
            length = file.write(buffer.getvalue())
            share = round(hue_share(square, hue), 3)
            sprites.append(Sprite(noun, style, offset, length, hue, share, is_symmetric(square)))
            offset += length
            if time.monotonic() - last > 5:
                last = time.monotonic()
                print(f"{len(sprites)} pictures, {offset / 1e6:.1f} MB", flush=True)
    Path(f"{out}.json").write_text(json.dumps([astuple(sprite) for sprite in sprites], separators=(",", ":")), "utf-8")
    return sprites


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("--tier", type=int, default=3, help="the last tier of nouns to pack; 4 = all")
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--quality", type=int, default=92)
    parser.add_argument("--method", type=int, default=6, help="0-6: how long WebP looks for a shorter form")
    parser.add_argument("--icons", type=Path, nargs=2, metavar=("JOBS", "RASTER"))
    options = parser.parse_args()
    pictures = list(best_pictures(options.node_modules, options.tier))
    if options.icons:
        pictures += icon_pictures(*options.icons, options.tier)
    sprites = pack(pictures, options.out, options.side, options.quality, options.method)
    print(len(sprites), "pictures of", len({sprite.noun for sprite in sprites}), "nouns")


if __name__ == "__main__":
    main()
