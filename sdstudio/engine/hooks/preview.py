"""Shows the forming picture: the predicted result of each step in the latent space's own rough colours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from sdstudio.domain.engine_api import Emit
from sdstudio.domain.events import Preview
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.latents import Colours, predicted_original

PREVIEW_SECONDS = 0.1
"""At most ten a second: more is not seen, and costs the window time."""


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    """Pixels that a CUDA device is still copying into pinned memory; `arrived` says when they are whole."""

    step: int
    pixels: torch.Tensor
    arrived: Any


class PreviewHook(Hook):
    """Previews by time; the first and the last of a picture always. On CUDA the loop never waits for a copy:
    it is picked up at a later step when it has arrived, at the latest when the loop is over."""

    def __init__(
        self,
        job_id: str,
        index: int,
        size: Size,
        colours: Colours,
        emit: Emit,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._job_id, self._index, self._size, self._emit, self._clock = job_id, index, size, emit, clock
        self._colours = colours
        self._last_sent: float | None = None
        self._on_its_way: _OnItsWay | None = None

    def after_noise(self, context: DenoiseContext) -> None:
        self._collect(wait=False)
        now, last_call = self._clock(), context.call == context.calls - 1
        due = self._last_sent is None or now - self._last_sent >= PREVIEW_SECONDS
        if not ((due and self._colours.ready()) or last_call):
            return
        if self._on_its_way is not None:
            if not last_call:
                return
            self._collect(wait=True)
        self._last_sent = now
        original = predicted_original(context.scheduler, context.noise, context.timestep, context.latents)
        self._send(context.steps_done, self._colours.to_rgb(original))

    def after_loop(self, context: DenoiseContext) -> None:
        self._collect(wait=True)

    def _send(self, step: int, pixels: torch.Tensor) -> None:
        if not pixels.is_cuda:
            self._show(step, pixels)
            return
        pinned = torch.empty(pixels.shape, dtype=torch.uint8, pin_memory=True)
        pinned.copy_(pixels, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record(torch.cuda.current_stream(pixels.device))
        self._on_its_way = _OnItsWay(step, pinned, arrived)

    def _collect(self, wait: bool) -> None:
        waiting = self._on_its_way
        if waiting is None or not (wait or waiting.arrived.query()):
            return
        waiting.arrived.synchronize()
        self._on_its_way = None
        self._show(waiting.step, waiting.pixels)

    def _show(self, step: int, pixels: torch.Tensor) -> None:
        self._emit(
            Preview(
                job_id=self._job_id,
                index=self._index,
                step=step,
                image=ImageBuffer.from_rgb(pixels.numpy()),
                width=self._size.width,
                height=self._size.height,
            )
        )
