"""Tensors out of .ckpt and .pt files, without ever running what a pickle asks for.

`torch.load(weights_only=True)` builds tensors and plain containers and refuses every other global. Files of old
training code carry a few harmless ones (a callback's state, numpy's scalars), which are let in as stand-ins.
"""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from sdstudio.domain.errors import ModelError


class _StandIn:
    """For PyTorch Lightning's callback class, which is used as a name only."""


_CALLBACKS = (
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
)


def _allowed() -> list[Any]:
    scalar = np.float64(0).__reduce__()[0]  # the function that numpy's own pickles name
    return [
        *((_StandIn, name) for name in _CALLBACKS),
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float64)),
        type(np.dtype(np.float32)),
        type(np.dtype(np.int64)),
    ]


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """By name; a "state_dict" within is what counts. Raises ModelError for a file that wants more than tensors, OSError
    and ValueError for one that cannot be read."""
    try:
        with torch.serialization.safe_globals(_allowed()):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ModelError(
            f"“{path.name}” is a pickle file that wants to do more than hold weights.",
            meaning="It could run a program when it is opened; nothing in it was run.",
            hint="Get the same model as a .safetensors file.",
        ) from error
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    inner = found.get("state_dict", found) if isinstance(found, dict) else {}
    tensors = {str(name): value for name, value in inner.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ValueError("it holds no tensors")
    return tensors
