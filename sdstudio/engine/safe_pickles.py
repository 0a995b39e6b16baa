"""Tensors out of .ckpt and .pt files, without ever running what a pickle asks for.

`torch.load(weights_only=True)` builds tensors and plain containers and refuses every other global. Files of old
training code mention a few harmless ones besides (`domain/pickle_globals.py`), which are let in as stand-ins.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdstudio.domain.errors import ModelError
from sdstudio.domain.pickle_globals import is_harmless

_log = logging.getLogger(__name__)


class _StandIn:
    """For a class of training code that is used as a name, or holds settings that nobody reads here."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass


def read_tensors(path: Path, device: str = "cpu") -> dict[str, torch.Tensor]:
    """By name; a "state_dict" within is what counts. With the device "meta" they have shapes and places, no values.
    Raises as `read_pickle` does, ValueError where no tensor is."""
    found = read_pickle(path, device)
    inner = found.get("state_dict", found) if isinstance(found, dict) else {}
    tensors = {str(name): value for name, value in inner.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ValueError("it holds no tensors")
    return tensors


def read_pickle(path: Path, device: str = "cpu") -> Any:
    """Tensors and plain containers. Raises ModelError for a file that wants more than that, OSError and ValueError for
    one that cannot be read."""
    wanted = _globals_of(path)
    refused = sorted(name for name in wanted if not is_harmless(name))
    if refused:
        raise ModelError(
            f"“{path.name}” is a pickle file that wants to do more than hold weights: {', '.join(refused[:3])}.",
            meaning="It could run a program when it is opened; nothing in it was run.",
            hint="Get the same model as a .safetensors file.",
        )
    try:
        with torch.serialization.safe_globals(_let_in(wanted)):
            return torch.load(path, map_location=device, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises classes of several libraries for files that are damaged
        raise ValueError(str(error)) from error


def _globals_of(path: Path) -> list[str]:
    """Names beyond those that torch itself lets in; none of them is looked up. Nothing for a file that is not read so
    (torch's old form): there the strict loader refuses by itself."""
    try:
        return list(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError, EOFError, KeyError, IndexError, AttributeError, TypeError) as error:
        _log.info("The names in %s could not be listed: %s", path.name, error)
        return []


def _let_in(wanted: list[str]) -> list[Any]:
    scalar = np.float64(0).__reduce__()[0]  # the function that numpy's own pickles name
    known: dict[str, Any] = {
        "numpy.core.multiarray.scalar": scalar,
        "numpy._core.multiarray.scalar": scalar,
        "numpy.dtype": np.dtype,
    }
    kinds = [type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32")]
    return [*((known.get(name, _StandIn), name) for name in wanted), *kinds]
