"""Memory for tiles that has been written to before, so that a stroke does not wait for the system to map it.

The first write to fresh memory costs 64 page faults for a tile of colour (0.19 ms against 0.01 ms for its copy), and a
large brush opens dozens of tiles in a frame after each snapshot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from sdstudio.domain.canvas_state import TILE
from sdstudio.domain.image import Pixels

KEPT = {1: 256, 4: 128}
"""By channels: 16 MB for masks (a stroke's coverage takes two of each tile it comes to), 32 MB for colour."""

LARGE_CANVAS = 1 << 22
"""Pixels from which on a stroke may touch more tiles than are at hand anyway."""


class SpareTiles:
    """Any thread may refill while another takes: both ends of a deque are safe."""

    def __init__(self) -> None:
        self._ready: dict[int, deque[Pixels]] = {channels: deque() for channels in KEPT}

    def take(self, channels: int) -> Pixels:
        """TILE x TILE (x 4), writable, with anything in it."""
        try:
            return self._ready[channels].pop()
        except IndexError:
            return np.empty((TILE, TILE) if channels == 1 else (TILE, TILE, channels), np.uint8)

    @property
    def low(self) -> bool:
        """Whether a refill is worth its while."""
        return any(len(self._ready[channels]) < count // 2 for channels, count in KEPT.items())

    def refill(self, rest: Callable[[], None]) -> None:
        """Takes some tens of milliseconds: for another thread. `rest` is called before each tile, and may wait a
        moment. Writing lets the other threads run."""
        for channels, count in KEPT.items():
            ready = self._ready[channels]
            while len(ready) < count:
                rest()
                pixels = np.empty((TILE, TILE) if channels == 1 else (TILE, TILE, channels), np.uint8)
                pixels.fill(0)
                ready.append(pixels)


spare_tiles = SpareTiles()
"""Of the process, like the memory itself."""
