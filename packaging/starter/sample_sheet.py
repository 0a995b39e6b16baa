"""Draws a quick sheet of a model in training: many prompts at once, on the processor or the graphics card.

    python sample_sheet.py MODEL OUT.png [--prompts FILE.json | --nouns DATA.noun.json --count 48] [--unet FOLDER]

--unet puts another UNet (of the same inputs) in, for instance the few-step form with --steps 4 --guidance 1.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image, ImageDraw

LABEL = 14
BATCH = 16
PROMPTS = (
    "a red apple on a blue background",
    "a green car",
    "a cat and a dog",
    "a penguin in the snow",
    "a purple umbrella on a yellow background",
    "a rocket at night",
    "a blue butterfly on the grass",
    "a small red heart",
)


def choose_prompts(options: argparse.Namespace) -> list[str]:
    """Those of the file; else the first eight above and nouns spread evenly over the alphabet."""
    if options.prompts:
        return list(json.loads(options.prompts.read_text("utf-8")))
    nouns = []
    if options.nouns:
        lists = json.loads(options.nouns.read_text("utf-8"))
        names = sorted({noun for entry in lists for noun in entry})
        wanted = min(max(0, options.count - len(PROMPTS)), len(names))
        nouns = [names[place * len(names) // wanted] for place in range(wanted)]
    prompts = [*PROMPTS, *(("an " if noun[0] in "aeiou" else "a ") + noun for noun in nouns)]
    return prompts[: options.count]


@torch.inference_mode()
def draw(options: argparse.Namespace, prompts: list[str]) -> list[Image.Image]:
    """One picture a prompt; the seed is the prompt's number."""
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, safety_checker=None, dtype=torch.float32)
    if options.unet:
        pipeline.unet = UNet2DConditionModel.from_pretrained(options.unet, torch_dtype=torch.float32)
    pipeline.to(options.device).set_progress_bar_config(disable=True)
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        some = prompts[start : start + BATCH]
        seeds = [torch.Generator().manual_seed(start + place) for place in range(len(some))]
        side = pipeline.unet.config.sample_size * 8
        result = pipeline(
            some,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            height=side,
            width=side,
            generator=seeds,
        )
        pictures.extend(result.images)
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompts", type=Path, help="JSON file with a list of prompts")
    parser.add_argument("--nouns", type=Path, help="DATA.noun.json, to take nouns from")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--unet", type=Path)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--guidance", type=float, default=4)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.time()
    prompts = choose_prompts(options)
    pictures = draw(options, prompts)
    side = pictures[0].width
    rows = -(-len(pictures) // options.columns)
    sheet = Image.new("RGB", (options.columns * side, rows * (side + LABEL)), "white")
    pen = ImageDraw.Draw(sheet)
    for cell, (prompt, picture) in enumerate(zip(prompts, pictures, strict=True)):
        left, top = cell % options.columns * side, cell // options.columns * (side + LABEL)
        sheet.paste(picture, (left, top))
        pen.text((left + 2, top + side), prompt[: side // 6], fill="black")
    sheet.save(options.out)
    print(f"{len(pictures)} pictures, {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
