"""Previews by TAESD, a tiny decoder, where one lies on the disk: near the finished picture, at a small share of a step.

Ollin Boer Bohan, github.com/madebyollin/taesd: one decoder for the latents of SD 1 and 2, one for SDXL's.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.engine.added_files import Shelf, State, check_finite, read_added
from sdstudio.engine.latents import SD1_SCALE, SDXL_SCALE, Colours
from sdstudio.engine.libraries import AutoencoderTiny
from sdstudio.engine.model import LoadedModel, to_device

_log = logging.getLogger(__name__)

SHARE = 0.1
"""Of the time, at most so much goes into previews on a CPU."""
_CHANNELS = 4
_FIELD = "preview"


class TinyColours:
    """Takes the place of LatentColours: pictures of full size. On a CPU, where a decoding takes a tenth of a step, not
    at every chance; the first preview of a job is the rough one, which is there at once."""

    def __init__(
        self, decoder: Any, rough: Colours, on_cpu: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._decoder, self._rough, self._on_cpu, self._clock = decoder, rough, on_cpu, clock
        self._first = self._works = True
        self._cost = 0.0
        self._ended = clock()

    def ready(self) -> bool:
        waited = self._clock() - self._ended
        return not (self._on_cpu and self._works) or waited >= self._cost * (1 / SHARE - 1)

    def to_rgb(self, latents: torch.Tensor) -> torch.Tensor:
        """1 x C x h x w scaled latents to H x W x 3 uint8 on the same device."""
        rough, self._first = self._on_cpu and self._first, False
        decoded = None if rough or not self._works else self._decoded(latents)
        return self._rough.to_rgb(latents) if decoded is None else decoded

    def _decoded(self, latents: torch.Tensor) -> torch.Tensor | None:
        """None when it failed: a preview is no reason to give a picture up."""
        begin = self._clock()
        try:
            with torch.inference_mode():
                decoded = self._decoder(latents.to(next(self._decoder.parameters()).dtype))
        except (RuntimeError, MemoryError) as error:
            _log.warning("The previews of this picture are the rough ones, the tiny decoder failed: %s", error)
            self._works = False
            return None
        decoded = torch.nan_to_num(decoded[0].float(), nan=0.0).clamp(-1, 1)
        pixels = ((decoded + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous()
        self._ended = self._clock()
        self._cost = self._ended - begin
        return pixels


class PreviewDecoders:
    """`files` tells which decoders there are, at each job."""

    def __init__(self, files: Callable[[], Sequence[AddedFile]]) -> None:
        self._files = files
        self._held: Shelf[Any] = Shelf(4)

    def decoder(self, model: LoadedModel) -> Any:
        """The first that is made for the model's latents and can be read, on its device; None where there is none."""
        space = _space(model)
        for file in self._files() if space else ():
            if _is_xl(file) == (space == SDXL_SCALE):
                _, decoder = self._held.get(file.path, partial(_try_to_read, file=file, model=model))
                if decoder is not None:
                    return decoder
        return None

    def clear(self) -> None:
        self._held.clear()


def colours_by(decoder: Any, model: LoadedModel) -> TinyColours:
    return TinyColours(decoder, model.colours, on_cpu=not model.device.is_cuda)


def _space(model: LoadedModel) -> float:
    """0 for latents that no published decoder is for."""
    if model.latents.channels != _CHANNELS or model.latents.shift:
        return 0.0
    return next((scale for scale in (SD1_SCALE, SDXL_SCALE) if abs(model.latents.scale - scale) < 1e-4), 0.0)


def _is_xl(file: AddedFile) -> bool:
    """By its name: the two have the same weights' names and shapes."""
    path = Path(file.path)
    own = path.parent.name if path.name.startswith("diffusion_pytorch_model") else path.name
    return "xl" in f"{own} {file.name}".lower()


def _try_to_read(path: Path, file: AddedFile, model: LoadedModel) -> Any:
    try:
        return to_device(read_decoder(path, file.name).to(model.device.dtype), model.device)
    except (InvalidRequest, ModelError, ValueError) as error:
        _log.warning("The previews are the rough ones, the tiny decoder cannot be used: %s", error)
        return None


def read_decoder(path: Path, name: str) -> Any:
    """From a file of either form, with or without its encoder, or from a folder in diffusers layout. Raises ValueError
    or InvalidRequest in words for another network."""
    if path.is_dir():
        path = path / "diffusion_pytorch_model.safetensors"
    what = f"The tiny decoder “{name}”"
    found = read_added(path, _FIELD, what)
    state = _decoder_names({key: value for key, value in found.items() if isinstance(value, torch.Tensor)})
    check_finite(state.items(), _FIELD, what)
    with torch.device("meta"):
        decoder = AutoencoderTiny().decoder
    shapes = {key: value.shape for key, value in decoder.state_dict().items()}
    if {key: value.shape for key, value in state.items()} != shapes:
        raise ValueError(f"“{name}” is not TAESD's decoder")
    decoder.load_state_dict(state, assign=True)
    return decoder


def _decoder_names(state: State) -> State:
    """The published file counts a first step without weights, which diffusers does not."""
    prefix = "decoder.layers."
    below = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if not below:
        plain = {key.removeprefix("decoder."): value for key, value in state.items() if not key.startswith("encoder.")}
        below = {
            f"{int(key.split('.')[0]) - 1}.{key.split('.', 1)[1]}": v
            for key, v in plain.items()
            if re.match(r"\d+\.", key)
        }
    return {f"layers.{key}": value for key, value in below.items()}
