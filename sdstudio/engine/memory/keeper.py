"""A loaded model's memory: where its weights are while it works, and what happens when there is not enough.

Each network's own calls are guarded where they begin (`forward`, or a VAE's `encode` and `decode`): its weights are
brought in, and when memory runs out inside, everything is freed, the plan steps down by one, and the same call is made
again with the same arguments. A network is a function of them, so a picture that went through this is the same to the
last bit, unless tiles had to be used.
"""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sdstudio.domain.geometry import Size
from sdstudio.engine.devices import Device, free_device_memory, free_memory
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.memory.layers import restore_layers
from sdstudio.engine.memory.placement import Placed
from sdstudio.engine.memory.plan import (
    CUDA_RESERVE,
    DECODE_BYTES,
    STEP_BYTES,
    TILE_SIDE,
    UPSCALER_STEP_BYTES,
    PartBytes,
    Place,
    Plan,
    Room,
    choose,
    needed,
    size_that_fits,
)

_log = logging.getLogger(__name__)
Tell = Callable[[str], None]
NEXT_PLAN = "There is too little memory: going on with less, which takes longer"
_UPSCALER_LEVELS = 3
"""Of a VAE whose latents are a quarter of the picture's sides: the x4 upscaler's. The others have 4."""


class ModelMemory:
    """`plan` is what the model was loaded for; `text` its text encoders, `other` whatever else it runs."""

    def __init__(
        self,
        device: Device,
        *,
        unet: Any,
        vae: Any,
        text: Iterable[Any] = (),
        other: Iterable[Any] = (),
        plan: Plan | None = None,
    ) -> None:
        self.plan = plan or Plan()
        self.tell: Tell = lambda _what: None
        """Hears in words when the plan changes in the middle of a job."""
        self._device = device
        self._groups = {"text": [*text], "unet": [unet], "vae": [vae], "other": [*other]}
        self._placed = {id(one): Placed(one, device) for one in self.networks}
        self._parked = False
        self._turns = _Turns()
        self._is_exact: bool | None = None
        for network in self.networks:
            self._guard(network)
        self._follow_plan()

    @property
    def networks(self) -> list[Any]:
        return [one for group in self._groups.values() for one in group]

    @property
    def part_bytes(self) -> PartBytes:
        """In the precision that they are computed in."""
        size = {name: sum(self._placed[id(one)].size_bytes for one in group) for name, group in self._groups.items()}
        vae = self._groups["vae"][0]
        # A VAE in single precision beside a network in half needs twice as much for its own work.
        wide = max(1, vae.dtype.itemsize // self._device.dtype.itemsize)
        levels = len(getattr(vae.config, "block_out_channels", ()))
        step = UPSCALER_STEP_BYTES if levels == _UPSCALER_LEVELS else STEP_BYTES
        return PartBytes(**size, step=step, decode=wide * DECODE_BYTES)

    def add(self, network: Any) -> None:
        """A network that the model has got since, such as its inpainting sibling's."""
        if id(network) not in self._placed:
            self._groups["other"].append(network)
            self._placed[id(network)] = Placed(network, self._device)
            self._guard(network)
            self._follow_plan()

    def drop(self, network: Any) -> None:
        """One that was added and is not used any more."""
        if self._placed.pop(id(network), None) is not None:
            self._groups["other"] = [one for one in self._groups["other"] if one is not network]
            release_guards(network)

    def room(self) -> Room:
        """As it is now; what the model's own weights take counts as free."""
        free = self._free()
        cuda = self._device.is_cuda
        return Room(free, cuda=cuda, value_bytes=self._device.dtype.itemsize, exact=cuda or self._exact())

    @property
    def bytes_on_device(self) -> int:
        return sum(placed.bytes_on_device for placed in self._placed.values())

    def _free(self) -> int:
        second = self._turns.second if self._turns.taken else None
        return free_memory(self._device) + self.bytes_on_device + (0 if second is None else second.bytes_on_device)

    def share(self, second: ModelMemory | None, size: Size) -> None:
        """With the model of a picture's second stage, until the next call; None: with none any more. On a graphics card
        that is too small for both of them, the one that does not work waits in the computer's memory."""
        self._turns = _Turns(None if second is None else weakref.ref(second))
        if second is not None:
            second._turns = _Turns(weakref.ref(self))
            free = self._free() + second.bytes_on_device
            room = Room(free, self._device.is_cuda, self._device.dtype.itemsize)
            both = needed(Plan(), self.part_bytes + second.part_bytes, size, room)
            if self._device.is_cuda and (both > free or {self.plan.place, second.plan.place} != {Place.WHOLE}):
                self._take_turns()
        if not self._turns.taken:
            self.unpark()

    def make_room(self, size_bytes: int) -> None:
        """For a second model of that size, which is to be read: waits elsewhere if the device has no room for both."""
        if self._device.is_cuda and free_memory(self._device) < size_bytes + CUDA_RESERVE:
            self.park()

    def _take_turns(self) -> bool:
        """From the next call on; False where they do so already, and where it would help nothing."""
        second = self._turns.second
        if second is None or self._turns.taken or not self._device.is_cuda:
            return False
        self._turns.taken = second._turns.taken = True
        return True

    def _exact(self) -> bool:
        """Found out when memory is short, and not before: it looks at every weight."""
        if self._is_exact is None:
            self._is_exact = all(placed.fits_in_half() for placed in self._placed.values())
        return self._is_exact

    def prepare(self, size: Size) -> None:
        """Before a picture: steps down where its size would not fit. A CPU's system does not refuse memory, it grinds
        to a halt; so this must come first."""
        free, parts = self._free(), self.part_bytes
        if needed(self.plan, parts, size, Room(free, self._device.is_cuda, self._device.dtype.itemsize)) <= free:
            return
        room = self.room()
        wanted, ladder = choose(parts, size, room), room.ladder
        if self.plan in ladder and ladder.index(wanted) > ladder.index(self.plan):
            _log.info("%d MB are free: %s", room.free // 2**20, wanted)
            self._set(wanted)

    def step_down(self) -> bool:
        """To the next smaller plan, of a second stage's model when this one has come to its last; False when nothing is
        left to be tried. Memory that nobody holds is given back first."""
        gc.collect()
        free_device_memory(self._device)
        if self._take_turns():
            _log.info("Memory ran out with two models at once: going on by turns")
            self.tell(NEXT_PLAN)
            return True
        second = self._turns.second
        return self._next_plan() or (second is not None and second._next_plan())

    def _next_plan(self) -> bool:
        ladder = self.room().ladder
        place = ladder.index(self.plan) + 1 if self.plan in ladder else len(ladder)
        if place == len(ladder):
            return False
        _log.info("Memory ran out with %s: going on with %s", self.plan, ladder[place])
        self.tell(NEXT_PLAN)
        self._set(ladder[place])
        return True

    def to_single(self, network: Any) -> None:
        """The network computes in single precision for good, whatever the plan is."""
        self._placed[id(network)].to_single()
        self._follow_plan()

    def size_that_fits(self, size: Size) -> Size | None:
        return size_that_fits(self.part_bytes, size, self.room())

    def park(self) -> None:
        """Another model works now: what is on a graphics card moves to the computer's memory."""
        if self._device.is_cuda and not self._parked:
            self._parked = True
            for placed in self._placed.values():
                placed.put_out()
            free_device_memory(self._device)

    def unpark(self) -> None:
        """Raises what torch raises when memory is short for the last plan, too."""
        if not self._parked:
            return
        self._parked = False
        try:
            self._follow_plan()
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failure = error.with_traceback(None)
        # Somebody else has taken the memory meanwhile.
        if not self.step_down():
            raise failure

    def _set(self, plan: Plan) -> None:
        self.plan = plan
        self._follow_plan()
        gc.collect()
        free_device_memory(self._device)

    def _follow_plan(self) -> None:
        for network in self.networks:
            placed = self._placed[id(network)]
            match self.plan.place:
                case Place.WHOLE:
                    placed.bring_in()
                case Place.PARTS:
                    placed.put_out()
                case Place.LAYERS:
                    placed.by_layers()
        for vae in self._groups["vae"]:
            if self.plan.tiled and hasattr(vae, "enable_tiling"):
                use_tiles(vae)

    def _bring_in(self, network: Any) -> None:
        """With one part at a time, the others go first; and with one model at a time, the other one."""
        second = self._turns.second if self._turns.taken else None
        if second is not None and second.plan.place is not Place.LAYERS:
            second.park()
        self.unpark()
        if self.plan.place is not Place.PARTS:
            return
        for other in self.networks:
            if other is not network:
                self._placed[id(other)].put_out()
        self._placed[id(network)].bring_in()

    def _guard(self, network: Any) -> None:
        names = ("encode", "decode") if hasattr(network, "decode") else ("forward",)
        for name in names:
            setattr(network, name, _Guarded(self, network, getattr(network, name)))

    def call(self, network: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Raises what the function raises; for lack of memory only with the last plan."""
        while True:
            try:
                self._bring_in(network)
                return function(*self._here(args), **self._here(kwargs))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                failure = error.with_traceback(None)
            # Outside the except block: the exception's traceback would keep the failed attempt's tensors alive.
            if not self.step_down():
                raise failure

    def _here(self, values: Any) -> Any:
        """Arguments on the device: a part that was elsewhere when they were made had them made there."""
        if not self._device.is_cuda:
            return values
        if isinstance(values, torch.Tensor):
            # Single numbers (timesteps) stay where they are.
            return values.to(self._device.torch_device) if values.ndim else values
        if isinstance(values, dict):
            return {name: self._here(value) for name, value in values.items()}
        if isinstance(values, tuple | list):
            return type(values)(self._here(value) for value in values)
        return values


@dataclass(slots=True)
class _Turns:
    """Another model that the device is shared with, and whether only one of the two is there at a time."""

    with_whom: weakref.ref[ModelMemory] | None = None
    taken: bool = False

    @property
    def second(self) -> ModelMemory | None:
        return None if self.with_whom is None else self.with_whom()


class _Guarded:
    """In a network's place of a method of its own."""

    def __init__(self, memory: ModelMemory, network: Any, function: Callable[..., Any]) -> None:
        self._memory, self._network, self._function = memory, network, function
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._memory.call(self._network, self._function, args, kwargs)


def use_tiles(vae: Any) -> None:
    """Tiles no larger than ours: diffusers' own are as large as the pictures that the VAE was trained with."""
    vae.enable_tiling()
    if int(getattr(vae, "tile_sample_min_size", 0)) > TILE_SIDE and hasattr(vae, "tile_latent_min_size"):
        factor = vae.tile_sample_min_size // vae.tile_latent_min_size
        vae.tile_sample_min_size, vae.tile_latent_min_size = TILE_SIDE, TILE_SIDE // factor


def make_single(network: Any, memory: ModelMemory | None) -> None:
    """A network that overflowed in half precision computes in single from now on; `memory` is its model's."""
    if memory is not None:
        memory.to_single(network)
    else:
        network.float()


def release_guards(network: nn.Module) -> None:
    """The network's own methods again, its weights as they are stored."""
    for name in ("encode", "decode", "forward"):
        network.__dict__.pop(name, None)
    restore_layers(network)
