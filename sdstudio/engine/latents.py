"""Latent spaces: their scale, their colours, and how a forming picture is guessed from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import torch

from sdstudio.domain.errors import ModelError
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.models import LatentSpec

# Linear factors, latent channel x RGB, as published with InvokeAI (Apache-2.0), invokeai/app/util/step_callback.py.
SD1_RGB = (
    (0.3444, 0.1385, 0.0670),
    (0.1247, 0.4027, 0.1494),
    (-0.3192, 0.2513, 0.2103),
    (-0.1307, -0.1874, -0.7445),
)
SDXL_RGB = (
    (0.3816, 0.4930, 0.5320),
    (-0.3753, 0.1631, 0.1739),
    (0.1770, 0.3588, -0.2048),
    (-0.4350, -0.2644, -0.4289),
)
SD1_SCALE, SDXL_SCALE = 0.18215, 0.13025
PREVIEW_FILE = "latent_preview.json"
_Rgb = tuple[float, float, float]
_FIT_PICTURES, _FIT_SIDE, _FIT_BLOCK = 6, 128, 16


def find_latent_spec(folder: Path, vae: Any) -> LatentSpec:
    """Of a loaded model: from its latent_preview.json, else the published tables, else fitted to its VAE.

    Raises ModelError when the file is there but not usable.
    """
    channels = int(vae.config.latent_channels)
    scale = float(vae.config.scaling_factor)
    shift = float(getattr(vae.config, "shift_factor", None) or 0.0)
    path = folder / PREVIEW_FILE
    if path.is_file():
        factors, bias = _read_preview(path, channels)
        return LatentSpec(channels=channels, scale=scale, shift=shift, rgb_factors=factors, rgb_bias=bias)
    table = _published(channels, scale)
    if table is not None:
        return LatentSpec(channels=channels, scale=scale, shift=shift, rgb_factors=table)
    return fit_latent_spec(vae, channels, scale, shift)


def _published(channels: int, scale: float) -> tuple[_Rgb, ...] | None:
    if channels != 4:
        return None
    if abs(scale - SDXL_SCALE) < 1e-4:
        return SDXL_RGB
    # The tiny decoder for SD 1 and 2 takes latents that are scaled already: its own factor is 1.
    return SD1_RGB if abs(scale - SD1_SCALE) < 1e-4 or scale == 1.0 else None


def _read_preview(path: Path, channels: int) -> tuple[tuple[_Rgb, ...], _Rgb]:
    try:
        data = json.loads(path.read_text("utf-8"))
        factors = tuple((float(red), float(green), float(blue)) for red, green, blue in data["rgb_factors"])
        red, green, blue = map(float, data.get("rgb_bias", (0, 0, 0)))
        if len(factors) != channels:
            raise ValueError(f"{len(factors)} rows for {channels} channels")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The model's file {PREVIEW_FILE} is damaged.",
            meaning="The forming picture could not be shown.",
            hint=f"Copy the model's folder again, or delete {path}: the colours are then measured.",
        ) from error
    return factors, (red, green, blue)


def fit_latent_spec(vae: Any, channels: int, scale: float, shift: float = 0.0) -> LatentSpec:
    """Linear factors by least squares: soft pictures of random colours are encoded and explained by their latents."""
    generator = torch.Generator("cpu").manual_seed(0)
    blocks = torch.rand(_FIT_PICTURES, 3, *[_FIT_SIDE // _FIT_BLOCK] * 2, generator=generator) * 2 - 1
    pictures = torch.nn.functional.interpolate(blocks, size=(_FIT_SIDE, _FIT_SIDE), mode="bilinear")
    with torch.inference_mode():
        encoded = vae.encode(pictures.to(vae.device, vae.dtype))
        raw = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
    latents = ((raw.float().cpu() - shift) * scale).permute(0, 2, 3, 1)
    small = torch.nn.functional.adaptive_avg_pool2d(pictures, latents.shape[1:3]).permute(0, 2, 3, 1)
    rows = torch.cat([latents.reshape(-1, channels), torch.ones(small[..., 0].numel(), 1)], dim=1)
    solution = torch.linalg.lstsq(rows, small.reshape(-1, 3)).solution.tolist()
    factors = tuple((row[0], row[1], row[2]) for row in solution[:channels])
    bias = solution[channels]
    return LatentSpec(
        channels=channels, scale=scale, shift=shift, rgb_factors=factors, rgb_bias=(bias[0], bias[1], bias[2])
    )


class Colours(Protocol):
    """Makes the forming picture visible."""

    def ready(self) -> bool:
        """Whether a preview costs little enough now."""

    def to_rgb(self, latents: torch.Tensor) -> torch.Tensor:
        """1 x C x h x w scaled latents to rows x columns x 3 uint8 on the same device."""


class LatentColours:
    """A latent space's linear map on the device, ready for use in the loop."""

    def __init__(self, spec: LatentSpec, device: torch.device) -> None:
        self._factors = torch.tensor(spec.rgb_factors, dtype=torch.float32, device=device)
        self._bias = torch.tensor(spec.rgb_bias, dtype=torch.float32, device=device)

    def ready(self) -> bool:
        """Whether a preview costs little enough now: these always do."""
        return True

    def to_rgb(self, latents: torch.Tensor) -> torch.Tensor:
        """1 x C x h x w scaled latents to h x w x 3 uint8 on the same device; numbers that are none become grey."""
        rgb = torch.addmm(self._bias, latents[0].float().flatten(1).T, self._factors)
        rgb = torch.nan_to_num(rgb, nan=0.0, posinf=1.0, neginf=-1.0).clamp(-1, 1)
        return ((rgb + 1) * 127.5).round().to(torch.uint8).view(*latents.shape[2:], 3)


