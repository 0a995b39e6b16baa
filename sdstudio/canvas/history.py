"""What can be undone and done again, under a budget of the memory that nothing else would need."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterable, Iterator

from sdstudio.domain.canvas_state import CanvasState, HistoryItem, Tile, Tiles

BUDGET = 512 * 1024 * 1024
"""Bytes; some two thousand tiles of paint, or eight thousand of mask."""


class _Serials:
    """Numbers of history items, never given twice while the program runs: a journal tells items apart by them."""

    def __init__(self) -> None:
        self._next = itertools.count(1)
        self._lock = threading.Lock()

    def take(self) -> int:
        with self._lock:
            return next(self._next)

    def skip(self, used: int) -> None:
        """So that an item read from a file keeps its number."""
        with self._lock:
            self._next = itertools.count(max(next(self._next), used + 1))


serials = _Serials()


def tile_difference(before: Tiles, after: Tiles) -> Iterator[tuple[Tile | None, Tile | None]]:
    """Each tile that is not the same object in both, as (before, after)."""
    if before is after:
        return
    for key, tile in before.items():
        other = after.get(key)
        if other is not tile:
            yield tile, other
    for key, tile in after.items():
        if key not in before:
            yield None, tile


def state_difference(before: CanvasState, after: CanvasState) -> Iterator[tuple[Tile | None, Tile | None]]:
    """`tile_difference` of all layers."""
    old = {layer.info.id: layer.tiles for layer in before.layers}
    new = {layer.info.id: layer.tiles for layer in after.layers}
    for name in old.keys() | new.keys():
        yield from tile_difference(old.get(name, {}), new.get(name, {}))


def item_tiles(item: HistoryItem) -> Iterator[Tile]:
    """The tiles that an item may be the last to hold. Those of a whole state that stayed the same are not among them:
    they are on the canvas still, or a neighbouring item holds them."""
    if item.before is not None and item.after is not None:
        pairs = state_difference(item.before, item.after)
    else:
        pairs = ((change.before, change.after) for change in item.tiles)
    for pair in pairs:
        yield from (tile for tile in pair if tile is not None)


class TileLedger:
    """Counts the bytes of tiles that items hold and the canvas does not show, each once however often it is held."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._held: Counter[int] = Counter()
        self._shown: Counter[int] = Counter()

    def show(self, tile: Tile | None, count: int = 1) -> None:
        """The canvas has the tile in one more place; `count` -1: in one less."""
        self._add(self._shown, tile, count)

    def hold(self, tile: Tile | None, count: int = 1) -> None:
        """The same for the history."""
        self._add(self._held, tile, count)

    def shown(self, tile: Tile) -> bool:
        return tile.serial in self._shown

    def _add(self, counts: Counter[int], tile: Tile | None, count: int) -> None:
        if tile is None:
            return
        serial = tile.serial
        was = serial in self._held and serial not in self._shown
        counts[serial] += count
        if not counts[serial]:
            del counts[serial]
        now = serial in self._held and serial not in self._shown
        self.nbytes += tile.nbytes * (now - was)


class History:
    """Read-only for all but the document.

    The budget is held whenever an item is added: the oldest fall out, but never the newest, however large: the last
    step can always be taken back. Undo moves tiles from the canvas into the history and so may lift `nbytes` above
    the budget; the memory of both together stays what it was, and nothing that could be done again is lost.
    """

    def __init__(
        self,
        undo: Iterable[HistoryItem] = (),
        redo: Iterable[HistoryItem] = (),
        saved_serial: int = 0,
        budget: int = BUDGET,
    ) -> None:
        self.budget = budget
        self.ledger = TileLedger()
        self.saved_serial = saved_serial
        self._undo = list(undo)
        self._redo = list(redo)
        for item in (*self._undo, *self._redo):
            self._hold(item, 1)
            serials.skip(item.serial)

    @property
    def undo_items(self) -> tuple[HistoryItem, ...]:
        """Oldest first."""
        return tuple(self._undo)

    @property
    def redo_items(self) -> tuple[HistoryItem, ...]:
        """Next first."""
        return tuple(self._redo)

    @property
    def undo_labels(self) -> tuple[str, ...]:
        return tuple(item.label for item in self._undo)

    @property
    def redo_labels(self) -> tuple[str, ...]:
        return tuple(item.label for item in self._redo)

    @property
    def position(self) -> int:
        """How many of the items are done."""
        return len(self._undo)

    @property
    def serial(self) -> int:
        """Of the newest item that is done; 0 where none is."""
        return self._undo[-1].serial if self._undo else 0

    @property
    def nbytes(self) -> int:
        """Of the tiles that only the history keeps alive."""
        return self.ledger.nbytes

    def push(self, item: HistoryItem) -> None:
        """What was done last; forgets what could be done again. The canvas has to show the item's tiles already."""
        if self.saved_serial in {undone.serial for undone in self._redo}:
            self.saved_serial = -1
        for undone in self._redo:
            self._hold(undone, -1)
        self._redo.clear()
        self._undo.append(item)
        self._hold(item, 1)
        while self.nbytes > self.budget and len(self._undo) > 1:
            self._drop_oldest()

    def step_back(self) -> HistoryItem | None:
        """The item to undo, moved to those that can be done again."""
        if not self._undo:
            return None
        self._redo.insert(0, self._undo.pop())
        return self._redo[0]

    def step_forward(self) -> HistoryItem | None:
        """The item to do again, moved to those that are done."""
        if not self._redo:
            return None
        self._undo.append(self._redo.pop(0))
        return self._undo[-1]

    def has(self, serial: int) -> bool:
        """Whether undo or redo leads to the state after this item; 0 is the state before the oldest."""
        return serial == 0 or any(item.serial == serial for item in (*self._undo, *self._redo))

    def _drop_oldest(self) -> None:
        """The state after it becomes the oldest, number 0, and the saved one's number with it."""
        item = self._undo.pop(0)
        self._hold(item, -1)
        if self.saved_serial == item.serial:
            self.saved_serial = 0
        elif self.saved_serial == 0:
            self.saved_serial = -1

    def _hold(self, item: HistoryItem, count: int) -> None:
        for tile in item_tiles(item):
            self.ledger.hold(tile, count)
