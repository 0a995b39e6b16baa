"""Whether a canvas is blank: one colour all over, and nothing painted on it or accepted into it."""

from __future__ import annotations

from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.tiles import TileGrid, keys_of, tile_rect, uniform_value
from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.geometry import Rect

_SHAPES = 4
"""Whole tiles of one value are one object; those at the right and lower edge and in the corner are others."""


def is_blank(layers: LayerStack) -> bool:
    """The mask does not count. Costs a reference for each tile."""
    for info in layers.layers:
        if info.kind is LayerKind.PATCH or (info.kind is LayerKind.PAINT and layers.grid(info.id).keys()):
            return False
    return _one_colour(layers.picture)


def _one_colour(grid: TileGrid) -> bool:
    tiles = grid.freeze()
    if not tiles:
        return True
    shapes = {
        (tile.serial, tile_rect(key, grid.size).width, tile_rect(key, grid.size).height): tile.pixels
        for key, tile in tiles.items()
    }
    if len(shapes) > _SHAPES or len(tiles) < sum(1 for _ in keys_of(Rect.of(grid.size))):
        return False
    values = {uniform_value(pixels, width, height) for (_, width, height), pixels in shapes.items()}
    return len(values) == 1 and None not in values
