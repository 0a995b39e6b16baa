"""Keeps the model of the second stage beside the resident one, for as long as jobs want it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.cache import Load, ModelCache, stored_bytes
from sdstudio.engine.devices import Device
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.second_stage import check_second

Tell = Callable[[str, int, int], None]
"""Hears what is being read, and how many bytes of how many are."""


class SecondModel:
    """Both models are in memory at once: nothing is read between two pictures, and it costs the second's whole size
    (SDXL's refiner: 6 GB in half precision, 12 GB in single) until a job comes that does not name it. On a graphics
    card that is too small for both, they take turns."""

    def __init__(self, device: Device, load: Load) -> None:
        self._models = ModelCache(device, load)

    def keep_for(self, request: GenerationRequest) -> None:
        """Frees a model that the request does not name; called before the request's own model is read."""
        spec = _wanted(request)
        if spec is None or not self._models.holds(spec):
            self.clear()

    def join(self, request: GenerationRequest, model: LoadedModel, cancel: CancelToken, tell: Tell) -> LoadedModel:
        """The model with its second stage, read now unless it is there. Raises what the loader raises, CancelledByUser,
        and InvalidRequest("refiner") for two models that do not go together."""
        spec = _wanted(request)
        if spec is None:
            return model
        what = f"Reading the refiner “{spec.name}”"
        if not self._models.holds(spec):
            tell(what, 0, 0)
            if model.memory is not None:
                model.memory.make_room(stored_bytes(spec))
        second = self._models.get(spec, cancel, partial(tell, what))
        check_second(model, second)
        return replace(model, second=second, more_networks=(*model.more_networks, second.unet))

    def clear(self) -> None:
        self._models.clear()


def _wanted(request: GenerationRequest) -> ModelSpec | None:
    """None too where it would make no step, or is the model itself."""
    refiner = request.refiner
    if refiner is None or refiner.begin == 1.0 or refiner.model.path == request.model.path:
        return None
    return refiner.model
