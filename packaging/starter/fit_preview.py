"""Fits the linear map from the starter's latents to colours, with which the app shows the forming picture.

    python fit_preview.py MODEL [--pictures 160] [--sheet SHEET.png]

Draws pictures with MODEL, decodes their latents, averages the decoded pictures over 8 x 8 pixels, and finds by least
squares the 4 x 3 factors and the bias that best give colours in [-1, 1] from scaled latents. Every fourth picture is
left out of the fit and measured. Writes MODEL/latent_preview.json; the sheet shows pictures and their previews.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from torch.nn import functional

from vocabulary import GROUNDS, HUES, NOUNS, SCENES, with_article

FACTOR = 8
"""Pixels of a picture along one side of a latent pixel."""

BATCH = 8
STEPS = 12
GUIDANCE = 3.5
SHEET_COLUMNS = 12


def make_prompts(count: int) -> list[str]:
    """All nouns in turn, with all grounds and scenes in turn, every third in another colour."""
    grounds = [f"on a {name} background" for name in GROUNDS]
    places = [place for pair in zip(grounds, [words[0] for words in SCENES.values()] * 3, strict=True) for place in pair]
    prompts = []
    for number in range(count):
        noun = list(NOUNS)[number % len(NOUNS)]
        if number % 3 == 0 and NOUNS[noun].recolourable:
            noun = f"{list(HUES)[number % len(HUES)]} {noun}"
        prompts.append(f"{with_article(noun)} {places[number % len(places)]}")
    return prompts


@torch.inference_mode()
def draw_latents(pipeline: StableDiffusionPipeline, prompts: list[str]) -> torch.Tensor:
    """Scaled latents, N x 4 x 16 x 16."""
    parts = []
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        seeds = [torch.Generator().manual_seed(start + number) for number in range(len(batch))]
        result = pipeline(
            batch,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            height=128,
            width=128,
            generator=seeds,
            output_type="latent",
        )
        parts.append(result.images.float())
    return torch.cat(parts)


@torch.inference_mode()
def decode(pipeline: StableDiffusionPipeline, latents: torch.Tensor) -> torch.Tensor:
    """N x 3 x 128 x 128 in [-1, 1]."""
    scale = pipeline.vae.config.scaling_factor
    return torch.cat([pipeline.vae.decode(part / scale).sample for part in latents.split(BATCH)]).clamp(-1, 1)


def as_rows(latents: torch.Tensor) -> torch.Tensor:
    """N x 4 x H x W to (N H W) x 5, the last column ones."""
    rows = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    return torch.cat([rows, torch.ones(len(rows), 1)], 1)


def fit(latents: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """5 x 3: factors for each channel, and the bias."""
    targets = colours.permute(0, 2, 3, 1).reshape(-1, 3)
    return torch.linalg.lstsq(as_rows(latents).double(), targets.double()).solution.float()


def predict(latents: torch.Tensor, solution: torch.Tensor) -> torch.Tensor:
    count, _, height, width = latents.shape
    return (as_rows(latents) @ solution).reshape(count, height, width, 3).permute(0, 3, 1, 2)


def measure(predicted: torch.Tensor, colours: torch.Tensor) -> tuple[float, float]:
    """R squared, and the root of the mean squared error in levels of 255."""
    error = (predicted.clamp(-1, 1) - colours).pow(2)
    spread = (colours - colours.mean((0, 2, 3), keepdim=True)).pow(2)
    return 1 - (error.sum() / spread.sum()).item(), error.mean().sqrt().item() * 127.5


def draw_sheet(pictures: torch.Tensor, previews: torch.Tensor, path: Path) -> None:
    """Rows of pictures, below each its preview, enlarged smoothly as in the app."""
    previews = functional.interpolate(previews.clamp(-1, 1), scale_factor=FACTOR, mode="bilinear")
    rows = []
    for start in range(0, len(pictures), SHEET_COLUMNS):
        for batch in (pictures, previews):
            shown = batch[start : start + SHEET_COLUMNS]
            shown = functional.pad(shown, (0, 0, 0, 0, 0, 0, 0, SHEET_COLUMNS - len(shown)), value=1)
            pixels = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            rows.append(np.concatenate(list(pixels), 1))
    Image.fromarray(np.concatenate(rows, 0)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--pictures", type=int, default=160)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    latents = draw_latents(pipeline, make_prompts(options.pictures))
    pictures = decode(pipeline, latents)
    colours = functional.avg_pool2d(pictures, FACTOR)
    left_out = torch.arange(len(latents)) % 4 == 3
    solution = fit(latents[~left_out], colours[~left_out])
    predicted = predict(latents, solution)
    r_squared, error = measure(predicted[left_out], colours[left_out])
    print(f"{int(left_out.sum())} pictures left out of the fit: R squared {r_squared:.3f}, error {error:.1f} of 255")
    content = {
        "rgb_factors": [[round(value, 4) for value in row] for row in solution[:-1].tolist()],
        "rgb_bias": [round(value, 4) for value in solution[-1].tolist()],
        "note": "Scaled latents times rgb_factors plus rgb_bias give RGB in about [-1, 1]; "
        f"least squares on {int((~left_out).sum())} pictures, R squared {r_squared:.3f} on others.",
    }
    (options.model / "latent_preview.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    if options.sheet:
        draw_sheet(pictures[left_out], predicted[left_out], options.sheet)


if __name__ == "__main__":
    main()
