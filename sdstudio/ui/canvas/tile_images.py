"""The pyramid's tiles as Qt paints them, kept under a byte limit; what is not ready yet comes from a coarser level."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.view_map import Indices

Words = npt.NDArray[np.uint32]
"""Pixels as Qt's ARGB32_Premultiplied: 0xAARRGGBB."""
AnyPixel = TypeVar("AnyPixel", bound=np.generic)
LevelKey = tuple[int, TileKey]
Ready = Callable[[int, TileKey, float], bool]
BYTES = 128 << 20
TILE_BITS = TILE.bit_length() - 1
_COARSER_MOST = 6
_MASKS_MOST = 512
"""They are the pyramid's own arrays: this only keeps the last one at hand while a new one is computed."""
_OPAQUE = 0xFF000000
_GREEN_ALPHA, _LOWEST = np.uint32(0xFF00FF00), np.uint32(0xFF)


class TileSource(Protocol):
    """The part of canvas.pyramid.Pyramid that is needed here."""

    @property
    def levels(self) -> int: ...
    def picture_tile(self, level: int, key: TileKey) -> Pixels | None: ...
    def mask_tile(self, level: int, key: TileKey) -> Pixels | None: ...
    def ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool: ...
    def mask_ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool: ...
    def sketch(self, level: int, key: TileKey, part: Rect) -> Pixels | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class TileImage:
    """`owner` keeps the memory of `words`."""

    words: Words
    opaque: bool
    owner: QImage | None = None


class TileImages:
    """Least recently used tiles leave first. `wanted` collects what was asked for and was not ready; `sketches` are the
    parts that were shown nearly as they are, and stay so until `spoil_sketches`: who shows them has to paint them anew
    then."""

    def __init__(self, source: TileSource, limit: int = BYTES) -> None:
        self.wanted: dict[LevelKey, None] = {}
        self.sketches: dict[LevelKey, Rect] = {}
        self._source = source
        self._limit = limit
        self._kept: OrderedDict[LevelKey, TileImage | None] = OrderedDict()
        self._stale: dict[LevelKey, Rect] = {}
        self._masks: dict[LevelKey, Pixels | None] = {}
        self._bytes = 0
        self._until = math.inf
        self._work_left = math.inf
        self._sketching = False

    def begin_frame(self, seconds: float, work: float = math.inf, *, sketch: bool = False) -> None:
        """From now on tiles are fetched for about so long, and `work` of it spent on computing them; then what is at
        hand has to do (and is `wanted`). `sketch`: changes of what is at hand are sketched where that can be done."""
        self._until = time.perf_counter() + seconds
        self._work_left = min(seconds, work)
        self._sketching = sketch

    @property
    def nbytes(self) -> int:
        return self._bytes

    def get(self, level: int, key: TileKey) -> TileImage | None:
        """TILE x TILE pixels; None = transparent. Not ready: as it was before, or from a coarser level."""
        image, up = self.nearest(level, key)
        if image is None or not up:
            return image
        return TileImage(enlarged_part(image.words, key, up), image.opaque)

    def nearest(self, level: int, key: TileKey) -> tuple[TileImage | None, int]:
        """The same as it is: the tile, or one so many levels above that holds its place."""
        known = (level, key)
        if known in self._kept and (known not in self._stale or (self._sketching and self._sketch(known))):
            self._kept.move_to_end(known)
            return self._kept[known], 0
        if not self._late and self._ready(self._source.ready, level, key):
            return self._fetch(known), 0
        self.wanted[known] = None
        if known in self._kept:
            return self._kept[known], 0
        return self._coarser(level, key)

    def invalidate(self, rect: Rect) -> None:
        """Document pixels that changed. The old tiles stay at hand until the new ones are ready."""
        if rect.empty:
            return
        right, bottom = rect.right - 1, rect.bottom - 1
        for level in range(self._source.levels):
            bits = TILE_BITS + level
            columns = range(rect.x >> bits, (right >> bits) + 1)
            for row in range(rect.y >> bits, (bottom >> bits) + 1):
                for column in columns:
                    if (level, (column, row)) in self._kept:
                        x, y = column * TILE, row * TILE
                        part = Rect.between(
                            *(max((rect.x >> level) - x, 0), max((rect.y >> level) - y, 0)),
                            *(min((right >> level) + 1 - x, TILE), min((bottom >> level) + 1 - y, TILE)),
                        )
                        self._spoil((level, (column, row)), part)

    def _spoil(self, known: LevelKey, part: Rect) -> None:
        self._stale[known] = _united(self._stale.get(known), part)

    def spoil_sketches(self, keys: Iterable[LevelKey]) -> None:
        """These can be had as they are: the next time they are fetched."""
        for known in keys:
            part = self.sketches.pop(known, None)
            if part is not None:
                self._spoil(known, part)

    def _sketch(self, known: LevelKey) -> bool:
        """Whether what has changed could be shown nearly as it is."""
        image, part = self._kept[known], self._stale[known]
        pixels = None if image is None else self._source.sketch(*known, part)
        if image is None or pixels is None:
            return False
        self._kept[known] = renewed(image, pixels, part)
        self.sketches[known] = _united(self.sketches.get(known), part)
        del self._stale[known]
        return True

    def mask(self, level: int, key: TileKey) -> Pixels | None:
        """TILE x TILE values; None = not masked. Not ready: as it was before, or from a coarser level."""
        known = (level, key)
        if level == 0 or self._ready(self._source.mask_ready, level, key):  # level 0 is the document's own
            self._masks[known] = self._source.mask_tile(level, key)
            if len(self._masks) > _MASKS_MOST:
                del self._masks[next(iter(self._masks))]
        else:
            self.wanted[known] = None
            if known not in self._masks:
                return self._coarser_mask(level, key)
        return self._masks.get(known)

    def _coarser_mask(self, level: int, key: TileKey) -> Pixels | None:
        """The same place with fewer pixels, where that is at hand; else computed now: a mask is never out of sight."""
        for up in range(1, min(_COARSER_MOST, self._source.levels - 1 - level) + 1):
            above = (level + up, (key[0] >> up, key[1] >> up))
            if above in self._masks:
                pixels = self._masks[above]
                return None if pixels is None else enlarged_part(pixels, key, up)
        return self._source.mask_tile(level, key)

    def _fetch(self, known: LevelKey) -> TileImage | None:
        level, key = known
        pixels = self._source.picture_tile(level, key)
        old, stale = self._kept.get(known), self._stale.pop(known, None)
        if pixels is not None and old is not None and stale is not None:
            image: TileImage | None = renewed(old, pixels[stale.slices], stale)
        else:
            image = None if pixels is None else to_words(pixels)
        self._drop(known)
        self._kept[known] = image
        self._bytes += _cost(image)
        while self._bytes > self._limit and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        return image

    def _ready(self, ready_of: Ready, level: int, key: TileKey) -> bool:
        begin = time.perf_counter()
        ready = ready_of(level, key, self._work_left)
        self._work_left -= time.perf_counter() - begin
        return ready

    @property
    def _late(self) -> bool:
        return time.perf_counter() >= self._until

    def _drop(self, known: LevelKey) -> None:
        if known in self._kept:
            self._bytes -= _cost(self._kept.pop(known))
            self._stale.pop(known, None)

    def _coarser(self, level: int, key: TileKey) -> tuple[TileImage | None, int]:
        """The same place with fewer pixels, where that is at hand; else computed now: never nothing."""
        for up in range(1, min(_COARSER_MOST, self._source.levels - 1 - level) + 1):
            above = (level + up, (key[0] >> up, key[1] >> up))
            if above in self._kept:
                return self._kept[above], up
            if not self._late and self._ready(self._source.ready, *above):
                return self._fetch(above), up
        return self._fetch((level, key)), 0


