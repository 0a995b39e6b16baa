"""Fits the linear map from the starter's latents to colours, with which the app shows the forming picture.

    python fit_preview.py MODEL DATA [--pictures 640] [--sheet SHEET.png]

Encodes the first pictures of DATA.npy and decodes them again, averages the result over 8 x 8 pixels, and finds by
least squares the 4 x 3 factors and the bias that best give colours in [-1, 1] from scaled latents. Every fourth
picture is left out of the fit and measured. Writes MODEL/latent_preview.json; the sheet shows pictures and previews.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encode_latents import encode
from model_parts import decode as decode_latents
from model_parts import load_vae
from PIL import Image
from torch.nn import functional

FACTOR = 8
"""Pixels of a picture along one side of a latent pixel."""

BATCH = 32
SHEET_COLUMNS = 12
SHEET_PICTURES = 36


@torch.inference_mode()
def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents to N x 3 x H x W in [-1, 1]."""
    scale = vae.config.scaling_factor
    return torch.cat([decode_latents(vae, part / scale) for part in latents.split(BATCH)]).clamp(-1, 1)


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
            pixels = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            rows.append(np.concatenate(list(pixels), 1))
    Image.fromarray(np.concatenate(rows, 0)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures, without .npy")
    parser.add_argument("--pictures", type=int, default=640)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    vae = load_vae(options.model / "vae")
    latents = encode(vae, np.load(f"{options.data}.npy", mmap_mode="r")[: options.pictures]).float()
    pictures = decode(vae, latents)
    colours = functional.avg_pool2d(pictures, FACTOR)
    left_out = torch.arange(len(latents)) % 4 == 3
    solution = fit(latents[~left_out], colours[~left_out])
    predicted = predict(latents, solution)
    r_squared, error = measure(predicted[left_out], colours[left_out])
    print(f"{int(left_out.sum())} pictures left out of the fit: R squared {r_squared:.3f}, error {error:.1f} of 255")
    content = {
        "rgb_factors": [[round(value, 4) for value in row] for row in solution[:-1].tolist()],
        "rgb_bias": [round(value, 4) for value in solution[-1].tolist()],
        "note": "Scaled latents times rgb_factors plus rgb_bias give RGB in about [-1, 1]. Least squares on "
        f"{int((~left_out).sum())} pictures; on {int(left_out.sum())} others R squared is {r_squared:.3f}.",
    }
    (options.model / "latent_preview.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    if options.sheet:
        draw_sheet(pictures[left_out][:SHEET_PICTURES], predicted[left_out][:SHEET_PICTURES], options.sheet)


if __name__ == "__main__":
    main()
