"""Whether a canvas is blank: one colour all over, and nothing painted on it or accepted into it."""

from __future__ import annotations

from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.tiles import TileGrid, tile_rect, uniform_value
from sdstudio.domain.canvas_state import TILE, LayerKind, TileKey, Tiles

_SHAPES = 4
"""Whole tiles of one value are one object; those at the right and lower edge and in the corner are others."""


def is_blank(layers: LayerStack) -> bool:
    """The mask does not count. Cheap enough for every event of a stroke: of a picture few tiles are looked at, of a
    blank canvas the pixels of four."""
    for info in layers.layers:
        if info.kind is LayerKind.PATCH or (info.kind is LayerKind.PAINT and layers.grid(info.id).keys()):
            return False
    return _one_colour(layers.picture)


def _one_colour(grid: TileGrid) -> bool:
    tiles = grid.freeze()
    if not tiles:
        return True
    size = grid.size
    if len(tiles) < -(-size.width // TILE) * -(-size.height // TILE):
        return False
    kinds = _kinds(tiles)
    values = set()
    for key in kinds:
        whole = tile_rect(key, size)
        values.add(uniform_value(tiles[key].pixels, whole.width, whole.height))
    return bool(kinds) and len(values) == 1 and None not in values


def _kinds(tiles: Tiles) -> list[TileKey]:
    """Where each tile that is another object lies first; none where there are more than one colour can have."""
    seen: dict[int, TileKey] = {}
    for key, tile in tiles.items():
        if tile.serial not in seen:
            if len(seen) == _SHAPES:
                return []
            seen[tile.serial] = key
    return list(seen.values())
