"""Tells how many steps are done, and how long one takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from sdstudio.domain.engine_api import Emit
from sdstudio.domain.events import Progress
from sdstudio.engine.denoise import DenoiseContext, Hook


class ProgressHook(Hook):
    """One Progress when the loop begins and one for each whole step, however many calls the step takes."""

    def __init__(self, job_id: str, index: int, emit: Emit, clock: Callable[[], float] = time.perf_counter) -> None:
        self._job_id, self._index, self._emit, self._clock = job_id, index, emit, clock
        self._begin = 0.0
        self._done = 0

    def before_loop(self, context: DenoiseContext) -> None:
        self._begin, self._done = self._clock(), 0
        self._send(context, 0.0)

    def after_step(self, context: DenoiseContext) -> None:
        if context.steps_done > self._done:
            self._done = context.steps_done
            self._send(context, (self._clock() - self._begin) / self._done)

    def _send(self, context: DenoiseContext, seconds_per_step: float) -> None:
        self._emit(
            Progress(
                job_id=self._job_id,
                index=self._index,
                step=self._done,
                steps=context.steps,
                seconds_per_step=seconds_per_step,
            )
        )
