"""Mip levels in tiles, each half the size of the one before; only what changed is halved anew.

Level 0 is somebody else's (a `LevelSource`); here are the levels from 1 on. A pixel of level l is the mean of 2 x 2 of
level l - 1, fewer at the canvas's right and lower edge where its size is odd. Beyond the edge tiles are 0.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from PIL import Image

from sdstudio.canvas.tiles import empty_tile, keys_of, tile_rect, uniform_tile, uniform_value
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

Value = tuple[int, ...]

WHOLE_TILE = Rect(0, 0, TILE, TILE)

SOLIDS_KEPT = 64
"""16 MB of paint at most."""

VISIT_SECONDS = 5e-6
HALVE_SECONDS = 4e-9
"""For one tile that is looked at, and for one pixel that is halved: estimates, for deciding what can wait."""


class LevelSource(Protocol):
    """Level 0, tile by tile."""

    channels: int

    def solid(self, key: TileKey) -> Value | None:
        """The value of all its pixels, where that is known for nothing (all 0 for a missing tile)."""

    def region(self, key: TileKey, part: Rect) -> Pixels | None:
        """Height x width (x 4) of a part of the tile in its own coordinates, perhaps a view; None = all 0."""

    def seconds(self, key: TileKey, part: Rect) -> float:
        """About how long `region` will take."""


class TimeSlice:
    """Some work is always done, then as much as fits."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds
        self._worked = False

    def worked(self) -> None:
        self._worked = True

    @property
    def over(self) -> bool:
        return self._worked and time.perf_counter() >= self._end


class Solids:
    """Read-only tiles of one value, shared: known again by the object. The least recently used ones are forgotten and
    then are tiles like any other."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[tuple[Value, int, int], Pixels] = OrderedDict()
        self._values: dict[int, Value] = {}

    def tile(self, value: Value, width: int = TILE, height: int = TILE) -> Pixels | None:
        """Contiguous, 0 beyond its first width x height pixels; None for all 0."""
        known = self._tiles.get((value, width, height))
        if known is not None:
            self._tiles.move_to_end((value, width, height))
            return known
        tile = uniform_tile(value, width, height)
        if tile is None:
            return None
        pixels = np.array(tile.pixels, order="C")
        pixels.setflags(write=False)
        self._keep((value, width, height), pixels)
        return pixels

    def take(self, other: Solids) -> None:
        """Knows the other's tiles too."""
        for place, pixels in other._tiles.items():
            if place not in self._tiles:
                self._keep(place, pixels)

    def value(self, pixels: Pixels) -> Value | None:
        return self._values.get(id(pixels))

    def _keep(self, place: tuple[Value, int, int], pixels: Pixels) -> None:
        self._tiles[place] = pixels
        self._values[id(pixels)] = place[0]
        if len(self._tiles) > SOLIDS_KEPT:  # an id names an array only as long as it lives: it goes with it
            _place, oldest = self._tiles.popitem(last=False)
            del self._values[id(oldest)]


def halved(pixels: Pixels) -> Pixels:
    """Means of 2 x 2. H x W x 4 rounded to the nearest, half up; a mask's H x W rounded up, so that what is above 0
    stays above it."""
    if pixels.ndim == 3:
        height, width = pixels.shape[:2]
        image = Image.frombuffer("RGBX", (width, height), np.ascontiguousarray(pixels), "raw", "RGBX", 0, 1)
        return np.asarray(image.reduce(2))
    height, width = pixels.shape
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge")
    pairs = np.ascontiguousarray(pixels).view(np.uint16)
    sums = (pairs & 0xFF) + (pairs >> 8)
    return ((sums[0::2] + sums[1::2] + 3) >> 2).astype(np.uint8)


def part_of_tile(rect: Rect, key: TileKey) -> Rect:
    """A rectangle's part of a tile, in the tile's own coordinates. Plain numbers: it is asked for thousands of tiles
    at once after a change of the whole canvas."""
    x, y = key[0] * TILE, key[1] * TILE
    left, top = max(rect.x - x, 0), max(rect.y - y, 0)
    right, bottom = min(rect.right - x, TILE), min(rect.bottom - y, TILE)
    if left == top == 0 and right == bottom == TILE:
        return WHOLE_TILE
    return Rect.between(left, top, right, bottom)


