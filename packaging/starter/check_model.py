"""Loads a model folder into the three usual pipelines and tries the usual schedulers.

python check_model.py MODEL
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline
from PIL import Image

SCHEDULERS = (
    "DDIMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "UniPCMultistepScheduler",
    "PNDMScheduler",
    "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "DEISMultistepScheduler",
    "DDPMScheduler",
    "LCMScheduler",
)
SETTINGS: dict[str, Any] = {"num_inference_steps": 20, "guidance_scale": 4}
SIZE = {"height": 128, "width": 128}
PICTURES = 4


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def check_text(pipeline: StableDiffusionPipeline) -> Image.Image:
    pipeline("a star", **SETTINGS, **SIZE)
    start = time.time()
    for _ in range(PICTURES):
        picture = pipeline("a red heart", generator=generator(), **SETTINGS, **SIZE).images[0]
    print(f"text to image: {(time.time() - start) / PICTURES:.2f} s a picture, 20 steps, guidance, 2 threads")
    return picture


def check_image_and_inpaint(pipeline: StableDiffusionPipeline, picture: Image.Image) -> None:
    # Made from the components: `from_pipe` refuses an AutoencoderTiny in these pipelines.
    image = StableDiffusionImg2ImgPipeline(**pipeline.components)
    image.set_progress_bar_config(disable=True)
    changed = image("a yellow star", image=picture, strength=0.7, generator=generator(), **SETTINGS).images[0]
    print("image to image:", changed.size)
    inpaint = StableDiffusionInpaintPipeline(**pipeline.components)
    inpaint.set_progress_bar_config(disable=True)
    mask = Image.new("L", picture.size, 0)
    mask.paste(255, (64, 0, 128, 128))
    filled = inpaint("a star", image=picture, mask_image=mask, generator=generator(), **SETTINGS, **SIZE).images[0]
    print("inpainting:", filled.size)


def check_scheduler(pipeline: StableDiffusionPipeline, name: str, config: Any) -> None:
    pipeline.scheduler = getattr(diffusers, name).from_config(config)
    settings = {**SETTINGS, "num_inference_steps": 12}
    pixels = pipeline("an apple", generator=generator(), output_type="np", **settings, **SIZE).images[0]
    state = "finite" if np.isfinite(pixels).all() else "NOT FINITE"
    print(f"{name}: {state}, mean {pixels.mean():.2f}, standard deviation {pixels.std():.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    start = time.time()
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    print(f"loaded in {time.time() - start:.1f} s:", {k: type(v).__name__ for k, v in pipeline.components.items()})
    check_image_and_inpaint(pipeline, check_text(pipeline))
    config = pipeline.scheduler.config
    for name in SCHEDULERS:
        check_scheduler(pipeline, name, config)


if __name__ == "__main__":
    main()
