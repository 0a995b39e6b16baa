"""The x4 upscaler: Real-ESRGAN's compact network (SRVGGNetCompact), as used for `realesr-animevideov3`.

X. Wang, L. Xie, C. Dong, Y. Shan: Real-ESRGAN, ICCVW 2021; the compact network is described with the project's
anime video models. All work is done at the small size: a chain of 3 x 3 convolutions with PReLU between them gives
48 numbers for each pixel, which are dealt out to 4 x 4 pixels of three colours and added to the picture enlarged by
repeating its pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from sdstudio.domain.errors import ModelError

SCALE = 4
CONTEXT = 18
"""How far a pixel can see: one pixel for each of the 18 convolutions. Tiles with this margin join exactly."""

_CHANNELS = 64
_INNER_CONVOLUTIONS = 16


class UpscaleNetwork(nn.Module):
    """RGB in [0, 1], N x 3 x H x W, to N x 3 x 4H x 4W; the result may go a little beyond [0, 1].

    Parameter names are those of the published weights (`body.0.weight`, …).
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _CHANNELS, 3, padding=1), nn.PReLU(_CHANNELS)]
        for _ in range(_INNER_CONVOLUTIONS):
            layers += [nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1), nn.PReLU(_CHANNELS)]
        layers.append(nn.Conv2d(_CHANNELS, 3 * SCALE * SCALE, 3, padding=1))
        self.body = nn.ModuleList(layers)

    def forward(self, rgb: torch.Tensor, check: Callable[[], None] | None = None) -> torch.Tensor:
        """`check` is called before every layer; what it raises stops the work there."""
        features = rgb
        for layer in self.body:
            if check is not None:
                check()
            features = layer(features)
        enlarged = functional.interpolate(rgb, scale_factor=SCALE, mode="nearest")
        return functional.pixel_shuffle(features, SCALE) + enlarged


def load_upscaler(weights: Path, device: torch.device) -> UpscaleNetwork:
    """The network with its weights, in float32, ready to run on `device`.

    Raises ModelError when the file is missing or is not this network's.
    """
    network = UpscaleNetwork()
    try:
        network.load_state_dict(load_file(weights))
    except FileNotFoundError as error:
        raise _damaged("The upscaler's file is missing.", weights) from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise _damaged("The upscaler's file cannot be read.", weights) from error
    network.requires_grad_(False).eval()
    return network.to(device=device, dtype=torch.float32, memory_format=torch.channels_last)


def _damaged(message: str, weights: Path) -> ModelError:
    return ModelError(
        message,
        meaning="Pictures can be made, but not enlarged.",
        hint=f"Install SD Studio again; {weights} belongs to it.",
    )
