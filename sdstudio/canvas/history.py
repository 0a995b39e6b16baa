"""What can be undone and done again, under a budget of the memory that nothing else would need."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sdstudio.domain.canvas_state import CanvasState, HistoryItem, LayerInfo, LayerKind, LayerState, Tile, Tiles
from sdstudio.domain.patches import PatchRecord

BUDGET = 512 * 1024 * 1024
"""Bytes; some two thousand tiles of paint, or eight thousand of mask. What results were made from counts too."""


RELEASED_AT_ONCE = 2048
"""Tiles of forgotten items that are counted down together: 2 ms."""


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


class Held(Protocol):
    """What takes memory: the same serial, the same bytes."""

    @property
    def serial(self) -> int: ...

    @property
    def nbytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Weight:
    serial: int
    nbytes: int


HeldPair = tuple[Held | None, Held | None]


def record_weights(record: PatchRecord | None) -> list[Held]:
    """The pictures of a record; several may share them. Below 0: serials that no tile has. An array's identity is good
    for as long as anything that is counted holds it."""
    if record is None:
        return []
    arrays = [record.made.pixels, *([] if record.mask is None else [record.mask])]
    return [_Weight(-id(array), array.nbytes) for array in arrays]


def tile_difference(before: Tiles, after: Tiles) -> list[HeldPair]:
    """Each tile that is not the same object in both, as (before, after)."""
    if before is after:
        return []
    pairs: list[HeldPair] = [(tile, other) for key, tile in before.items() if (other := after.get(key)) is not tile]
    pairs += [(None, tile) for key, tile in after.items() if key not in before]
    return pairs


def state_difference(before: CanvasState, after: CanvasState) -> list[HeldPair]:
    """`tile_difference` of all layers, and what their results were made from."""
    old = {layer.info.id: layer for layer in before.layers}
    new = {layer.info.id: layer for layer in after.layers}
    none = LayerState(info=LayerInfo(id="", kind=LayerKind.PATCH), tiles={})
    pairs: list[HeldPair] = []
    for name in old.keys() | new.keys():
        first, second = old.get(name, none), new.get(name, none)
        pairs += tile_difference(first.tiles, second.tiles)
        if first.record is not second.record:
            pairs += [(weight, None) for weight in record_weights(first.record)]
            pairs += [(None, weight) for weight in record_weights(second.record)]
    return pairs


def item_pairs(item: HistoryItem) -> list[HeldPair]:
    """What an item changes, as (before, after). Tiles of a whole state that stay the same are not among them: they are
    on the canvas still, or a neighbouring item holds them."""
    if item.before is not None and item.after is not None:
        return state_difference(item.before, item.after)
    return [(change.before, change.after) for change in item.tiles]


class TileLedger:
    """Counts the bytes of tiles that items hold and the canvas does not show, each once however often it is held."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._held: dict[int, int] = {}
        self._shown: dict[int, int] = {}

    def show(self, tile: Held | None, count: int = 1) -> None:
        """The canvas has the tile in one more place; `count` -1: in one less."""
        if tile is not None:
            self._add(self._shown, (tile,), count)

    def show_all(self, tiles: Iterable[Held | None], count: int = 1) -> None:
        self._add(self._shown, tiles, count)

    def hold(self, tiles: Iterable[Held | None], count: int = 1) -> None:
        """The history has the tiles in one more place; `count` -1: in one less."""
        self._add(self._held, tiles, count)

    def shown(self, tile: Tile) -> bool:
        return tile.serial in self._shown

    def _add(self, counts: dict[int, int], tiles: Iterable[Held | None], count: int) -> None:
        # Thousands of tiles a step on a large canvas: only one that begins or ceases to be counted is looked at.
        held, shown = self._held, self._shown
        for tile in tiles:
            if tile is None:
                continue
            serial = tile.serial
            number = counts.get(serial, 0)
            after = number + count
            if number and after:
                counts[serial] = after
                continue
            was = serial in held and serial not in shown
            if after:
                counts[serial] = after
            else:
                counts.pop(serial, None)
            if was != (serial in held and serial not in shown):
                self.nbytes += -tile.nbytes if was else tile.nbytes


