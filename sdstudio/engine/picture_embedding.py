"""What CLIP sees in pictures: their embeddings, a mixture of several, and noise on them (Ramesh et al. 2022).

Order of draws and arithmetic of the noise are StableUnCLIPImg2ImgPipeline's, bit for bit; so are the pixels that the
encoder is shown (CLIPImageProcessor: the shorter side brought to 224, the middle cut out).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.embeddings import get_timestep_embedding
from PIL import Image

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.devices import Device
from sdstudio.engine.tasks.image import fitted_rgb

_MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
_STD = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)
"""Of the pictures that CLIP was trained with, in RGB (Radford et al. 2021, published with its code)."""
_LONGEST = 16
"""A picture longer than so many times its width is cut before it is made larger: a line of pixels would fill the
memory, and only its middle is looked at."""
_REMEMBERED = 16
_CANCELLED_OUT = 1e-3
"""Share of the pictures' mean norm below which what is left of a mixture is rounding noise."""


def clip_values(image: ImageBuffer, side: int) -> torch.Tensor:
    """1 x 3 x side x side float32, as the encoder was trained: transparent parts as on white paper."""
    picture = _not_too_long(Image.fromarray(fitted_rgb(image, image.size)))
    width, height = picture.size
    if width <= height:
        width, height = side, int(side * height / width)
    else:
        width, height = int(side * width / height), side
    left, top = (width - side) // 2, (height - side) // 2
    shown = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))[top : top + side, left : left + side]
    values = (shown.astype(np.float64) * (1 / 255)).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(((values - _MEAN) / _STD).transpose(2, 0, 1))[None])


def _not_too_long(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    wide, high = min(width, _LONGEST * height), min(height, _LONGEST * width)
    if (wide, high) == (width, height):
        return picture
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


class PictureEncoder:
    """CLIP's picture encoder; remembers the pictures that it has looked at last."""

    def __init__(self, network: Any, device: Device) -> None:
        self.network = network
        self._device = device
        self._seen: OrderedDict[str, torch.Tensor] = OrderedDict()

    @property
    def width(self) -> int:
        return int(self.network.config.projection_dim)

    def embed(self, image: ImageBuffer) -> torch.Tensor:
        """1 x width, on the device in its precision."""
        key = image.sha256()
        if key not in self._seen:
            values = clip_values(image, int(self.network.config.image_size))
            values = values.to(device=self._device.torch_device, dtype=self._device.dtype)
            self._seen[key] = self.network(values).image_embeds
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return self._seen[key]


def mixed_embedding(embeddings: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """1 x width: the weighted sum's direction, with the pictures' own mean norm (each by the size of its weight).

    Two pictures are mixed along the arc between them, as Ramesh et al. 2022 do; a plain mean would be shorter than any
    embedding the network has seen, and pictures made of it flat. So weights count against each other alone. One
    picture is itself, to the last bit. Raises InvalidRequest("mix") for weights that cancel out.
    """
    used = [(embedding, weight) for embedding, weight in zip(embeddings, weights, strict=True) if weight]
    if len(used) == 1 and used[0][1] > 0:
        return used[0][0]
    total = sum(abs(weight) for _, weight in used)
    if not total:
        raise _nothing_left()
    direction = torch.stack([weight * embedding.float() for embedding, weight in used]).sum(dim=0)
    length = sum(abs(weight) * float(embedding.float().norm()) for embedding, weight in used) / total
    left = float(direction.norm())
    if left <= _CANCELLED_OUT * length * total:
        raise _nothing_left()
    return (direction * (length / left)).to(used[0][0].dtype)


def _nothing_left() -> InvalidRequest:
    return InvalidRequest(
        "mix",
        "The weights of the pictures to be mixed cancel each other out.",
        hint="Give at least one picture more weight than the others take away.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingNoise:
    """`mean` and `std`, 1 x width: the statistics of embeddings that noise is measured by. `measured`: they are the
    model's own, and not 0 and 1 for want of them."""

    mean: torch.Tensor
    std: torch.Tensor
    scheduler: Any
    measured: bool = True

    def add(self, embedding: torch.Tensor, level: int, generator: torch.Generator) -> torch.Tensor:
        """1 x 2 width: the embedding with its noise, and how much that was. Raises InvalidRequest("noise_level")."""
        self._check(level)
        noise = torch.randn(embedding.shape, generator=generator, dtype=embedding.dtype).to(embedding.device)
        levels = torch.tensor([level], device=embedding.device)
        noisy = self.scheduler.add_noise((embedding - self.mean) * 1.0 / self.std, noise, levels)
        told = get_timestep_embedding(levels, embedding.shape[-1], flip_sin_to_cos=True, downscale_freq_shift=0)
        return torch.cat((noisy * self.std + self.mean, told.to(embedding.dtype)), 1)

    def _check(self, level: int) -> None:
        highest = int(self.scheduler.config.num_train_timesteps) - 1
        if level > highest:
            raise InvalidRequest(
                "noise_level",
                f"The noise level {level} is not possible with this model.",
                hint=f"Choose a whole number from 0 to {highest}.",
            )
        if level and not self.measured:
            raise InvalidRequest(
                "noise_level",
                "This model file does not say how strong noise on what it sees in a picture has to be.",
                hint="Choose the noise level 0, put the file “ViT-L-14_stats.th” that belongs to the model beside it, "
                "or use the model as a folder in diffusers layout.",
            )