def _cost(image: TileImage | None) -> int:
    return 0 if image is None else int(image.words.nbytes)


def to_words(pixels: Pixels) -> TileImage:
    """From premultiplied RGBA."""
    height, width = pixels.shape[:2]
    pixels = np.ascontiguousarray(pixels)
    shared = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888_Premultiplied)
    image = shared.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    words = np.frombuffer(image.bits(), np.uint32).reshape(height, width)
    return TileImage(words, all_opaque(words), image)


def _united(before: Rect | None, part: Rect) -> Rect:
    return part if before is None else before.united(part)


def renewed(image: TileImage, pixels: Pixels, part: Rect) -> TileImage:
    """The same memory, with a part of it made anew from its pixels: no more is converted than has changed."""
    source = np.ascontiguousarray(pixels).view("<u4")[..., 0]
    words = source & _GREEN_ALPHA
    words |= (source & _LOWEST) << 16
    words |= (source >> 16) & _LOWEST
    image.words[part.slices] = words
    opaque = all_opaque(words) and (image.opaque or all_opaque(image.words))
    return image if opaque == image.opaque else replace(image, opaque=opaque)


def all_opaque(words: Words) -> bool:
    return bool(words.size and int(words.min()) >= _OPAQUE)


def enlarged_part(pixels: npt.NDArray[AnyPixel], key: TileKey, up: int) -> npt.NDArray[AnyPixel]:
    """The part of a tile `up` levels above that covers tile `key`, at that tile's size."""
    side, factor = TILE >> up, 1 << up
    row, column = (key[1] & (factor - 1)) * side, (key[0] & (factor - 1)) * side
    return pixels[row : row + side, column : column + side].repeat(factor, 0).repeat(factor, 1)


def spans(indices: Indices) -> list[tuple[int, int, int]]:
    """Where a rising row of level pixels passes from tile to tile: (tile, first place, place behind the last)."""
    tiles = indices >> TILE_BITS
    cuts = [0, *(np.flatnonzero(np.diff(tiles)) + 1).tolist(), len(indices)]
    return [(int(tiles[start]), start, stop) for start, stop in pairwise(cuts) if stop > start]


def picked(tile: npt.NDArray[np.generic], rows: Indices, columns: Indices) -> npt.NDArray[np.generic]:
    """The tile's pixels at these places of the level; neighbours in one piece where they are."""
    rows, columns = rows & (TILE - 1), columns & (TILE - 1)
    part = tile[rows[0] : rows[-1] + 1] if _dense(rows) else tile[rows]
    return part[:, columns[0] : columns[-1] + 1] if _dense(columns) else np.take(part, columns, axis=1)


def gather(
    tile: Callable[[TileKey], npt.NDArray[np.generic] | None],
    rows: Indices,
    columns: Indices,
    out: npt.NDArray[np.generic],
) -> None:
    """Fills `out` (rows x columns) from tiles; where `tile` gives None it becomes 0."""
    column_spans = spans(columns)
    for row, top, bottom in spans(rows):
        for column, left, right in column_spans:
            pixels = tile((column, row))
            part = out[top:bottom, left:right]
            if pixels is None:
                part[...] = 0
            else:
                part[...] = picked(pixels, rows[top:bottom], columns[left:right])


def _dense(indices: Indices) -> bool:
    return bool(indices[-1] - indices[0] + 1 == len(indices))
