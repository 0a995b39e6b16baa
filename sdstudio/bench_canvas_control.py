"""The measure beside the canvas's figures: a fixed work that knows nothing of the canvas, at the same pace and time.

What such work can't keep on a machine just then, because the machine pauses, slows down or is taken away by its host,
no program can. So what is measured while the other work fails, or while the host of a virtual machine takes more than
`TAKEN` of its processors away, is measured again, up to `TRIES` times. The canvas's own figures never decide that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from sdstudio.bench_canvas_times import FRAME_S, Times, at, taken_away

TRIES = 8
TAKEN = 0.01
EVENTS_MS, AGE_FRAMES, REDRAW_MS = 8, 2, 16
"""The aims of the canvas, all of the 99th percentile: handling the events of one frame, the age of the drawn line, and
a redraw while the wheel turns or the hand moves the picture."""
Measured = TypeVar("Measured")

FRAME_WORK_S = 0.003
"""A frame's work while the hand draws; the canvas itself works 3 to 6 ms."""
REDRAW_WORK_S = 0.008
"""One redraw's work while the wheel turns."""
BYTES = 880_000
"""A quarter of the view's pixels: what one frame of a wide brush touches."""


class OtherWork:
    """Adds two arrays as often as takes so many seconds on the machine at its best."""

    def __init__(self, tries: int = TRIES) -> None:
        self._most = tries
        self._one = np.full(BYTES, 3, np.uint8)
        self._sum = np.zeros(BYTES, np.uint8)
        self._unit_s = min(self._timed() for _ in range(200))
        self.paced, self.redraws = Times(), Times()
        self.ages: list[float] = []
        self.tries = 0

    def _timed(self) -> float:
        begin = time.perf_counter()
        np.add(self._one, self._sum, out=self._sum)
        return time.perf_counter() - begin

    def _work(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds / self._unit_s))):
            np.add(self._one, self._sum, out=self._sum)

    def beside_stroke(self, seconds: float, measure: Callable[[], Measured], again: Callable[[], None]) -> Measured:
        """`measure()` between two halves of so many seconds of other work at a hand's pace; once more, after `again()`,
        where that work would have missed a stroke's aims."""
        return self._beside(lambda: self._frames(seconds / 2), measure, self._kept_pace, again)

    def beside_redraws(self, count: int, measure: Callable[[], Measured], again: Callable[[], None]) -> Measured:
        """The same with so many pieces of other work without a pause."""
        return self._beside(lambda: self._redraw(count // 2), measure, self._kept_up, again)

    def _beside(
        self,
        work: Callable[[], None],
        measure: Callable[[], Measured],
        kept: Callable[[], bool],
        again: Callable[[], None],
    ) -> Measured:
        for number in range(1, self._most + 1):
            if number > 1:
                again()
            self.paced, self.redraws, self.ages = Times(), Times(), []
            taken, begin = taken_away(), time.perf_counter()
            work()
            measured = measure()
            work()
            self.tries += 1
            if kept() and lost(taken, time.perf_counter() - begin) <= TAKEN:
                break
        return measured

    def _kept_pace(self) -> bool:
        return at(self.paced.wall, 0.99) <= EVENTS_MS and at(self.ages, 0.99) <= AGE_FRAMES

    def _kept_up(self) -> bool:
        return at(self.redraws.wall, 0.99) <= REDRAW_MS

    def _frames(self, seconds: float) -> None:
        """Sixty times a second, as a stroke is measured: the oldest event came right after the frame before began."""
        began = time.perf_counter()
        before = 0.0
        while before < seconds:
            begin = time.perf_counter() - began
            with self.paced.taking():
                self._work(FRAME_WORK_S)
            self.ages.append((time.perf_counter() - began - before) / FRAME_S)
            before = begin
            time.sleep(FRAME_S - (time.perf_counter() - began) % FRAME_S)

    def _redraw(self, count: int) -> None:
        for _ in range(count):
            with self.redraws.taking():
                self._work(REDRAW_WORK_S)


def lost(before: float | None, seconds: float) -> float:
    """The share of the processors' time that was taken away in the last seconds; 0 where that is not known."""
    after = taken_away()
    if before is None or after is None:
        return 0.0
    return (after - before) / 1000 / (seconds * (os.cpu_count() or 1))
