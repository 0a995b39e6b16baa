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

from sdstudio.canvas.tiles import empty_tile, keys_of, uniform_tile, uniform_value
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

Value = tuple[int, ...]

WHOLE_TILE = Rect(0, 0, TILE, TILE)

SOLIDS_KEPT = 64
"""16 MB of paint at most."""


class LevelSource(Protocol):
    """Level 0, tile by tile."""

    channels: int

    def solid(self, key: TileKey) -> Value | None:
        """The value of all its pixels, where that is known for nothing (all 0 for a missing tile)."""

    def region(self, key: TileKey, part: Rect) -> Pixels | None:
        """Height x width (x 4) of a part of the tile in its own coordinates, perhaps a view; None = all 0."""


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
    """Levels 1 and up of one source. Tiles change in place: look at them at once, or copy.

    A change is noted where it happened, at level 0; what it makes out of date above is worked off from below when it
    is asked for, each tile handing on only what changed in it. Where a tile is known, so are all those below it.
    """

    def __init__(self, source: LevelSource, size: Size, solids: Solids) -> None:
        self.levels = level_count(size)
        self._source = source
        self._solids = solids
        self._sizes = [level_size(size, level) for level in range(self.levels)]
        self._tiles: list[dict[TileKey, Pixels | None]] = [{} for _ in self._sizes]
        self._changed: list[dict[TileKey, Rect]] = [{} for _ in self._sizes]  # and not yet handed on
        self._stale: list[set[TileKey]] = [set() for _ in self._sizes]  # something below has changed

    def keys(self, level: int) -> Iterator[TileKey]:
        return keys_of(Rect.of(self._sizes[level]))

    def invalidate(self, rect: Rect) -> None:
        """Document pixels that changed."""
        left, top = max(rect.x, 0), max(rect.y, 0)
        right, bottom = min(rect.right, self._sizes[0].width), min(rect.bottom, self._sizes[0].height)
        if left >= right or top >= bottom or self.levels == 1:
            return
        known = self._tiles[1]
        # In plain numbers: a stroke comes here hundreds of times a second, a change of the whole canvas with thousands
        # of tiles.
        for row in range(top // TILE, (bottom - 1) // TILE + 1):
            y = row * TILE
            y0, y1 = max(top - y, 0), min(bottom - y, TILE)
            for column in range(left // TILE, (right - 1) // TILE + 1):
                if (column >> 1, row >> 1) in known:
                    x = column * TILE
                    x0, x1 = max(left - x, 0), min(right - x, TILE)
                    whole = x0 == y0 == 0 and x1 == y1 == TILE
                    self._note(0, (column, row), WHOLE_TILE if whole else Rect(x0, y0, x1 - x0, y1 - y0))

    def adopt(self, levels: list[dict[TileKey, Pixels | None]]) -> None:
        """Tiles computed elsewhere; they belong to these levels from now on."""
        self._tiles = levels
        self._changed = [{} for _ in self._sizes]
        self._stale = [set() for _ in self._sizes]

    def adopt_nothing(self) -> None:
        """Level 0 is all 0, and so is all above."""
        self.adopt([dict.fromkeys(self.keys(level)) if level else {} for level in range(self.levels)])

    def release(self) -> list[dict[TileKey, Pixels | None]]:
        """All tiles, for `adopt`."""
        return self._tiles

    def ready(self, level: int, key: TileKey) -> bool:
        """Whether nothing has to be computed."""
        return key in self._tiles[level] and key not in self._stale[level]

    def update(self, level: int, key: TileKey, until: TimeSlice | None = None) -> bool:
        """Computes what is missing of a tile (level 1 or above); false when time was over before all was done."""
        if self.ready(level, key):
            return True
        children = self._children(level, key)
        if level > 1 and not all(self.update(level - 1, child, until) for child in children):
            return False
        if until is not None and until.over:
            return False
        self._compute(level, key, children)
        if until is not None:
            until.worked()
        return True

    def tile(self, level: int, key: TileKey) -> Pixels | None:
        """TILE x TILE (x 4), up to date; None = all 0."""
        self.update(level, key)
        return self._tiles[level][key]

    def _note(self, level: int, key: TileKey, part: Rect) -> None:
        """A part of a tile is another now: all above is out of date."""
        changed = self._changed[level]
        before = changed.get(key)
        changed[key] = part if before is None or part is WHOLE_TILE else before.united(part)
        column, row = key
        for above in range(level + 1, self.levels):
            column, row = column >> 1, row >> 1
            stale = self._stale[above]
            if (column, row) in stale:
                return
            stale.add((column, row))

    def _children(self, level: int, key: TileKey) -> list[TileKey]:
        """The up to four tiles one level below."""
        size = self._sizes[level - 1]
        columns = range(key[0] * 2, min(key[0] * 2 + 2, -(-size.width // TILE)))
        rows = range(key[1] * 2, min(key[1] * 2 + 2, -(-size.height // TILE)))
        return [(column, row) for row in rows for column in columns]

    def _extent(self, level: int, key: TileKey) -> Rect:
        size = self._sizes[level]
        width, height = size.width - key[0] * TILE, size.height - key[1] * TILE
        return WHOLE_TILE if width >= TILE and height >= TILE else Rect(0, 0, min(TILE, width), min(TILE, height))

    def _solid(self, level: int, key: TileKey) -> Value | None:
        if level == 0:
            return self._source.solid(key)
        pixels = self._tiles[level].get(key)
        return (0,) * self._source.channels if pixels is None else self._solids.value(pixels)

    def _compute(self, level: int, key: TileKey, children: list[TileKey]) -> None:
        known, extent = key in self._tiles[level], self._extent(level, key)
        parts: list[tuple[TileKey, Rect]] = []
        whole = True
        for child in children:
            inside = self._extent(level - 1, child)
            part = self._changed[level - 1].pop(child, None)
            part = _in_pairs(part, inside) if known else inside
            whole = whole and part == inside
            if part is not None:
                parts.append((child, part))
        pixels, changed = self._computed(level, key, parts, extent if whole else None)
        self._tiles[level][key] = pixels
        self._stale[level].discard(key)
        column, row = key[0] >> 1, key[1] >> 1
        if level + 1 < self.levels and (column, row) in self._tiles[level + 1]:
            self._note(level, key, changed)

    def _computed(
        self, level: int, key: TileKey, parts: list[tuple[TileKey, Rect]], whole: Rect | None
    ) -> tuple[Pixels | None, Rect]:
        """The tile with these parts of its children made anew, and where it is another now."""
        if whole is not None:
            values = {self._solid(level - 1, child) for child, _part in parts}
            value = values.pop()
            if not values and value is not None:
                return self._solids.tile(value, whole.width, whole.height), whole
        pixels = self._writable(level, key)
        changed = NO_PIXELS
        for child, part in parts:
            x, y = (child[0] & 1) * TILE + part.x, (child[1] & 1) * TILE + part.y
            place = Rect(x // 2, y // 2, -(-part.width // 2), -(-part.height // 2))
            self._halve(level - 1, child, part, pixels[place.slices])
            changed = changed.united(place)
        return self._simplest(pixels, changed, whole), changed

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

    def _simplest(self, pixels: Pixels, changed: Rect, whole: Rect | None) -> Pixels | None:
        """A shared tile, or None, where all pixels are equal."""
        if whole is not None:
            value = uniform_value(pixels, whole.width, whole.height)
            return pixels if value is None else self._solids.tile(value, whole.width, whole.height)
        # One pixel first: mostly that is enough.
        lit = pixels[changed.y, changed.x].any() or pixels[changed.slices].any() or pixels.any()
        return pixels if lit else None


def _in_pairs(part: Rect | None, inside: Rect) -> Rect | None:
    """Grown to whole squares of 2 x 2, as far as the tile goes."""
    if part is None or part == inside:
        return part
    left, top = part.x & ~1, part.y & ~1
    right, bottom = min(part.right + 1 & ~1, inside.width), min(part.bottom + 1 & ~1, inside.height)
    return Rect(left, top, right - left, bottom - top)
