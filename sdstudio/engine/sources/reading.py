"""One model being read: how far it is, whether it is still wanted, where its weights go, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import Size
from sdstudio.engine.devices import Device, free_memory
from sdstudio.engine.memory.buffers import BufferPool
from sdstudio.engine.memory.plan import PartBytes, Place, Plan, Room, choose
from sdstudio.engine.sources.stored import Scratch, TensorFile

_log = logging.getLogger(__name__)
USUAL = Size(512, 512)
TELL_SECONDS = 0.1
"""At most ten times a second: more is not seen."""
OnBytes = Callable[[int, int], None]


class Reading:
    """`plan` says where the weights are to be: told, or chosen when the file's contents are known. `free` tells how
    many bytes the device has left; what `buffers` hold counts as free."""

    def __init__(
        self,
        device: Device,
        *,
        buffers: BufferPool | None = None,
        cancel: CancelToken | None = None,
        on_bytes: OnBytes | None = None,
        plan: Plan | None = None,
        free: Callable[[Device], int] = free_memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = device
        self.buffers = BufferPool() if buffers is None else buffers
        self.plan = plan or Plan()
        self._told_plan = plan is not None
        self._free = free
        self.scratch = Scratch(pinned=device.is_cuda)
        self._cancel = cancel
        self._on_bytes = on_bytes
        self._clock = clock
        self._files: list[TensorFile] = []
        self._done = self._total = 0
        self._expected = False
        self._told: float | None = None

    @property
    def keep_half(self) -> bool:
        """Whether layers keep 16 bits on a CPU, and are made single just before they are used."""
        return self.plan.place is Place.LAYERS and not self.device.is_cuda

    @property
    def home(self) -> torch.device:
        """Where weights are put: the device, or the CPU for those that come to the device only when needed."""
        return self.device.torch_device if self.plan.place is Place.WHOLE else torch.device("cpu")

    def choose(self, parts: PartBytes) -> None:
        """The plan, by what the parts take in the device's precision, for a picture of the usual size."""
        if self._told_plan:
            return
        free = self._free(self.device) + self.buffers.size_bytes
        room = Room(free, cuda=self.device.is_cuda, value_bytes=self.device.dtype.itemsize)
        self.plan = choose(parts, USUAL, room)
        if self.plan != Plan():
            _log.info("%d MB are free, the model's weights take %d: %s", free >> 20, parts.all >> 20, self.plan)

    def opened(self, file: TensorFile) -> None:
        """A file that is to be read: watched for changes until the end."""
        self._files.append(file)
        self._total += 0 if self._expected else file.size

    def expect(self, total: int) -> None:
        """How many bytes all files together will have, where that is known before they are opened."""
        self._total, self._expected = total, True

    def advance(self, count: int) -> None:
        """`count` bytes more are done. Raises CancelledByUser."""
        if self._cancel is not None and self._cancel.cancelled:
            raise CancelledByUser
        self._done += count
        if self._on_bytes is None:
            return
        now = self._clock()
        if self._told is None or now - self._told >= TELL_SECONDS:
            self._told = now
            self._on_bytes(min(self._done, self._total), self._total)

    def ready(self, network: Any) -> Any:
        """A network that has its weights, ready to be called."""
        for owner in network.modules():
            for name, buffer in owner._buffers.items():
                if buffer is not None:
                    dtype = self.device.dtype if buffer.is_floating_point() else buffer.dtype
                    owner._buffers[name] = buffer.to(self.home, dtype)
        return network.eval().requires_grad_(False)

    @contextmanager
    def in_single_precision(self, wanted: bool = True) -> Iterator[None]:
        """While it lasts, weights are made single: a VAE may overflow in half precision."""
        usual = self.device
        if wanted:
            self.device = replace(usual, dtype=torch.float32)
        try:
            yield
        finally:
            self.device = usual

    def settle(self, network: Any) -> Any:
        """A network that somebody else has read: to where it belongs."""
        self.advance(0)
        network = network.to(self.home).eval().requires_grad_(False)
        return network.to(memory_format=torch.channels_last) if self.device.is_cuda else network

    def check_unchanged(self) -> None:
        """Raises FileChanged when one of the files is not what it was when its reading began."""
        for file in self._files:
            file.check_unchanged()

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._files.clear()
        self.scratch = Scratch()

    def place(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Memory for a weight. For a card in one order wherever it waits: the order decides which of cuDNN's ways is
        taken, and so the picture's last bits."""
        return self.buffers.take(shape, dtype, self.home, channels_last=self.device.is_cuda and len(shape) == 4)
