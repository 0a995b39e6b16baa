"""Memory for tiles that has been written to before, so that a stroke does not wait for the system to map it; and copies
of the tiles that it comes to next.

The first write to fresh memory costs 64 page faults for a tile of colour (0.19 ms against 0.01 ms for its copy), and a
large brush opens dozens of tiles in a frame after each snapshot.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

import numpy as np

from sdstudio.domain.canvas_state import TILE, Tile
from sdstudio.domain.image import Pixels

KEPT = {1: 256, 4: 128}
"""By channels: 16 MB for masks (a stroke's coverage takes two of each tile it comes to), 32 MB for colour."""

AHEAD = 64
"""Copies at most that wait for the hand: a large brush at full speed comes to a dozen tiles in a frame."""

LARGE_CANVAS = 1 << 22
"""Pixels from which on a stroke may touch more tiles than are at hand anyway."""


class SpareTiles:
    """Of one canvas. Any thread may refill while another takes: both ends of a deque are safe."""

    def __init__(self) -> None:
        self._ready: dict[int, deque[Pixels]] = {channels: deque() for channels in KEPT}
        self._copies: OrderedDict[int, Pixels] = OrderedDict()  # by the tile's serial, the oldest first

    def take(self, channels: int) -> Pixels:
        """TILE x TILE (x 4), writable, with anything in it."""
        try:
            return self._ready[channels].pop()
        except IndexError:
            return np.empty((TILE, TILE) if channels == 1 else (TILE, TILE, channels), np.uint8)

    def copied(self, tile: Tile) -> Pixels:
        """A tile's pixels, writable."""
        pixels = self._copies.pop(tile.serial, None)
        if pixels is None:
            pixels = self.take(_channels(tile.pixels))
            _copy(tile.pixels, pixels)
        return pixels

    def copy_ahead(self, tiles: Iterable[Tile], rest: Callable[[], None]) -> None:
        """For another thread, too: copies of what will probably be written next. The oldest that nobody came for are
        memory like any other. `rest` as for `refill`."""
        for tile in tiles:
            if tile.serial not in self._copies:
                rest()
                pixels = self.take(_channels(tile.pixels))
                pixels[...] = tile.pixels
                self._copies[tile.serial] = pixels
        while len(self._copies) > AHEAD:
            _serial, unused = self._copies.popitem(last=False)
            self._ready[_channels(unused)].append(unused)

    def missing(self, tiles: Iterable[Tile]) -> list[Tile]:
        """Those that no copy is there of."""
        return [tile for tile in tiles if tile.serial not in self._copies]

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


def _copy(source: Pixels, target: Pixels) -> None:
    """Without letting go of Python's lock, as numpy does for every copy: in the middle of a frame to get it back takes
    longer than the copy itself."""
    if source.flags.c_contiguous:
        target.reshape(-1).data[:] = source.reshape(-1).data
    else:
        target[...] = source


def _channels(pixels: Pixels) -> int:
    return 1 if pixels.ndim == 2 else pixels.shape[2]