def to_image(decoded: torch.Tensor) -> ImageBuffer:
    """1 x 3 x H x W in [-1, 1] to a picture, rounded as diffusers' VaeImageProcessor does."""
    values = (decoded * 0.5 + 0.5).clamp(0, 1)
    array = values.cpu().permute(0, 2, 3, 1).float().numpy()[0]
    return ImageBuffer.from_rgb((array * 255).round().astype("uint8"))


def predicted_original(
    scheduler: Any, output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor
) -> torch.Tensor:
    """The x0 that the model's output means: `sample` is the input of the step that is about to be made.

    Works for the variance-exploding schedulers (x = x0 + sigma e, recognised by their scaled noise) and for those
    that keep the variance (x = sqrt(a) x0 + sqrt(1 - a) e), for epsilon, v and sample prediction.
    """
    kind = scheduler.config.prediction_type
    if kind == "sample":
        return output
    alpha, sigma, stretch = _noise_level(scheduler, timestep)
    sample = sample * (alpha * stretch)
    if kind == "v_prediction":
        return alpha * sample - sigma * output
    return (sample - sigma * output) / alpha


def _noise_level(scheduler: Any, timestep: torch.Tensor) -> tuple[float, float, float]:
    """alpha and sigma with alpha^2 + sigma^2 = 1, and the factor that turns alpha * sample into x of that scale.

    Variance-exploding samples are alpha-scaled first (stretch 1); the others are taken as they are (1 / alpha).
    """
    if not hasattr(scheduler, "sigmas"):
        # Never exactly zero: with zero terminal SNR only v prediction is defined there, and it needs no division.
        alpha_bar = max(float(scheduler.alphas_cumprod[int(timestep)]), 2.0**-24)
        return alpha_bar**0.5, (1 - alpha_bar) ** 0.5, alpha_bar**-0.5
    if float(scheduler.init_noise_sigma) != 1.0:
        # The input scaling is alpha = 1 / sqrt(sigma^2 + 1): it alone knows which of its sigmas is meant now.
        alpha = float(scheduler.scale_model_input(torch.ones(1, dtype=torch.float64), timestep))
        return alpha, max(0.0, 1 - alpha**2) ** 0.5, 1.0
    level = float(scheduler.sigmas[scheduler.step_index or 0])
    alpha = 1 / (level**2 + 1) ** 0.5
    return alpha, level * alpha, 1 / alpha
