"""Keeps the model that was used last; a model change frees the old one before the new one is read."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from sdstudio.domain.model_file import Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device, free_device_memory
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sibling import with_sibling

Stamp = tuple[tuple[int, int], ...]
"""Time in nanoseconds and size of the file, or of a folder's files with the UNet's weights."""


class ModelCache:
    """One resident model, and its inpainting sibling once somebody inpaints. `load` reads a model from disk, `sibling`
    turns it into the one for inpainting (the same, for most)."""

    def __init__(
        self,
        device: Device,
        load: Callable[[ModelSpec, Device], LoadedModel],
        sibling: Callable[[LoadedModel], LoadedModel] = with_sibling,
    ) -> None:
        self._device = device
        self._load = load
        self._make_sibling = sibling
        self._resident: LoadedModel | None = None
        self._sibling: LoadedModel | None = None
        self._stamp: Stamp = ()

    def holds(self, spec: ModelSpec) -> bool:
        """Whether `get` would answer at once. Of a large file the hash becomes known while it is in use already: that
        changes nothing, while another hash, or another time or size of its files, does."""
        resident = self._resident
        if resident is None or resident.spec.path != spec.path or self._stamp != _stamp(spec):
            return False
        return _agree(resident.spec.hash, spec.hash) and _agree(resident.spec.prediction, spec.prediction)

    def get(self, spec: ModelSpec) -> LoadedModel:
        """The model, read now unless it is the resident one. Raises what the loader raises."""
        if self._resident is None or not self.holds(spec):
            self.clear()
            stamp = _stamp(spec)
            self._resident = self._load(spec, self._device)
            self._stamp = stamp
        return self._resident

    def get_for_inpainting(self, spec: ModelSpec) -> LoadedModel:
        """The model as `get` gives it, with its sibling's network where it has one. Raises what both reads raise."""
        model = self.get(spec)
        if self._sibling is None:
            self._sibling = self._make_sibling(model)
        return self._sibling

    def clear(self) -> None:
        """Forgets the resident model and its sibling, and gives their memory back."""
        if self._resident is not None:
            self._resident = self._sibling = None
            gc.collect()
            free_device_memory(self._device)


def _stamp(spec: ModelSpec) -> Stamp:
    """() for a model that has gone, which the loader tells of."""
    path = Path(spec.path)
    try:
        files = sorted((path / "unet").glob("*.safetensors")) if path.is_dir() else [path]
        found = [file.stat() for file in files]
    except OSError:
        return ()
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)


def _agree(one: str, other: str) -> bool:
    """Whether both can be true; what is not known agrees with all."""
    unknown = ("", Prediction.UNKNOWN.value)
    return one == other or one in unknown or other in unknown
