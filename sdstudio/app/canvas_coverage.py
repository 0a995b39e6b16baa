"""How much of the picture the mask covers, counted tile by tile and only where something changed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import TILE, Tile

KEPT = 8192
"""Counts of tiles that are not on the canvas now: undo brings some back."""


class Coverage:
    """Remembers the count of each tile by its serial."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def learn(self, tiles: Iterable[Tile | None]) -> None:
        """Counts tiles of the mask in the thread that made them: a thousand take 10 ms."""
        for tile in tiles:
            if tile is not None and tile.serial not in self._counts:
                self._counts[tile.serial] = _count(tile)

    def of(self, mask: TileGrid) -> float:
        """The part of the pixels whose mask value is above 0, from 0 to 1."""
        tiles = mask.freeze().values()
        self.learn(tiles)
        counts = self._counts
        total = sum(counts[tile.serial] for tile in tiles)
        if len(counts) > len(tiles) + KEPT:
            self._counts = {tile.serial: counts[tile.serial] for tile in tiles}
        return total / mask.size.pixels


def _count(tile: Tile) -> int:
    """Tiles are 0 beyond the canvas's edge."""
    if not any(tile.pixels.strides):
        return TILE * TILE if tile.pixels[0, 0] else 0
    return int(np.count_nonzero(tile.pixels))
