"""One layer's pixels in tiles that are copied when written: freezing the state costs references, not pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from sdstudio.canvas.spare import SpareTiles
from sdstudio.domain.canvas_state import NO_TILES, TILE, Tile, TileKey, Tiles
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

Touch = Callable[[TileKey, Tile | None, Rect], None]
"""Told before a tile is written: its key, the tile as it was last frozen, and the document pixels to be written."""

Value = int | tuple[int, ...]
"""Of one pixel: a mask's 0 to 255, or (red, green, blue, alpha)."""


_REPEATED = {2: 0x0101010101010101, 3: 0x0000000100000001}
"""One pixel's bits -> those of 64, by the number of a tile's dimensions."""


def keys_of(rect: Rect) -> Iterator[TileKey]:
    """The tiles that cover a rectangle, row by row; negative ones too where the rectangle begins left of 0."""
    if rect.empty:
        return
    for row in range(rect.y // TILE, -(-rect.bottom // TILE)):
        for column in range(rect.x // TILE, -(-rect.right // TILE)):
            yield column, row


def tile_rect(key: TileKey, size: Size) -> Rect:
    """The document pixels of a tile; less than TILE x TILE at the right and lower edge."""
    return Rect(key[0] * TILE, key[1] * TILE, TILE, TILE).intersected(Rect.of(size))


def tiles_rect(keys: Iterable[TileKey], size: Size) -> Rect:
    """The smallest rectangle of whole tiles that holds them all, clipped to the canvas."""
    found = list(keys)
    if not found:
        return NO_PIXELS
    columns, rows = zip(*found, strict=True)
    left, top, right, bottom = min(columns), min(rows), max(columns) + 1, max(rows) + 1
    return Rect.between(left * TILE, top * TILE, right * TILE, bottom * TILE).intersected(Rect.of(size))


def empty_tile(channels: int) -> Pixels:
    """Writable zeros: TILE x TILE, or TILE x TILE x 4."""
    return np.zeros((TILE, TILE) if channels == 1 else (TILE, TILE, channels), np.uint8)


@lru_cache(maxsize=64)
def uniform_tile(value: tuple[int, ...], width: int = TILE, height: int = TILE) -> Tile | None:
    """The one tile of this value over its first width x height pixels and 0 beyond; None for all 0.

    A whole one takes the memory of one pixel.
    """
    if not any(value) or width <= 0 or height <= 0:
        return None
    pixel = np.array(value if len(value) > 1 else value[0], np.uint8)
    if width == height == TILE:
        return Tile(np.broadcast_to(pixel, (TILE, TILE, *pixel.shape)))
    pixels = empty_tile(len(value))
    pixels[:height, :width] = pixel
    return Tile(pixels)


def uniform_value(pixels: Pixels, width: int = TILE, height: int = TILE) -> tuple[int, ...] | None:
    """The value that all of a tile's first width x height pixels have; None where they differ."""
    words = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    first = words[0, 0]
    if first != words[height - 1, width - 1] or first != words[height // 2, width // 2]:
        return None
    if width == TILE and words.flags.c_contiguous:
        # Eight bytes at a time: a long stroke's end looks at hundreds of tiles.
        same = words[:height].reshape(-1).view(np.uint64) == np.uint64(int(first) * _REPEATED[pixels.ndim])
    else:
        same = words[:height, :width] == first
    return tuple(pixels[0, 0].reshape(-1).tolist()) if same.all() else None


def settled(pixels: Pixels, width: int = TILE, height: int = TILE) -> Tile | None:
    """As an immutable tile (the array is taken over, not copied); the shared one where all its pixels are equal."""
    value = uniform_value(pixels, width, height)
    return Tile(pixels) if value is None else uniform_tile(value, width, height)


class TileGrid:
    """Mutable; `on_touch` may forbid a change by raising. Without it every change is allowed.

    Arrays that `edit` and `current` hand out are good until the next call; never keep them across a freeze.
    """

    def __init__(
        self,
        size: Size,
        channels: int,
        tiles: Tiles = NO_TILES,
        on_touch: Touch | None = None,
        spare: SpareTiles | None = None,
    ) -> None:
        """`channels` 1 (mask) or 4 (straight alpha). Tiles are 0 beyond the canvas's edge. `spare`: what it shares with
        the canvas's other layers; None: nothing."""
        self.size = size
        self.channels = channels
        self.spare = spare or SpareTiles()
        self._bounds = Rect.of(size)
        self._tiles = dict(tiles)
        self._open: dict[TileKey, Pixels] = {}
        self._frozen: Tiles | None = tiles if isinstance(tiles, MappingProxyType) else None
        self._on_touch = on_touch

    def read(self, rect: Rect) -> Pixels:
        """A copy, height x width (x 4); 0 outside the canvas."""
        tail = () if self.channels == 1 else (self.channels,)
        result = np.zeros((max(rect.height, 0), max(rect.width, 0), *tail), np.uint8)
        inside = rect.intersected(self._bounds)
        for key in keys_of(inside):
            pixels = self.current(key)
            if pixels is not None:
                part = tile_rect(key, self.size).intersected(inside)
                source = part.moved(-key[0] * TILE, -key[1] * TILE)
                result[part.moved(-rect.x, -rect.y).slices] = pixels[source.slices]
        return result

    def write(self, rect: Rect, pixels: Pixels) -> Rect:
        """Height x width (x 4) at the rectangle's place, clipped to the canvas. Returns what was written."""
        for view, part in self.edit(rect):
            view[:] = pixels[part.moved(-rect.x, -rect.y).slices]
        return rect.intersected(self._bounds)

    def edit(self, rect: Rect) -> Iterator[tuple[Pixels, Rect]]:
        """Writable views of the rectangle, tile by tile, each with the document pixels that it holds."""
        inside = rect.intersected(self._bounds)
        for column, row in keys_of(inside):
            # In plain numbers: a large brush at 1000 events a second comes here ten thousand times a second.
            x, y = column * TILE, row * TILE
            left, top = max(inside.x - x, 0), max(inside.y - y, 0)
            right, bottom = min(inside.right - x, TILE), min(inside.bottom - y, TILE)
            part = Rect(x + left, y + top, right - left, bottom - top)
            yield self._opened((column, row), part)[top:bottom, left:right], part

    def fill(self, rect: Rect, value: Value) -> Rect:
        """One value everywhere; a tile that it covers whole costs a reference. Returns what was filled."""
        pixel = (value,) if isinstance(value, int) else tuple(value)
        inside = rect.intersected(self._bounds)
        for column, row in keys_of(inside):
            x, y = column * TILE, row * TILE
            width, height = min(TILE, self.size.width - x), min(TILE, self.size.height - y)
            if inside.x <= x and inside.y <= y and x + width <= inside.right and y + height <= inside.bottom:
                self._touch((column, row), Rect(x, y, width, height))
                self._put((column, row), uniform_tile(pixel, width, height))
            else:
                for view, _part in self.edit(inside.intersected(Rect(x, y, width, height))):
                    view[:] = pixel if self.channels > 1 else pixel[0]
        return inside

    def tile(self, key: TileKey) -> Tile | None:
        """The tile as it is now, for keeping; None = all 0."""
        self._settle(key)
        return self._tiles.get(key)

    def current(self, key: TileKey) -> Pixels | None:
        """The tile's pixels as they are now, for looking at once and not for writing; None = all 0."""
        pixels = self._open.get(key)
        if pixels is None:
            tile = self._tiles.get(key)
            return None if tile is None else tile.pixels
        return pixels

    def frozen(self, keys: Iterable[TileKey]) -> list[Tile]:
        """Those of these tiles that would have to be copied to be written to."""
        found = (self._tiles.get(key) for key in keys if key not in self._open)
        return [tile for tile in found if tile is not None]

    def keys(self) -> set[TileKey]:
        """Those that may hold anything but 0."""
        return self._tiles.keys() | self._open.keys()

    def replace(self, changes: Mapping[TileKey, Tile | None]) -> Rect:
        """Whole tiles, as part of a gesture: they have to be 0 beyond the canvas. Returns the pixels they cover."""
        for key in changes:
            x, y = key[0] * TILE, key[1] * TILE
            self._touch(key, Rect(x, y, min(TILE, self.size.width - x), min(TILE, self.size.height - y)))
        return self.restore(changes)

    def restore(self, changes: Mapping[TileKey, Tile | None]) -> Rect:
        """`replace` without telling `on_touch`: the document's undo and redo."""
        tiles, opened = self._tiles, self._open
        for key, tile in changes.items():
            opened.pop(key, None)
            if tile is None:
                tiles.pop(key, None)
            else:
                tiles[key] = tile
        self._frozen = None
        return tiles_rect(changes, self.size)

    def freeze(self) -> Tiles:
        """The state now; it never changes, later writes copy first. Costs the tiles written since the last time
        (and one reference for every tile, if there were any)."""
        for key in list(self._open):
            self._settle(key)
        if self._frozen is None:
            self._frozen = MappingProxyType(dict(self._tiles))
        return self._frozen

    def _touch(self, key: TileKey, rect: Rect) -> None:
        if self._on_touch is not None:
            self._on_touch(key, self._tiles.get(key), rect)

    def _opened(self, key: TileKey, rect: Rect) -> Pixels:
        self._touch(key, rect)
        pixels = self._open.get(key)
        if pixels is None:
            tile = self._tiles.get(key)
            if tile is None:
                pixels = self.spare.take(self.channels)
                pixels.fill(0)
            else:
                pixels = self.spare.copied(tile)
            self._open[key] = pixels
            self._frozen = None
        return pixels

    def _put(self, key: TileKey, tile: Tile | None) -> None:
        self._open.pop(key, None)
        self._frozen = None
        if tile is None:
            self._tiles.pop(key, None)
        else:
            self._tiles[key] = tile

    def _settle(self, key: TileKey) -> None:
        pixels = self._open.get(key)
        if pixels is not None:
            width, height = self.size.width - key[0] * TILE, self.size.height - key[1] * TILE
            self._put(key, settled(pixels, min(TILE, width), min(TILE, height)))
