"""Judges a model: does it draw the nouns, in the colours asked for?

    python judge_model.py MODEL JUDGE.safetensors OUT [--seeds 2] [--nouns nouns.json]
    python judge_model.py MODEL JUDGE.safetensors OUT --lora FEW.safetensors --steps 4 --guidance 1

Draws "a NOUN" with fixed seeds, nothing picked, and asks the judge (see judge.py) what it sees; draws things in named
colours and measures their hue. Writes OUT.json (all figures, a row for each noun), OUT.png (every picture with what
the judge took it for), OUT.npz (the pictures, for copier.py) and OUT-colours.png.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import low_rank
import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from hues import hue_name
from judge import load_judge
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from vocabulary import NOUNS, with_article

FIRST_SEED = 500
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
LABEL = 14
BATCH = 8


_pipeline: Any = None
"""In each of the painter's processes: what it draws with."""


def _load(model: Path, lora: Path | None) -> None:
    global _pipeline
    torch.set_num_threads(1)
    _pipeline = StableDiffusionPipeline.from_pretrained(model, safety_checker=None, dtype=torch.float32)
    if lora is not None:
        _pipeline.unet.load_state_dict(low_rank.apply(_pipeline.unet.state_dict(), load_file(lora)))
    _pipeline.unet.to(memory_format=torch.channels_last)
    _pipeline.set_progress_bar_config(disable=True)


def _draw(work: tuple[list[str], list[int], dict[str, Any]]) -> np.ndarray:
    prompts, seeds, settings = work
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return np.stack([np.asarray(picture) for picture in _pipeline(prompts, generator=generators, **settings).images])


class Painter:
    """Draws prompts with the model's usual settings, in processes of one thread each; each picture has the seed given,
    whatever stands beside it."""

    def __init__(
        self, model: Path, side: int, steps: int, guidance: float, procs: int = 2, lora: Path | None = None
    ) -> None:
        self._pool = multiprocessing.get_context("spawn").Pool(procs, _load, (model, lora))
        self._settings = {"num_inference_steps": steps, "guidance_scale": guidance, "height": side, "width": side}

    def draw(self, prompts: list[str], seeds: list[int]) -> np.ndarray:
        """N x side x side x 3 uint8."""
        starts = range(0, len(prompts), BATCH)
        work = [(prompts[at : at + BATCH], seeds[at : at + BATCH], self._settings) for at in starts]
        drawn = []
        for number, part in enumerate(self._pool.imap(_draw, work)):
            drawn.append(part)
            if number % 5 == 4:
                print(f"{(number + 1) * BATCH} of {len(prompts)} pictures", flush=True)
        return np.concatenate(drawn)


def judge_nouns(
    painter: Painter, judge: Any, nouns: list[str], seeds: int, out: Path, first_seed: int = FIRST_SEED
) -> dict[str, Any]:
    prompts = [with_article(noun) for noun in nouns for _ in range(seeds)]
    wanted = [noun for noun in nouns for _ in range(seeds)]
    pictures = painter.draw(prompts, [first_seed + number for number in range(len(prompts))])
    np.savez_compressed(out.with_suffix(".npz"), pictures=pictures, prompts=prompts)
    seen = judge.best(pictures)
    rows: dict[str, dict[str, Any]] = {noun: {"first": 0, "among_five": 0, "taken_for": []} for noun in nouns}
    for noun, names in zip(wanted, seen, strict=True):
        rows[noun]["first"] += names[0] == noun
        rows[noun]["among_five"] += noun in names
        if names[0] != noun:
            rows[noun]["taken_for"].append(names[0])
    labels = [noun if names[0] == noun else f"{noun} > {names[0]}" for noun, names in zip(wanted, seen, strict=True)]
    save_sheet(pictures, labels, out.with_suffix(".png"), columns=seeds * max(1, 12 // seeds))
    total = len(prompts)
    return {
        "pictures": total,
        "first": sum(row["first"] for row in rows.values()) / total,
        "among_five": sum(row["among_five"] for row in rows.values()) / total,
        "nouns": rows,
    }


def judge_colours(painter: Painter, nouns: list[str], count: int, out: Path) -> dict[str, Any]:
    """Things that may have another colour, each with another one than its own."""
    things = [noun for noun in nouns if NOUNS[noun].recolourable]
    if not things or not count:
        return {"pictures": 0, "right": 0.0}
    asked = []
    for number in range(count):
        noun = things[number % len(things)]
        others = [colour for colour in COLOURS if colour != NOUNS[noun].colour]
        asked.append((noun, others[(number + number // len(things)) % len(others)]))
    prompts = [f"{with_article(colour)} {noun} on a white background" for noun, colour in asked]
    pictures = painter.draw(prompts, [FIRST_SEED + number for number in range(count)])
    found = [hue_name(picture) for picture in pictures]
    labels = [
        f"{colour} {noun}" + ("" if name == colour else f" > {name}")
        for (noun, colour), name in zip(asked, found, strict=True)
    ]
    save_sheet(pictures, labels, out.with_name(out.name + "-colours").with_suffix(".png"), columns=12)
    rows = {
        colour: [name == colour for (_, c), name in zip(asked, found, strict=True) if c == colour] for colour in COLOURS
    }
    right = sum(name == colour for (_, colour), name in zip(asked, found, strict=True))
    shares = {colour: sum(row) / len(row) for colour, row in rows.items() if row}
    return {"pictures": count, "right": right / count, "colours": shares}


def save_sheet(pictures: np.ndarray, labels: list[str], path: Path, columns: int) -> None:
    side = pictures.shape[1]
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * (side + LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = number % columns * side, number // columns * (side + LABEL)
        sheet.paste(Image.fromarray(picture), (left, top))
        draw.text((left + 2, top + side), label[: side // 6], fill="crimson" if ">" in label else "black")
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("judge", type=Path)
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("--nouns", type=Path, help="JSON list of the nouns claimed (else all that the judge knows)")
    parser.add_argument("--seeds", type=int, default=2, help="pictures of each noun")
    parser.add_argument("--first_seed", type=int, default=FIRST_SEED)
    parser.add_argument("--coloured", type=int, default=84, help="pictures of things in named colours")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--lora", type=Path, help="worn with weight 1: the form for few steps")
    parser.add_argument("--procs", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge(options.judge)
    known = judge.names
    nouns = [n for n in json.loads(options.nouns.read_text("utf-8")) if n in known] if options.nouns else known
    painter = Painter(options.model, options.side, options.steps, options.guidance, options.procs, options.lora)
    begin = time.monotonic()
    report = {"nouns": judge_nouns(painter, judge, nouns, options.seeds, options.out, options.first_seed)}
    report["colours"] = judge_colours(painter, nouns, options.coloured, options.out)
    report["seconds"] = round(time.monotonic() - begin)
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1), "utf-8")
    of_nouns, of_colours = report["nouns"], report["colours"]
    print(f"{of_nouns['pictures']} pictures of {len(nouns)} nouns: {of_nouns['first']:.1%} named first,", end=" ")
    print(f"{of_nouns['among_five']:.1%} among five; colours right in {of_colours['right']:.1%}")


if __name__ == "__main__":
    main()
