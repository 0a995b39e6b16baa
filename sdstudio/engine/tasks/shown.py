"""What an inpainting network is shown beside the noisy latents: which part is to be made, and the rest of the picture.

Networks of 9 channels (Stable Diffusion's inpainting models) read 4 of latents, 1 of mask, 4 of the masked picture.
"""

from __future__ import annotations

import numpy as np
import torch

from sdstudio.domain.geometry import Size
from sdstudio.domain.image import Pixels
from sdstudio.engine.encode import encode_values, pixel_values
from sdstudio.engine.hooks.mask import ShownHook
from sdstudio.engine.model import LoadedModel


def cells_of(values: Pixels, model: LoadedModel) -> torch.Tensor:
    """H x W uint8 to 1 x 1 x h x w int32 on the device: the largest value of each latent cell, so that a stroke
    thinner than a cell counts."""
    side = model.pixels_per_latent
    height, width = values.shape
    largest = values.reshape(height // side, side, width // side, side).max(axis=(1, 3))
    return torch.from_numpy(largest[None, None].astype("int32")).to(model.device.torch_device)


def show_around(rgb: Pixels, hidden: Pixels, model: LoadedModel, generator: torch.Generator) -> tuple[ShownHook, ...]:
    """For a network that reads a mask: the picture, H x W x 3, without what is `hidden`, H x W, 0 or 1. Its latents
    are drawn as `encode_values` says. Other networks are shown nothing."""
    if not model.inpainting:
        return ()
    kept = torch.from_numpy(hidden == 0)
    around = encode_values(model, pixel_values(rgb) * kept, generator)
    return (ShownHook(torch.cat([cells_of(hidden, model).to(around.dtype), around], dim=1)),)


def show_nothing(size: Size, model: LoadedModel, generator: torch.Generator) -> tuple[ShownHook, ...]:
    """For pictures without a mask: everything is to be made and nothing of the picture is shown, so that inpainting
    models serve for them, too."""
    rgb = np.zeros((size.height, size.width, 3), np.uint8)
    return show_around(rgb, np.ones((size.height, size.width), np.uint8), model, generator)
