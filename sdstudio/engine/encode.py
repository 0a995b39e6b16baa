"""From pixels to latents, with a second try in tiles where memory runs out."""

from __future__ import annotations

import gc
from typing import Any

import torch

from sdstudio.domain.image import Pixels
from sdstudio.engine.devices import free_device_memory
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.model import LoadedModel


def encode(model: LoadedModel, rgb: Pixels, generator: torch.Generator) -> torch.Tensor:
    """H x W x 3 uint8 to 1 x C x h x w scaled latents, as `encode_values` does."""
    return encode_values(model, pixel_values(rgb), generator)


def pixel_values(rgb: Pixels) -> torch.Tensor:
    """H x W x 3 uint8 to 1 x 3 x H x W in [-1, 1]; 0 is the middle grey."""
    return torch.from_numpy(rgb[None].astype("float32") / 255).permute(0, 3, 1, 2) * 2 - 1


def encode_values(model: LoadedModel, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """1 x 3 x H x W in [-1, 1] to 1 x C x h x w scaled latents. AutoencoderKL's are drawn from what it answers, with
    noise of the generator. Raises what torch raises when memory is short for tiles, too."""
    pixels = values.to(device=model.device.torch_device, dtype=model.vae.dtype)
    answer = _encode_whole(model, pixels)
    if answer is None:
        # Outside the except block: the exception's traceback would keep the failed attempt's tensors alive.
        gc.collect()
        free_device_memory(model.device)
        answer = _encode_tiled(model, pixels)
    raw = answer.latent_dist.sample(generator) if hasattr(answer, "latent_dist") else answer.latents
    scaled: torch.Tensor = (
        (raw - model.latents.shift) * model.latents.scale if model.latents.shift else (raw * model.latents.scale)
    )
    return scaled.to(model.unet.dtype)


def _encode_whole(model: LoadedModel, pixels: torch.Tensor) -> Any:
    """None when memory ran out and tiles can be tried."""
    try:
        return model.vae.encode(pixels)
    except (RuntimeError, MemoryError) as error:
        if not (is_out_of_memory(error) and hasattr(model.vae, "enable_tiling")):
            raise
    return None


def _encode_tiled(model: LoadedModel, pixels: torch.Tensor) -> Any:
    model.vae.enable_tiling()
    try:
        return model.vae.encode(pixels)
    finally:
        model.vae.disable_tiling()
