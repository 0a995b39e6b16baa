"""Models that tests make again and again: made once in a process, copied from then on."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch

_made: dict[Hashable, tuple[Path, torch.Tensor]] = {}


@cache
def _store() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sdstudio-made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def made_once(key: Hashable, folder: Path, make: Callable[[Path], object]) -> None:
    """Leaves in `folder` what `make` writes into one. Copies, not links: tests change the files. torch's random numbers
    go on as after `make`, whether it was called or not."""
    if key not in _made:
        first = _store() / str(len(_made))
        make(first)
        _made[key] = first, torch.get_rng_state()
    made, state = _made[key]
    torch.set_rng_state(state)
    shutil.copytree(made, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
