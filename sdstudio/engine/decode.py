"""From latents to pixels, with a second try where the first fails for lack of memory or of precision."""

from __future__ import annotations

import gc

import torch

from sdstudio.domain.errors import ModelError
from sdstudio.engine.devices import free_device_memory
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.memory.keeper import make_single
from sdstudio.engine.model import LoadedModel


def decode(model: LoadedModel, latents: torch.Tensor) -> torch.Tensor:
    """1 x C x h x w scaled latents to 1 x 3 x H x W in about [-1, 1].

    When memory runs out it is tried once more in tiles, where the decoder can. Half precision that overflows is
    tried again in single. Raises what torch raises when memory is still short, ModelError for values that are none.
    """
    raw = latents / model.latents.scale
    if model.latents.shift:
        raw = raw + model.latents.shift
    decoded = _decode_whole(model, raw)
    if decoded is None:
        # Outside the except block: the exception's traceback would keep the failed attempt's tensors alive.
        gc.collect()
        free_device_memory(model.device)
        decoded = _decode_tiled(model, raw)
    if not bool(torch.isfinite(decoded).all()) and model.vae.dtype != torch.float32:
        make_single(model.vae, model.memory)
        decoded = model.vae.decode(raw.float(), return_dict=False)[0]
    if not bool(torch.isfinite(decoded).all()):
        raise ModelError(
            "The model's decoder answered with values that are no colours.",
            meaning="The picture could not be made visible.",
            hint="The model may be damaged: try another one.",
        )
    return decoded


def _decode_whole(model: LoadedModel, raw: torch.Tensor) -> torch.Tensor | None:
    """None when memory ran out and tiles can be tried."""
    try:
        return _run(model, raw)
    except (RuntimeError, MemoryError) as error:
        if not (is_out_of_memory(error) and hasattr(model.vae, "enable_tiling")):
            raise
    return None


def _decode_tiled(model: LoadedModel, raw: torch.Tensor) -> torch.Tensor:
    model.vae.enable_tiling()
    try:
        return _run(model, raw)
    finally:
        model.vae.disable_tiling()


def _run(model: LoadedModel, raw: torch.Tensor) -> torch.Tensor:
    return model.vae.decode(raw.to(model.vae.dtype), return_dict=False)[0]
