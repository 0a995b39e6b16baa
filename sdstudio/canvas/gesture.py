"""The gesture under way: which tiles it touched, and what they were before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np

from sdstudio.domain.canvas_state import TILE, HistoryItem, Tile, TileChange, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect

Current = Callable[[str, TileKey], Tile | None]
"""The tile that a layer has now."""


def same_pixels(one: Tile | None, other: Tile | None, likely: Rect) -> bool:
    """`likely`: where in the tile they probably differ; its middle row is looked at first."""
    if one is other:
        return True
    middle = likely.y + likely.height // 2
    return _same(one, other, slice(middle, middle + 1)) and _same(one, other, slice(None))


def _same(one: Tile | None, other: Tile | None, rows: slice) -> bool:
    if one is None or other is None:
        return not any(tile.pixels[rows].any() for tile in (one, other) if tile is not None)
    return np.array_equal(one.pixels[rows], other.pixels[rows])


def _around(rects: Collection[Rect]) -> Rect:
    """The smallest rectangle that holds all of these, of which none is empty."""
    if not rects:
        return NO_PIXELS
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right, bottom = max(rect.x + rect.width for rect in rects), max(rect.y + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)


class Gesture:
    """Becomes one history item."""

    def __init__(self, serial: int, label: str) -> None:
        self.serial = serial
        self.label = label
        self._before: dict[tuple[str, TileKey], Tile | None] = {}
        self._rects: dict[tuple[str, TileKey], Rect] = {}

    @classmethod
    def resumed(cls, item: HistoryItem) -> Gesture:
        gesture = cls(item.serial, item.label)
        for change in item.tiles:
            gesture.touch(change.layer, change.key, change.before, item.rect)
        return gesture

    def touch(self, layer: str, key: TileKey, before: Tile | None, rect: Rect) -> None:
        """Before a tile is written; only the first time counts for what it was."""
        place = (layer, key)
        known = self._rects.get(place)
        if known is None:
            self._before[place] = before
            self._rects[place] = rect
        elif (
            rect.x < known.x or rect.y < known.y or rect.right > known.right or rect.bottom > known.bottom
        ):  # not Rect.contains: this is asked ten thousand times a second
            self._rects[place] = known.united(rect)

    def before(self) -> Iterator[tuple[str, TileKey, Tile | None]]:
        """Every touched tile as it was."""
        for (layer, key), tile in self._before.items():
            yield layer, key, tile

    @property
    def rect(self) -> Rect:
        """Around all that was touched."""
        return _around(self._rects.values())

    @property
    def layers(self) -> frozenset[str]:
        """Those that were touched."""
        return frozenset(layer for layer, _key in self._before)

    def item(self, current: Current) -> HistoryItem:
        """The tiles whose pixels differ now, and a rectangle that holds every changed pixel."""
        return self._item(current, compare=True)

    def pending_item(self, current: Current) -> HistoryItem:
        """The same at once: with tiles that were touched and may still have the same pixels."""
        return self._item(current, compare=False)

    def _item(self, current: Current, *, compare: bool) -> HistoryItem:
        changes: list[TileChange] = []
        rects: list[Rect] = []
        for (layer, key), before in self._before.items():
            after, rect = current(layer, key), self._rects[layer, key]
            likely = rect.moved(-key[0] * TILE, -key[1] * TILE)
            if before is not after and not (compare and same_pixels(before, after, likely)):
                changes.append(TileChange(layer, key, before, after))
                rects.append(rect)
        return HistoryItem(serial=self.serial, label=self.label, rect=_around(rects), tiles=tuple(changes))