def level_count(size: Size) -> int:
    """Levels until all of the canvas is in one tile; level 0 counted."""
    tiles = -(-max(size.width, size.height) // TILE)
    return (tiles - 1).bit_length() + 1


def level_size(size: Size, level: int) -> Size:
    """Rounded up."""
    return Size(-(-size.width // 2**level), -(-size.height // 2**level))


class MipLevels:
    """Levels 1 and up of one source. Tiles change in place: look at them at once, or copy."""

    def __init__(self, source: LevelSource, size: Size, solids: Solids) -> None:
        self.levels = level_count(size)
        self._source = source
        self._solids = solids
        self._sizes = [level_size(size, level) for level in range(self.levels)]
        self._tiles: list[dict[TileKey, Pixels | None]] = [{} for _ in self._sizes]
        self._dirty: list[dict[TileKey, Rect]] = [{} for _ in self._sizes]

    def keys(self, level: int) -> Iterator[TileKey]:
        return keys_of(Rect.of(self._sizes[level]))

    def invalidate(self, rect: Rect) -> None:
        """Document pixels that changed."""
        x0, y0 = max(rect.x, 0), max(rect.y, 0)
        x1, y1 = min(rect.right, self._sizes[0].width) - 1, min(rect.bottom, self._sizes[0].height) - 1
        if x0 > x1 or y0 > y1:
            return
        for level in range(1, self.levels):
            # In plain numbers, of the first and the last pixel: a stroke comes here hundreds of times a second.
            left, top, right, bottom = x0 >> level, y0 >> level, x1 >> level, y1 >> level
            known, dirty = self._tiles[level], self._dirty[level]
            for row in range(top // TILE, bottom // TILE + 1):
                for column in range(left // TILE, right // TILE + 1):
                    key = (column, row)
                    if key in known:
                        part = Rect.between(left, top, right + 1, bottom + 1)
                        share = part_of_tile(part, key)
                        before = dirty.get(key)
                        dirty[key] = share if before is None or share is WHOLE_TILE else before.united(share)

    def adopt(self, levels: list[dict[TileKey, Pixels | None]]) -> None:
        """Tiles computed elsewhere; they belong to these levels from now on."""
        self._tiles = levels
        self._dirty = [{} for _ in self._sizes]

    def release(self) -> list[dict[TileKey, Pixels | None]]:
        """All tiles, for `adopt`."""
        return self._tiles

    def ready(self, level: int, key: TileKey) -> bool:
        """Whether nothing has to be computed."""
        return self._stale(level, key) is None

    def seconds(self, level: int, key: TileKey, limit: float) -> float:
        """About how long computing will take; anything above `limit` where it is more than that."""
        stale = self._stale(level, key)
        if stale is None:
            return 0.0
        total = VISIT_SECONDS
        for child, part in self._children(level, key, stale):
            if self._solid(level - 1, child) is None:
                total += part.pixels * HALVE_SECONDS
                if level == 1:
                    total += self._source.seconds(child, part)
            if level > 1:
                total += self.seconds(level - 1, child, limit - total)
            if total > limit:
                break
        return total

    def update(self, level: int, key: TileKey, until: TimeSlice | None = None) -> bool:
        """Computes what is missing of a tile (level 1 or above); false when time was over before all was done."""
        stale = self._stale(level, key)
        if stale is None:
            return True
        if level > 1:
            for child, _part in self._children(level, key, stale):
                if not self.update(level - 1, child, until):
                    return False
        if until is not None and until.over:
            return False
        self._compute(level, key, stale)
        if until is not None:
            until.worked()
        return True

    def tile(self, level: int, key: TileKey) -> Pixels | None:
        """TILE x TILE (x 4), up to date; None = all 0."""
        self.update(level, key)
        return self._tiles[level][key]

    def _stale(self, level: int, key: TileKey) -> Rect | None:
        """What has to be computed, in the tile's own coordinates."""
        if key in self._tiles[level]:
            return self._dirty[level].get(key)
        return self._extent(level, key)

    def _extent(self, level: int, key: TileKey) -> Rect:
        whole = tile_rect(key, self._sizes[level])
        return Rect(0, 0, whole.width, whole.height)

    def _children(self, level: int, key: TileKey, part: Rect) -> Iterator[tuple[TileKey, Rect]]:
        """The tiles one level below that make up a part of a tile, each with its share in its own coordinates."""
        x, y = (key[0] * TILE + part.x) * 2, (key[1] * TILE + part.y) * 2
        source = Rect(x, y, part.width * 2, part.height * 2).intersected(Rect.of(self._sizes[level - 1]))
        for child in keys_of(source):
            yield child, part_of_tile(source, child)

    def _solid(self, level: int, key: TileKey) -> Value | None:
        if level == 0:
            return self._source.solid(key)
        pixels = self._tiles[level].get(key)
        return (0,) * self._source.channels if pixels is None else self._solids.value(pixels)

    def _compute(self, level: int, key: TileKey, stale: Rect) -> None:
        extent = self._extent(level, key)
        children = list(self._children(level, key, stale))
        if stale == extent:
            values = {self._solid(level - 1, child) for child, _part in children}
            value = values.pop()
            if not values and value is not None:
                self._put(level, key, self._solids.tile(value, extent.width, extent.height))
                return
        pixels = self._writable(level, key)
        for child, part in children:
            x, y = (child[0] % 2) * TILE + part.x, (child[1] % 2) * TILE + part.y
            target = pixels[Rect(x // 2, y // 2, -(-part.width // 2), -(-part.height // 2)).slices]
            self._halve(level - 1, child, part, target)
        self._put(level, key, self._simplest(pixels, stale, extent))

    def _halve(self, level: int, key: TileKey, part: Rect, target: Pixels) -> None:
        value = self._solid(level, key)
        if value is not None:
            target[:] = value if len(value) > 1 else value[0]
            return
        if level == 0:
            source = self._source.region(key, part)
        else:
            tile = self._tiles[level][key]
            source = None if tile is None else tile[part.slices]
        target[:] = 0 if source is None else halved(source)

    def _writable(self, level: int, key: TileKey) -> Pixels:
        pixels = self._tiles[level].get(key)
        if pixels is None:
            return empty_tile(self._source.channels)
        return pixels if pixels.flags.writeable else np.array(pixels)

    def _simplest(self, pixels: Pixels, changed: Rect, extent: Rect) -> Pixels | None:
        """A shared tile, or None, where all pixels are equal."""
        if changed == extent:
            value = uniform_value(pixels, extent.width, extent.height)
            return pixels if value is None else self._solids.tile(value, extent.width, extent.height)
        return pixels if pixels[changed.slices].any() or pixels.any() else None

    def _put(self, level: int, key: TileKey, pixels: Pixels | None) -> None:
        self._tiles[level][key] = pixels
        self._dirty[level].pop(key, None)
