"""From pixels to latents, with a second try where the first fails for lack of memory or of precision."""

from __future__ import annotations

import gc
from typing import Any

import torch

from sdstudio.domain.image import Pixels
from sdstudio.engine.devices import free_device_memory
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.memory.keeper import make_single
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
    answer = _answer(model, values)
    raw = answer.latent_dist.sample(generator) if hasattr(answer, "latent_dist") else answer.latents
    scaled: torch.Tensor = (
        (raw - model.latents.shift) * model.latents.scale if model.latents.shift else (raw * model.latents.scale)
    )
    return scaled.to(model.unet.dtype)


def most_likely(model: LoadedModel, rgb: Pixels) -> torch.Tensor:
    """H x W x 3 uint8 to 1 x C x h x w latents as the decoder reads them, not scaled; nothing is drawn."""
    answer = _answer(model, pixel_values(rgb))
    raw: torch.Tensor = answer.latent_dist.mode() if hasattr(answer, "latent_dist") else answer.latents
    return raw.to(model.unet.dtype)


def _answer(model: LoadedModel, values: torch.Tensor) -> Any:
    """Half precision that overflows is tried again in single, and stays so, before anything is drawn."""
    answer = _answer_now(model, values)
    if model.vae.dtype != torch.float32 and not _is_finite(answer):
        make_single(model.vae, model.memory)
        answer = _answer_now(model, values)
    return answer


def _is_finite(answer: Any) -> bool:
    found = answer.latent_dist.parameters if hasattr(answer, "latent_dist") else answer.latents
    return bool(torch.isfinite(found).all())


def _answer_now(model: LoadedModel, values: torch.Tensor) -> Any:
    pixels = values.to(device=model.device.torch_device, dtype=model.vae.dtype)
    answer = _encode_whole(model, pixels)
    if answer is None:
        # Outside the except block: the exception's traceback would keep the failed attempt's tensors alive.
        gc.collect()
        free_device_memory(model.device)
        answer = _encode_tiled(model, pixels)
    return answer


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