class History:
    """Read-only for all but the document.

    The budget is held whenever an item is added: the oldest fall out, but never the newest, however large: the last
    step can always be taken back. Undo moves tiles from the canvas into the history and so may lift `nbytes` above
    the budget; the memory of both together stays what it was, and nothing that could be done again is lost.

    What was forgotten has to be counted down before it is known what must fall out. Where that is much it is done in
    parts, a frame's work each, with `release`.
    """

    def __init__(
        self,
        undo: Iterable[HistoryItem] = (),
        redo: Iterable[HistoryItem] = (),
        saved_serial: int = 0,
        budget: int = BUDGET,
    ) -> None:
        self.budget = budget
        self.on_forgotten: Callable[[list[HistoryItem]], None] = list.clear
        """Told what falls out, to let it go: to free many tiles takes time, better spent in another thread."""
        self.ledger = TileLedger()
        self.saved_serial = saved_serial
        self._undo = list(undo)
        self._redo = list(redo)
        self._forgotten: list[HistoryItem] = []
        self._unheld = False
        """Whether an item came and the budget has not been looked at since."""
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
        while self.release():
            pass
        return self.ledger.nbytes

    def push(self, item: HistoryItem) -> None:
        """What was done last; forgets what could be done again. The canvas has to show the item's tiles already."""
        if self.saved_serial in {undone.serial for undone in self._redo}:
            self.saved_serial = -1
        self._forgotten += self._redo
        self._redo.clear()
        self._undo.append(item)
        self._hold(item, 1)
        self._unheld = True
        self.release()

    def release(self) -> bool:
        """A part of what was forgotten is no longer counted and let go; all that can be done in a few milliseconds.
        Items above the budget fall out. True while there is more."""
        done: list[HistoryItem] = []
        count = 0
        while count < RELEASED_AT_ONCE and (self._forgotten or self._oldest_fell_out()):
            done.append(self._forgotten.pop())
            count += self._hold(done[-1], -1)
        if done:
            self.on_forgotten(done)
        return bool(self._forgotten) or self._unheld

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

    def move_to(self, position: int) -> list[tuple[HistoryItem, bool]]:
        """Many steps at once: the items to undo (False) or to do again (True), in that order; they are moved."""
        done = len(self._undo)
        if position < done:
            moved = self._undo[position:]
            del self._undo[position:]
            self._redo[:0] = moved
            return [(item, False) for item in reversed(moved)]
        moved = self._redo[: position - done]
        del self._redo[: position - done]
        self._undo += moved
        return [(item, True) for item in moved]

    def has(self, serial: int) -> bool:
        """Whether undo or redo leads to the state after this item; 0 is the state before the oldest."""
        return serial == 0 or any(item.serial == serial for item in (*self._undo, *self._redo))

    def _oldest_fell_out(self) -> bool:
        """For the budget's sake, where nothing forgotten is counted any more. Not after an undo: see above."""
        if self._unheld and self.ledger.nbytes > self.budget and len(self._undo) > 1 and not self._redo:
            self._drop_oldest()
            return True
        self._unheld = False
        return False

    def _drop_oldest(self) -> None:
        """The state after it becomes the oldest, number 0, and the saved one's number with it."""
        item = self._undo.pop(0)
        self._forgotten.append(item)
        if self.saved_serial == item.serial:
            self.saved_serial = 0
        elif self.saved_serial == 0:
            self.saved_serial = -1

    def _hold(self, item: HistoryItem, count: int) -> int:
        """Returns how many tiles it has."""
        pairs = item_pairs(item)
        self.ledger.hold((pair[0] for pair in pairs), count)
        self.ledger.hold((pair[1] for pair in pairs), count)
        return 2 * len(pairs)
