"""How much of the picture the mask covers, counted tile by tile and only where something changed."""

from __future__ import annotations

import numpy as np

from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import TILE, Tile, TileKey
from sdstudio.domain.geometry import Size


class Coverage:
    """Remembers the count of each tile by its serial."""

    def __init__(self) -> None:
        self._counts: dict[TileKey, tuple[int, int]] = {}

    def of(self, mask: TileGrid) -> float:
        """The part of the pixels whose mask value is above 0, from 0 to 1."""
        counts: dict[TileKey, tuple[int, int]] = {}
        for key, tile in mask.freeze().items():
            known = self._counts.get(key)
            if known is None or known[0] != tile.serial:
                known = (tile.serial, _count(key, tile, mask.size))
            counts[key] = known
        self._counts = counts
        return sum(count for _, count in counts.values()) / mask.size.pixels


def _count(key: TileKey, tile: Tile, size: Size) -> int:
    width, height = min(TILE, size.width - key[0] * TILE), min(TILE, size.height - key[1] * TILE)
    if not any(tile.pixels.strides):
        return width * height if tile.pixels[0, 0] else 0
    return int(np.count_nonzero(tile.pixels[:height, :width]))
