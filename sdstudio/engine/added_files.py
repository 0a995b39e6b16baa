"""Small files that are added to a model (LoRAs, learnt words, VAEs): read whole, refused in words, kept in use."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.engine.safe_pickles import read_pickle

_log = logging.getLogger(__name__)

State = dict[str, torch.Tensor]
Stamp = tuple[tuple[str, int, int], ...]
"""Name, time in nanoseconds and size of the file, or of each file of a folder."""
SAFETENSORS = (".safetensors", ".sft")
_Read = TypeVar("_Read")


def refused(field: str, what: str, why: str, hint: str = "") -> InvalidRequest:
    """`what` names the file for people: “The LoRA “x””."""
    return InvalidRequest(field, f"{what} cannot be used: {why}.", hint=hint or "Choose another one, or leave it out.")


def read_added(path: Path, field: str, what: str) -> Any:
    """What the file holds: tensors by their names, or of a pickle whatever plain values and tensors there are.

    The file is read into memory at once: what happens to it later harms nobody. Raises InvalidRequest(field).
    """
    try:
        if path.suffix.lower() in SAFETENSORS:
            return load(path.read_bytes())
        return read_pickle(path)
    except FileNotFoundError as error:
        raise refused(field, what, f"it is not at {path} any more", "Put it back, or leave it out.") from error
    except ModelError as error:
        raise InvalidRequest(field, error.message, hint=error.hint) from error
    except (OSError, SafetensorError, EOFError, ValueError) as error:
        _log.info("%s cannot be read: %s", path, error)
        hint = "Copy the file again from where you got it, or leave it out."
        raise refused(field, what, "the file is incomplete or damaged", hint) from error


def check_finite(tensors: Iterable[tuple[str, torch.Tensor]], field: str, what: str) -> None:
    """Raises InvalidRequest(field) that names the first tensor with values that are no numbers."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and tensor.numel() and not bool(torch.isfinite(tensor.float()).all()):
            raise refused(field, what, f"some of its weights are no numbers ({name})", "Get another version of it.")


def stamp_of(path: Path) -> Stamp:
    """() for what has gone, which the reader tells of."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((file.name, (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
    except OSError:
        return ()


class Shelf(Generic[_Read]):
    """What was read last, by its path, for as long as its file stays as it is; the oldest goes beyond `room` files."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: OrderedDict[str, tuple[Stamp, _Read]] = OrderedDict()

    def holds(self, path: str) -> bool:
        return path in self._held and self._held[path][0] == stamp_of(Path(path))

    def get(self, path: str, read: Callable[[Path], _Read]) -> tuple[Stamp, _Read]:
        """Raises what `read` raises."""
        if not self.holds(path):
            self._held.pop(path, None)
            stamp = stamp_of(Path(path))
            self._held[path] = (stamp, read(Path(path)))
        self._held.move_to_end(path)
        while len(self._held) > self._room:
            self._held.popitem(last=False)
        return self._held[path]

    def clear(self) -> None:
        self._held.clear()
