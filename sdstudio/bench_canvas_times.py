"""What `sdstudio bench canvas` measures with: the clock on the wall, a thread's own work, and a row for each figure."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

FRAME_S = 1 / 60


class Times:
    """Milliseconds on the clock, and of this thread's work alone (what a busy machine makes longer, too, but less)."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    @contextmanager
    def taking(self, kept: bool = True) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        if kept:
            self.cpu.append((time.thread_time() - cpu) * 1000)
            self.wall.append((time.perf_counter() - wall) * 1000)


Values = Sequence[float] | Times


def row(what: str, values: Values, unit: str = "ms", aim: str = "", other: Values | None = None) -> None:
    """Prints one figure: p50, p99 and the largest of many, the median for few. `other`: what another program's work of
    about this size came to at the same time."""
    wall = on_the_clock(values)
    if not wall:
        raise RuntimeError(f"nothing was measured for {what}")
    figures = {"n": len(wall), "p50": at(wall, 0.5), "p99": at(wall, 0.99), "max": at(wall, 1.0)}
    if isinstance(values, Times):
        figures["cpu_p99"] = at(values.cpu, 0.99)
    if other is not None:
        figures["other_p99"] = at(on_the_clock(other), 0.99)
    print(json.dumps({"what": what, "unit": unit, **figures, "aim": aim}), flush=True)


def on_the_clock(values: Values) -> Sequence[float]:
    return values.wall if isinstance(values, Times) else values


def taken_away() -> float | None:
    """Milliseconds so far that the host of a virtual machine gave its processors to others (Linux's "steal", to 10 ms);
    None where that is not known. Nothing can be drawn in them, and a thread's own work seems to last longer."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            return float(file.readline().split()[8]) * 1000 / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def at(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)
