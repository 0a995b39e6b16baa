"""A model ready for use on its device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.models import LatentSpec
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.conditioning import TextSide
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.devices import Device
from sdstudio.engine.latents import Colours
from sdstudio.engine.memory.keeper import ModelMemory


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """`begin` is the family's own: what a picture begins with. `family` is None for folders that are none of the
    published ones; they work as Stable Diffusion 1 does. `parts`: what only the family's own code reads. `begin_mixed`:
    the same as `begin`, of several pictures; None where that cannot be. `more_networks`: those beside UNet, VAE and
    text encoder that a picture's beginning runs."""

    spec: ModelSpec
    device: Device
    unet: Any
    vae: Any
    conditioner: TextSide
    scheduler_config: dict[str, Any]
    latents: LatentSpec
    colours: Colours
    begin: Begin
    family: ModelFamily | None = None
    parts: Any = field(default=None, repr=False)
    begin_mixed: Callable[..., DenoiseContext] | None = None
    more_networks: tuple[Any, ...] = field(default=(), repr=False)
    second: LoadedModel | None = field(default=None, repr=False)
    """Makes the last steps, where the request names one."""
    puts_back: bool = False
    """Whether the source is put back after each step although the network reads masks: it was trained for that."""
    memory: ModelMemory | None = field(default=None, repr=False)
    """Where the weights are, and what happens when memory runs out; None for models put together by hand."""

    @property
    def networks(self) -> list[Any]:
        """All that have weights of this model, each once."""
        found = [self.unet, self.vae, *self.conditioner.encoders, *self.more_networks]
        return list({id(one): one for one in found}.values())

    @property
    def pixels_per_latent(self) -> int:
        """Side of a latent pixel in picture pixels: 8 for most, 4 for the x4 upscaler."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def inpainting(self) -> bool:
        """Whether the network reads a mask and the latents of the picture behind it beside the noisy latents."""
        return bool(self.unet.config.in_channels == 2 * self.unet.config.out_channels + 1)


Begin = Callable[
    [GenerationRequest, LoadedModel, torch.Generator, ImageBuffer | None, ImageBuffer | None], DenoiseContext
]
"""Of a request, with its picture and its mask where it has them. Raises InvalidRequest for what the family cannot."""


def to_device(network: Any, device: Device) -> Any:
    network = network.to(device.torch_device).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last) if device.is_cuda else network
