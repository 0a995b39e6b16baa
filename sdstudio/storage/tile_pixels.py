"""Tiles of a canvas to whole arrays of pixels and back, for files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sdstudio.domain.canvas_state import TILE, Tile, TileKey, Tiles
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

TILE_SHAPES = {1: (TILE, TILE), 4: (TILE, TILE, 4)}


def tile_place(key: TileKey) -> Rect:
    return Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)


def pixels_of(tiles: Tiles, rect: Rect, channels: int) -> Pixels:
    """Height x width (x 4) of a part of a layer; 0 where there is no tile."""
    result = np.zeros((rect.height, rect.width) if channels == 1 else (rect.height, rect.width, channels), np.uint8)
    for key in _keys(rect):
        tile = tiles.get(key)
        if tile is not None:
            place = tile_place(key)
            part = place.intersected(rect)
            result[part.moved(-rect.x, -rect.y).slices] = tile.pixels[part.moved(-place.x, -place.y).slices]
    return result


def tiles_of(pixels: Pixels, x: int, y: int, size: Size) -> dict[TileKey, Tile]:
    """Height x width (x 4) put onto a canvas of `size` at (x, y), what lies outside cut off. No tiles of all 0."""
    source = Rect(x, y, pixels.shape[1], pixels.shape[0])
    inside = source.intersected(Rect.of(size))
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    tiles: dict[TileKey, Tile] = {}
    for key in _keys(inside):
        place = tile_place(key)
        part = place.intersected(inside)
        content = pixels[part.moved(-x, -y).slices]
        if not content.any():
            continue
        whole = np.zeros(TILE_SHAPES[channels], np.uint8)
        whole[part.moved(-place.x, -place.y).slices] = content
        tiles[key] = as_tile(whole)
    return tiles


def as_tile(pixels: Pixels) -> Tile:
    """Takes the array over; where all pixels are equal, one pixel's memory is kept."""
    value = uniform_value(pixels)
    return Tile(pixels) if value is None else uniform_tile(value, 1 if pixels.ndim == 2 else 4)


def uniform_tile(value: Pixels, channels: int) -> Tile:
    return Tile(np.broadcast_to(value.copy(), TILE_SHAPES[channels]))


def uniform_value(pixels: Pixels) -> Pixels | None:
    """The value of all pixels of a tile (0 or 1 dimensions), None where they differ."""
    value: Pixels = np.array(pixels[0, 0], np.uint8)
    if not any(pixels.strides[:2]):
        return value
    if not (pixels[-1, -1] == value).all():  # Differs in most tiles of a photo: no need to look at all.
        return None
    if pixels.ndim == 3 and pixels.flags.c_contiguous:
        words = pixels.reshape(TILE, -1).view(np.uint32)
        return value if bool((words == words[0, 0]).all()) else None
    return value if bool((pixels == value).all()) else None


def bounds_of(tiles: Tiles, size: Size) -> Rect:
    """The smallest rectangle of whole tiles, cut at the canvas's edge, outside which all is 0."""
    result = NO_PIXELS
    for key, tile in tiles.items():
        place = tile_place(key)
        if not result.contains(place) and tile.pixels.any():
            result = result.united(place)
    return result.intersected(Rect.of(size))


def _keys(rect: Rect) -> Iterator[TileKey]:
    if rect.empty:
        return
    for row in range(rect.y // TILE, -(-rect.bottom // TILE)):
        for column in range(rect.x // TILE, -(-rect.right // TILE)):
            yield column, row
