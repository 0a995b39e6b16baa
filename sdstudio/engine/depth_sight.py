"""How far away everything in a picture is, as the network of Stable Diffusion 2's depth model is told it.

The pixels that MiDaS is shown are DPTImageProcessor's, and what becomes of its answer is what
StableDiffusionDepth2ImgPipeline makes of it, bit for bit.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from sdstudio.domain.image import Pixels
from sdstudio.engine.devices import Device
from sdstudio.engine.faults import damaged, read_json
from sdstudio.engine.sources.source import ModelSource

_PROCESSOR = "feature_extractor"


@dataclass(frozen=True, slots=True)
class Shown:
    """What pictures are made into before the network sees them: a square of `side` pixels, their values less `mean`
    divided by `std`, one each for red, green and blue."""

    side: int
    filter: Image.Resampling
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def values(self, rgb: Pixels) -> torch.Tensor:
        """H x W x 3 uint8 to 1 x 3 x side x side float32. The shape is given up, as the published model has it."""
        square = np.asarray(Image.fromarray(rgb).resize((self.side, self.side), self.filter))
        unit = (square.astype(np.float64) * (1 / 255)).astype(np.float32)
        normal = (unit - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return torch.from_numpy(np.ascontiguousarray(normal.transpose(2, 0, 1))[None])


class DepthSight:
    """MiDaS on its device. It remembers the last picture: several are made of one, and its depth stays the same."""

    def __init__(self, network: Any, shown: Shown, device: Device) -> None:
        self.network = network
        self._shown = shown
        self._device = device
        self._seen: tuple[str, torch.Tensor] | None = None

    def depth(self, rgb: Pixels, cells: tuple[int, int]) -> torch.Tensor:
        """1 x 1 x h x w for `cells` = (h, w): 1 for what is nearest, -1 for what is farthest; 0 everywhere where
        nothing is nearer than anything else."""
        predicted = torch.nn.functional.interpolate(
            self._predicted(rgb).unsqueeze(1), size=cells, mode="bicubic", align_corners=False
        )
        low, high = (end(predicted, dim=[1, 2, 3], keepdim=True) for end in (torch.amin, torch.amax))
        if not bool(high > low):
            return torch.zeros_like(predicted)
        return 2.0 * (predicted - low) / (high - low) - 1.0

    def _predicted(self, rgb: Pixels) -> torch.Tensor:
        """1 x side x side, inverse distances of no unit."""
        key = hashlib.sha256(f"{rgb.shape}".encode() + rgb.tobytes()).hexdigest()
        if self._seen is None or self._seen[0] != key:
            self._seen = (key, self._estimate(self._shown.values(rgb)))
        return self._seen[1]

    def _estimate(self, values: torch.Tensor) -> torch.Tensor:
        values = values.to(device=self._device.torch_device, dtype=self._device.dtype)
        with self._mixed_precision():
            answer: torch.Tensor = self.network(values).predicted_depth
        return answer

    def _mixed_precision(self) -> AbstractContextManager[Any]:
        """Some of its norms are not made for half precision."""
        if self._device.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.torch_device.type, dtype=self._device.dtype)


def read_sight(source: ModelSource) -> DepthSight:
    """Raises what the source raises, and ModelError for a description that makes no sense."""
    network = source.depth_estimator()
    found = read_json(source.described / _PROCESSOR / "preprocessor_config.json", _PROCESSOR)
    try:
        shown = Shown(
            # The network takes pictures of this size alone.
            side=int(network.config.image_size),
            filter=Image.Resampling(found.get("resample", Image.Resampling.BICUBIC)),
            mean=_three(found.get("image_mean", 0.5)),
            std=_three(found.get("image_std", 0.5)),
        )
    except (TypeError, ValueError) as error:
        raise damaged(_PROCESSOR, "its description makes no sense") from error
    return DepthSight(network, shown, source.device)


def _three(value: Any) -> tuple[float, float, float]:
    """Raises TypeError or ValueError."""
    red, green, blue = value if isinstance(value, list) else [value] * 3
    return float(red), float(green), float(blue)
