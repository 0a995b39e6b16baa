"""Writing one state of a canvas into its journal: only what the file does not have yet, many pixels in pieces."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from sdstudio.domain.canvas_state import CanvasOrigin, CanvasSnapshot, CanvasState, HistoryItem, Tile
from sdstudio.storage.canvas_records import RecordWriter
from sdstudio.storage.canvas_rows import (
    AWAITED,
    ItemRow,
    Written,
    item_tiles,
    layers_text,
    place_data,
    rect_text,
    same_item,
    state_tiles,
    tile_row,
)

_HAND_AT_ONCE = 64
"""Tiles: what the hand changed is written at once, unless it is very much."""
_CURRENT = 1
"""Row of the state that the canvas shows."""


def go_on(database: sqlite3.Connection, written: Written, until: float, rest: Callable[[], None]) -> Written:
    """Writes awaited tiles until that time (of `time.monotonic`), at least one; calls `rest` before each."""
    left = dict(written.awaiting)
    for row, tile in written.awaiting.items():
        rest()
        _put_tile(database, row, tile)
        del left[row]
        if time.monotonic() >= until:
            break
    if not left:
        database.execute("DELETE FROM origin")
    return replace(written, awaiting=left)


def _put_tile(database: sqlite3.Connection, row: int, tile: Tile) -> None:
    database.execute(
        "INSERT INTO tile VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET coding = excluded.coding, data = excluded.data",
        (row, *tile_row(tile.pixels)),
    )


class Writer:
    """One write: rows for what is new, then none any more for what nothing refers to.

    Pixels that are still to come when the time is over are awaited; those of the hand's own changes come first, then
    what no file holds.
    """

    def __init__(self, database: sqlite3.Connection, old: Written, until: float, rest: Callable[[], None]) -> None:
        """`until`: of `time.monotonic`. `rest` is called before each tile that is packed, up to that time."""
        self._database = database
        self._rest = rest
        self._old = old
        self._until = until
        self._records = RecordWriter(database, old.records)
        self._new = Written(records=self._records.new)
        self._open: dict[int, Tile] = {}
        self._by_hand: set[int] = set()
        self._next_tile = max(old.tiles.values(), default=0)
        self._next_item = max(old.items, default=0)
        states = [row for item in old.items.values() for row in item.states if row is not None]
        self._next_state = max(states, default=_CURRENT)
        self._by_serial = {row.item.serial: number for number, row in old.items.items()}

    def write(self, snapshot: CanvasSnapshot) -> Written:
        self._rest()
        self._current(snapshot.state)
        undo = [self._item(item) for item in snapshot.undo]
        redo = [self._item(item) for item in snapshot.redo]
        pending = None if snapshot.pending is None else self._item(snapshot.pending)
        self._database.execute(
            "INSERT OR REPLACE INTO canvas VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
            (
                _storable(snapshot.name),
                _storable(snapshot.source),
                snapshot.saved_serial,
                _CURRENT,
                json.dumps(undo),
                json.dumps(redo),
                pending,
            ),
        )
        self._lay_tiles(snapshot.origin)
        self._drop()
        return self._new

    def _current(self, state: CanvasState) -> None:
        size = state.size
        values = (_CURRENT, size.width, size.height, layers_text(state, self._records.row))
        self._database.execute(
            "INSERT INTO state VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET width = excluded.width, height = excluded.height, layers = excluded.layers",
            values,
        )
        old, new = self._old.places, self._new.places
        for layer in state.layers:
            new.update(
                zip(((layer.info.id, key) for key in layer.tiles), self._rows(layer.tiles.values()), strict=True)
            )
        gone = [(_CURRENT, layer, *key) for layer, key in old.keys() - new.keys()]
        where = "state = ? AND layer = ? AND col = ? AND row = ?"
        self._database.executemany(f"DELETE FROM state_tile WHERE {where}", gone)
        changed = ((_CURRENT, *place[:1], *place[1], row) for place, row in new.items() if old.get(place) != row)
        self._database.executemany("INSERT OR REPLACE INTO state_tile VALUES (?, ?, ?, ?, ?)", changed)

    def _rows(self, tiles: Collection[Tile]) -> list[int]:
        """`_tile` of them all. Most of a large canvas's are in the file: those cost the hand, which waits for
        Python's lock meanwhile, little."""
        if self._old.awaiting:
            return [self._tile(tile) for tile in tiles]
        serials = [tile.serial for tile in tiles]
        rows = list(map(self._old.tiles.get, serials))
        found = [self._tile(tile) if row is None else row for tile, row in zip(tiles, rows, strict=True)]
        self._new.tiles.update(zip(serials, found, strict=True))
        return found

    def _tile(self, tile: Tile, *, by_hand: bool = False) -> int:
        row = self._new.tiles.get(tile.serial)
        if row is None:
            known = self._old.tiles.get(tile.serial)
            if known is None:
                self._next_tile += 1
                row = self._next_tile
            else:
                row = known
            if known is None or known in self._old.awaiting:
                self._open[row] = tile
            self._new.tiles[tile.serial] = row
        if by_hand:
            self._by_hand.add(row)
        return row

    def _lay_tiles(self, origin: CanvasOrigin | None) -> None:
        places = {} if origin is None else origin.tiles

        def urgency(row: int) -> int:
            return 0 if row in self._by_hand else 2 if self._open[row].serial in places else 1

        awaited = []
        for number, row in enumerate(sorted(self._open, key=urgency)):
            tile = self._open[row]
            at_once = row in self._by_hand and number < _HAND_AT_ONCE
            uniform, in_time = 0 in tile.pixels.strides, time.monotonic() < self._until
            if at_once or uniform or in_time:
                if in_time and not uniform:
                    self._rest()
                _put_tile(self._database, row, tile)
                continue
            self._new.awaiting[row] = tile
            if row not in self._old.awaiting:
                channels = 1 if tile.pixels.ndim == 2 else 4
                awaited.append((row, channels, AWAITED, place_data(places.get(tile.serial))))
        self._database.executemany("INSERT INTO tile VALUES (?, ?, ?, ?)", awaited)
        self._note_origin(origin)

    def _note_origin(self, origin: CanvasOrigin | None) -> None:
        """Kept as long as anything is awaited."""
        if not self._new.awaiting:
            self._database.execute("DELETE FROM origin")
        elif origin is not None:
            values = (os.fsencode(origin.path), origin.nbytes, origin.modified_ns)
            self._database.execute("INSERT OR REPLACE INTO origin VALUES (1, ?, ?, ?)", values)

    def _item(self, item: HistoryItem) -> int:
        number = self._by_serial.get(item.serial)
        if number is not None and number not in self._new.items and same_item(self._old.items[number].item, item):
            self._keep(item, self._old.items[number])
            self._new.items[number] = ItemRow(item, self._old.items[number].states)
            return number
        self._next_item += 1
        number = self._next_item
        states = (self._state(item.before), self._state(item.after))
        values = (number, item.serial, _storable(item.label), rect_text(item.rect), *states)
        self._database.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)", values)
        changes = [
            (
                number,
                index,
                change.layer,
                *change.key,
                None if change.before is None else self._tile(change.before, by_hand=True),
                None if change.after is None else self._tile(change.after, by_hand=True),
            )
            for index, change in enumerate(item.tiles)
        ]
        self._database.executemany("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?)", changes)
        self._new.items[number] = ItemRow(item, states)
        return number

    def _keep(self, item: HistoryItem, row: ItemRow) -> None:
        for tile in item_tiles(item):
            self._tile(tile, by_hand=True)
        for state in (item.before, item.after):
            for _, _, tile in state_tiles(state) if state is not None else ():
                self._tile(tile)
            for layer in state.layers if state is not None else ():
                self._records.row(layer.record)

    def _state(self, state: CanvasState | None) -> int | None:
        if state is None:
            return None
        self._next_state += 1
        number = self._next_state
        size = state.size
        values = (number, size.width, size.height, layers_text(state, self._records.row))
        self._database.execute("INSERT INTO state VALUES (?, ?, ?, ?)", values)
        rows = [(number, layer, *key, self._tile(tile)) for layer, key, tile in state_tiles(state)]
        self._database.executemany("INSERT INTO state_tile VALUES (?, ?, ?, ?, ?)", rows)
        return number

    def _drop(self) -> None:
        gone = [number for number in self._old.items if number not in self._new.items]
        self._database.executemany("DELETE FROM item WHERE id = ?", ((number,) for number in gone))
        states = [row for number in gone for row in self._old.items[number].states if row is not None]
        self._database.executemany("DELETE FROM state WHERE id = ?", ((row,) for row in states))
        kept = set(self._new.tiles.values())
        tiles = ((row,) for row in self._old.tiles.values() if row not in kept)
        self._database.executemany("DELETE FROM tile WHERE id = ?", tiles)
        self._records.drop()


def _storable(text: str) -> str:
    """SQLite holds UTF-8: halves of surrogate pairs, from broken file names, cannot be in it."""
    return text.encode("utf-8", "replace").decode()
