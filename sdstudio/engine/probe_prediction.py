"""What a UNet predicts, by one call: for the checkpoints of Stable Diffusion 2 whose files do not tell.

At the last timestep the latents x are noise but for a share of sqrt(alpha_bar), 0.07 in Stable Diffusion's schedule. A
network that predicts the noise gives x back; one that predicts v = sqrt(alpha_bar) * noise - sqrt(1 - alpha_bar) * x0
gives minus what it takes for the picture x0, which has next to nothing to do with x.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.model_file import Prediction

_log = logging.getLogger(__name__)

LAST_TIMESTEP = 999
LATENT_SIDE = 32
"""256 pixels: a quarter of the work that a usual picture's step is."""
BETWEEN = 0.5
"""Correlation with the noise, of which 1 is epsilon and 0 is v."""


def correlation_with_noise(unet: Any, embeddings: torch.Tensor) -> float:
    """-1 … 1; not a number where the network overflows. `embeddings`: 1 x tokens x width, of the empty prompt."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, int(unet.config.in_channels), LATENT_SIDE, LATENT_SIDE)
    noise = torch.randn(shape, generator=generator).to(embeddings.device, unet.dtype)
    with torch.inference_mode():
        told = unet(noise, torch.tensor(LAST_TIMESTEP), encoder_hidden_states=embeddings, return_dict=False)[0]
    pair = [values - values.mean() for values in (noise.float().flatten(), told.float().flatten())]
    return float(torch.cosine_similarity(*pair, dim=0))


class PredictionProbe:
    """Asks each file once as long as it stays the same; `on_prediction(path, prediction)` hears of each answer."""

    def __init__(self, on_prediction: Callable[[str, Prediction], None] | None = None) -> None:
        self._on_prediction = on_prediction
        self._found: dict[tuple[str, int, int], Prediction] = {}

    def ask(self, path: str, unet: Any, embeddings: torch.Tensor) -> Prediction:
        """EPSILON or V; UNKNOWN where the network gives no numbers. Raises OSError when the file has gone."""
        stat = Path(path).stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._found:
            correlation = correlation_with_noise(unet, embeddings)
            self._found[key] = found = _prediction(correlation)
            _log.info("One call of “%s” told that it predicts %s (correlation %.3f)", path, found.value, correlation)
            if self._on_prediction is not None and found is not Prediction.UNKNOWN:
                self._on_prediction(path, found)
        return self._found[key]


def _prediction(correlation: float) -> Prediction:
    if correlation != correlation:  # not a number
        return Prediction.UNKNOWN
    return Prediction.EPSILON if correlation > BETWEEN else Prediction.V
