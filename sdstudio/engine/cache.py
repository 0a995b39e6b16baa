"""Keeps the models that were used last: the resident one, and the one before where memory allows.

Going back to that one costs nothing. A model that has to go leaves its memory to the next of the same kind, which is
copied into it: a quarter of the work of reading it into new memory, and never two models where there is room for one.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.model_file import Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device, free_device_memory
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.memory.buffers import BufferPool
from sdstudio.engine.memory.keeper import release_guards
from sdstudio.engine.memory.plan import CPU_RESERVE, CUDA_LADDER, Plan
from sdstudio.engine.memory.widening import waiting_bytes
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sibling import with_sibling
from sdstudio.engine.sources.reading import OnBytes, Reading

_log = logging.getLogger(__name__)
Stamp = tuple[tuple[int, int], ...]
"""Time in nanoseconds and size of the file, or of a folder's files with the UNet's weights."""
PICTURE_BYTES = 2 * 2**30
"""What a picture of 512 x 512 needs on a CPU beside the weights: stays free whatever is kept."""


class Load(Protocol):
    def __call__(self, spec: ModelSpec, device: Device, /, *, reading: Reading) -> LoadedModel: ...


@dataclass(slots=True)
class _Kept:
    """`path`: as it was asked for. `sibling` is read once somebody inpaints."""

    path: str
    model: LoadedModel
    stamp: Stamp
    sibling: LoadedModel | None = None

    @property
    def size_bytes(self) -> int:
        weights = (weight for network in self.model.networks for weight in network.parameters())
        untouched = sum(waiting_bytes(network) for network in self.model.networks)
        return sum(weight.numel() * weight.itemsize for weight in weights) - untouched


class ModelCache:
    """The resident model, its inpainting sibling once somebody inpaints, and perhaps the model before. `load` reads a
    model from disk, `sibling` turns it into the one for inpainting (the same, for most). `free` tells how many bytes
    the computer has left."""

    def __init__(
        self,
        device: Device,
        load: Load,
        sibling: Callable[[LoadedModel], LoadedModel] = with_sibling,
        free: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
    ) -> None:
        self._device = device
        self._load = load
        self._make_sibling = sibling
        self._free = free
        self._resident: _Kept | None = None
        self._before: _Kept | None = None
        self._buffers = BufferPool()

    def holds(self, spec: ModelSpec) -> bool:
        """Whether `get` would answer at once. Of a large file the hash becomes known while it is in use already: that
        changes nothing, while another hash, or another time or size of its files, does."""
        return _is(self._resident, spec) or _is(self._before, spec)

    def get(self, spec: ModelSpec, cancel: CancelToken | None = None, on_bytes: OnBytes | None = None) -> LoadedModel:
        """The model, read now unless it is there. `on_bytes(done, total)` hears how far the reading is. Raises what the
        loader raises, and CancelledByUser."""
        if not _is(self._resident, spec):
            if _is(self._before, spec):
                self._resident, self._before = self._before, self._resident
                _move(self._before, self._resident)
            else:
                self._read(spec, cancel, on_bytes)
        assert self._resident is not None
        return self._resident.model

    def get_for_inpainting(self, spec: ModelSpec) -> LoadedModel:
        """The model as `get` gives it, with its sibling's network where it has one. Raises what both reads raise."""
        model, kept = self.get(spec), self._resident
        assert kept is not None
        if kept.sibling is None:
            kept.sibling = self._make_sibling(model)
            if kept.sibling.unet is not model.unet and model.memory is not None:
                model.memory.add(kept.sibling.unet)
        return kept.sibling

    def clear(self) -> None:
        """Forgets all models and gives their memory back."""
        if self._resident is not None or self._before is not None:
            self._resident = self._before = None
            self._give_back()

    def free_the_rest(self) -> bool:
        """Forgets the model before the resident one, whose memory is wanted; False where there was none."""
        had = self._before is not None
        self._before = None
        self._give_back()
        return had

    def _read(self, spec: ModelSpec, cancel: CancelToken | None, on_bytes: OnBytes | None) -> None:
        self._make_room(spec)
        stamp, plan = _stamp(spec), None
        try:
            while self._resident is None:
                reading = Reading(self._device, buffers=self._buffers, cancel=cancel, on_bytes=on_bytes, plan=plan)
                model = self._try_to_load(spec, reading)
                if model is None:
                    plan = _next_plan(reading.plan)
                    _log.info("“%s” did not fit on the card while it was read: once more with %s", spec.name, plan)
                    self._give_back()
                else:
                    self._resident = _Kept(spec.path, model, stamp)
        finally:
            # What the new model had no use for.
            self._buffers.clear()
            free_device_memory(self._device)

    def _try_to_load(self, spec: ModelSpec, reading: Reading) -> LoadedModel | None:
        """None where a card had no memory left and a smaller plan can be tried."""
        try:
            with _no_collection():
                return self._load(spec, self._device, reading=reading)
        except (RuntimeError, MemoryError) as error:
            if not (self._device.is_cuda and is_out_of_memory(error) and _next_plan(reading.plan)):
                raise
        return None

    def _make_room(self, spec: ModelSpec) -> None:
        """The resident model steps back where there is memory for both; one that goes leaves its own to the next of its
        family."""
        leaving, self._before, resident = self._before, None, self._resident
        self._resident = None
        room = self._free() + (0 if leaving is None else leaving.size_bytes)
        if resident is not None and room >= _needed(spec, resident) + CPU_RESERVE:
            if resident.model.memory is not None:
                resident.model.memory.park()
            self._before = resident
        elif resident is not None:
            leaving = resident
        if (
            leaving is not None
            and spec.family
            and leaving.model.spec.family == spec.family
            and _is_whole(leaving.model)
        ):
            self._take_apart(leaving)
        had = leaving is not None
        leaving = resident = None
        if had and not self._buffers.size_bytes:
            self._give_back()

    def _take_apart(self, kept: _Kept) -> None:
        networks = kept.model.networks
        for network in networks:
            release_guards(network)
        if not self._device.is_cuda:
            self._buffers.take_apart(networks)

    def _give_back(self) -> None:
        self._buffers.clear()
        gc.collect()
        free_device_memory(self._device)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Building networks makes some ten thousand objects at once, all of which stay: looking for garbage among them, and
    among all of torch's, costs a quarter of a second each time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _next_plan(plan: Plan) -> Plan | None:
    """Of a card."""
    place = CUDA_LADDER.index(plan) + 1 if plan in CUDA_LADDER else len(CUDA_LADDER)
    return CUDA_LADDER[place] if place < len(CUDA_LADDER) else None


def _is(kept: _Kept | None, spec: ModelSpec) -> bool:
    if kept is None or kept.path != spec.path or kept.stamp != _stamp(spec):
        return False
    known = kept.model.spec
    return _agree(known.hash, spec.hash) and _agree(known.prediction, spec.prediction)


def _is_whole(model: LoadedModel) -> bool:
    """Layers that are kept in 16 bits would have to be made single before their memory could be used again."""
    return model.memory is None or model.memory.plan == Plan()


def _move(out: _Kept | None, back: _Kept | None) -> None:
    if out is not None and out.model.memory is not None:
        out.model.memory.park()
    if back is not None and back.model.memory is not None:
        back.model.memory.unpark()


def _needed(spec: ModelSpec, resident: _Kept) -> int:
    """Bytes that the model to be read will take, and a picture with it: as much as the resident one of the same family,
    twice its file where it is of another, for numbers of 16 bits become 32."""
    if spec.family and spec.family == resident.model.spec.family:
        return resident.size_bytes + PICTURE_BYTES
    return 2 * stored_bytes(spec) + PICTURE_BYTES


def stored_bytes(spec: ModelSpec) -> int:
    """Of the file, or of a folder's files with the network's weights."""
    return sum(size for _, size in _stamp(spec))


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
