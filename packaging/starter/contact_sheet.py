"""Draws a contact sheet: one cell a prompt and seed, with the prompt below it.

python contact_sheet.py MODEL OUT.png [--prompts FILE.json] [--steps 20] [--guidance 4] [--seeds 1] [--columns 10]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw
from vocabulary import NOUNS, with_article

SIDE = 128
LABEL = 14
LABEL_LETTERS = 22
SEED_STEP = 1000
"""Distance between the seeds of two cells of the same prompt."""


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, safety_checker=None, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    prompts = json.loads(options.prompts.read_text("utf-8")) if options.prompts else [with_article(n) for n in NOUNS]
    cells = [
        (prompt, options.seed + turn * SEED_STEP + number)
        for number, prompt in enumerate(prompts)
        for turn in range(options.seeds)
    ]
    rows = -(-len(cells) // options.columns)
    sheet = Image.new("RGB", (options.columns * SIDE, rows * (SIDE + LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    start = time.time()
    for cell, (prompt, seed) in enumerate(cells):
        picture = pipeline(
            prompt,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            height=SIDE,
            width=SIDE,
            generator=torch.Generator().manual_seed(seed),
        ).images[0]
        left, top = cell % options.columns * SIDE, cell // options.columns * (SIDE + LABEL)
        sheet.paste(picture, (left, top))
        draw.text((left + 2, top + SIDE), prompt[:LABEL_LETTERS], fill="black")
    seconds = (time.time() - start) / len(cells)
    print(f"{seconds:.2f} s a picture, {options.steps} steps, {options.threads} threads")
    sheet.save(options.out)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompts", type=Path, help="JSON file with a list of prompts (else one for each noun)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4)
    parser.add_argument("--seeds", type=int, default=1, help="pictures for each prompt")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
