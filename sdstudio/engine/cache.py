"""Keeps the model that was used last; a model change frees the old one before the new one is read."""

from __future__ import annotations

import gc
from collections.abc import Callable

from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device, free_device_memory
from sdstudio.engine.loader import LoadedModel
from sdstudio.engine.sibling import with_sibling


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

    def holds(self, spec: ModelSpec) -> bool:
        """Whether `get` would answer at once. A model whose weights have changed has another hash."""
        resident = self._resident
        return resident is not None and (resident.spec.path, resident.spec.hash) == (spec.path, spec.hash)

    def get(self, spec: ModelSpec) -> LoadedModel:
        """The model, read now unless it is the resident one. Raises what the loader raises."""
        if self._resident is None or not self.holds(spec):
            self.clear()
            self._resident = self._load(spec, self._device)
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
