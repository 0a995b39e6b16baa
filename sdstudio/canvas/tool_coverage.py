"""How strongly a gesture covers each pixel: sparse tiles of 0 to 255, built up by dabs or given by a shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.spare import SpareTiles
from sdstudio.canvas.tiles import keys_of
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

FULL: Pixels = np.broadcast_to(np.uint8(255), (TILE, TILE))
"""A tile that is covered all over; it may stand in a Coverage's tiles as it is."""

FULL_FLOW = 256


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """A shape's or a region's: TILE x TILE arrays, a missing one is all 0; nothing lies outside `rect`."""

    tiles: Mapping[TileKey, Pixels]
    rect: Rect

    def read(self, rect: Rect) -> Pixels:
        """A copy of a part of it, height x width."""
        result = np.zeros((rect.height, rect.width), np.uint8)
        for key in keys_of(rect):
            pixels = self.tiles.get(key)
            if pixels is not None:
                whole = Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)
                part = whole.intersected(rect)
                result[part.moved(-rect.x, -rect.y).slices] = pixels[part.moved(-whole.x, -whole.y).slices]
        return result


class _Part:
    """One tile of a stroke's coverage, with bounds of what changed in it."""

    __slots__ = ("bottom", "laid", "left", "pixels", "right", "top")

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.laid: Pixels | None = None
        self.forget()

    def forget(self) -> None:
        self.left, self.top, self.right, self.bottom = TILE, TILE, 0, 0

    def widen(self, left: int, top: int, right: int, bottom: int) -> None:
        if left < self.left:
            self.left = left
        if top < self.top:
            self.top = top
        if right > self.right:
            self.right = right
        if bottom > self.bottom:
            self.bottom = bottom


class StrokeCoverage:
    """What the dabs of one stroke have covered so far. The memory it takes goes with the tiles that were touched."""

    def __init__(self, size: Size, spare: SpareTiles) -> None:
        self._size = size
        self._spare = spare
        self._parts: dict[TileKey, _Part] = {}
        self._dirty: dict[TileKey, _Part] = {}
        self._kept: dict[TileKey, _Part] | None = None

    def stamp(self, left: int, top: int, pixels: Pixels, flow: int = FULL_FLOW) -> None:
        """Brings what the stamp covers towards its value, `flow` / 256 of the way, and never beyond: in whatever
        order and number dabs fall, none exceeds the strongest."""
        right, bottom = left + pixels.shape[1], top + pixels.shape[0]
        if left < 0 or top < 0 or right > self._size.width or bottom > self._size.height:
            x, y = max(-left, 0), max(-top, 0)
            right, bottom = min(right, self._size.width), min(bottom, self._size.height)
            pixels = pixels[y : max(bottom - top, 0), x : max(right - left, 0)]
            left, top = left + x, top + y
            if left >= right or top >= bottom:
                return
        if flow >= FULL_FLOW and left // TILE == (right - 1) // TILE and top // TILE == (bottom - 1) // TILE:
            x, y = left % TILE, top % TILE  # most small dabs; the loop below would do the same
            target = self._touched((left // TILE, top // TILE), x, y, x + right - left, y + bottom - top)
            target = target[y : y + bottom - top, x : x + right - left]
            np.maximum(target, pixels, out=target)
            return
        for row in range(top // TILE, (bottom - 1) // TILE + 1):
            y0, y1 = max(top - row * TILE, 0), min(bottom - row * TILE, TILE)
            for column in range(left // TILE, (right - 1) // TILE + 1):
                x0, x1 = max(left - column * TILE, 0), min(right - column * TILE, TILE)
                target = self._touched((column, row), x0, y0, x1, y1)[y0:y1, x0:x1]
                y, x = y0 + row * TILE - top, x0 + column * TILE - left
                source = pixels[y : y + y1 - y0, x : x + x1 - x0]
                if flow >= FULL_FLOW:
                    np.maximum(target, source, out=target)
                else:
                    _flow_towards(target, source, flow)

    def mark(self) -> None:
        """What comes from now on is provisional, until `unmark` takes it back."""
        self._kept = {}

    def unmark(self) -> None:
        for key, kept in (self._kept or {}).items():
            part = self._dirty[key] = self._parts[key]
            part.pixels = kept.pixels
            part.widen(kept.left, kept.top, kept.right, kept.bottom)
        self._kept = None

    def take_dirty(self) -> Iterator[tuple[TileKey, Rect, Pixels]]:
        """Everything that may differ since the last time: tile, document pixels, and how they are covered now (a
        view, to be read at once)."""
        dirty, self._dirty = self._dirty, {}
        for key, part in dirty.items():
            rect = Rect.between(part.left, part.top, part.right, part.bottom)
            part.forget()
            if not rect.empty:
                yield key, rect.moved(key[0] * TILE, key[1] * TILE), part.pixels[rect.slices]

    def changed(self, key: TileKey, rect: Rect) -> tuple[Rect, Pixels] | None:
        """The part of a dirty rectangle (of one tile) that really differs since `changed` was last asked there, to
        the nearest 8 columns, with how it is covered. Of a large brush that is next to nothing: most of what its dabs
        touch was covered before."""
        part = self._parts[key]
        if part.laid is None:
            part.laid = self._blank()
        left, top = key[0] * TILE, key[1] * TILE
        first, last = rect.y - top, rect.bottom - top
        words = (part.pixels[first:last] != part.laid[first:last]).view(np.uint64)
        columns = np.bitwise_or.reduce(words, axis=0).nonzero()[0]
        if not len(columns):
            return None
        x0, x1 = max(int(columns[0]) * 8, rect.x - left), min(int(columns[-1]) * 8 + 8, rect.right - left)
        rows = np.bitwise_or.reduce(words, axis=1).nonzero()[0]
        y0, y1 = first + int(rows[0]), first + int(rows[-1]) + 1
        cover = part.pixels[y0:y1, x0:x1]
        part.laid[y0:y1, x0:x1] = cover
        return Rect(left + x0, top + y0, x1 - x0, y1 - y0), cover

    @property
    def nbytes(self) -> int:
        return sum(part.pixels.nbytes * (1 if part.laid is None else 2) for part in self._parts.values())

    def _touched(self, key: TileKey, left: int, top: int, right: int, bottom: int) -> Pixels:
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = _Part(self._blank())
        self._dirty[key] = part
        part.widen(left, top, right, bottom)
        if self._kept is not None:
            if key not in self._kept:
                self._kept[key] = _Part(part.pixels.copy())
            self._kept[key].widen(left, top, right, bottom)
        return part.pixels

    def _blank(self) -> Pixels:
        pixels = self._spare.take(1)
        pixels.fill(0)
        return pixels


def _flow_towards(target: Pixels, source: Pixels, flow: int) -> None:
    """Rounded up, so that enough dabs arrive."""
    gap = np.maximum(target, source)
    gap -= target
    step = np.multiply(gap, flow, dtype=np.uint16)
    step += 255
    step >>= 8
    target += step.astype(np.uint8)
