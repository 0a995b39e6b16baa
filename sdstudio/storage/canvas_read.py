"""The canvas that a journal holds, from its rows."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, HistoryItem, Tile, TileChange, TileKey
from sdstudio.storage.canvas_gaps import IN_NO_FILE, Gaps, without_gaps
from sdstudio.storage.canvas_origin import Places, tiles_again
from sdstudio.storage.canvas_records import RecordReader
from sdstudio.storage.canvas_rows import (
    AWAITED,
    ItemRow,
    Written,
    place_from_data,
    rect_from_text,
    state_from_rows,
    tile_from_row,
)
from sdstudio.storage.tile_pixels import TILE_SHAPES

FAULTS = (sqlite3.DatabaseError, ValueError, KeyError, TypeError, zlib.error, OverflowError, RecursionError)
"""What reading raises where the file is damaged."""
INTERRUPTED = "{} (interrupted)"
LOST_RECORDS = "Accepted results look as they did, but what some of them were made from is damaged."


@dataclass(slots=True)
class _Reader:
    database: sqlite3.Connection
    tiles: dict[int, Tile] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    records: RecordReader = field(init=False)

    def __post_init__(self) -> None:
        self.records = RecordReader(self.database)
        self.written.records = self.records.written

    def fetch_awaited(self) -> Gaps:
        """Tiles whose pixels were still to be written, from the file that the canvas was opened from; those that
        cannot be had are gaps, and transparent."""
        query = "SELECT id, channels, data FROM tile WHERE coding = ?"
        awaited = self.database.execute(query, (AWAITED,)).fetchall()
        places, why = self._origin() if awaited else ({}, IN_NO_FILE)
        missing: set[Tile] = set()
        for row, channels, data in awaited:
            place = place_from_data(data)
            tile = None if place is None else places.get(place)
            if tile is None or tile.pixels.shape != TILE_SHAPES[channels]:
                tile = Tile(np.broadcast_to(np.uint8(0), TILE_SHAPES[channels]))
                missing.add(tile)
            else:
                self.written.awaiting[row] = tile
            self.tiles[row] = tile
            self.written.tiles[tile.serial] = row
        return Gaps(missing, why)

    def _origin(self) -> tuple[Places, str]:
        found = self.database.execute("SELECT path, nbytes, modified_ns FROM origin").fetchone()
        if found is None:
            return {}, IN_NO_FILE
        path, nbytes, modified_ns = found
        places, why = tiles_again(Path(os.fsdecode(path)), nbytes, modified_ns)
        return places, why or IN_NO_FILE

    def tile(self, row: int | None) -> Tile | None:
        """Each is decoded once: states and history items share it again."""
        if row is None:
            return None
        tile = self.tiles.get(row)
        if tile is None:
            found = self.database.execute("SELECT channels, coding, data FROM tile WHERE id = ?", (row,)).fetchone()
            if found is None:
                raise KeyError(f"tile {row}")
            tile = self.tiles[row] = tile_from_row(*found)
            self.written.tiles[tile.serial] = row
        return tile

    def state(self, row: int | None, note: Callable[[str, TileKey, int], None] | None = None) -> CanvasState | None:
        """`note` is told of each tile's place."""
        if row is None:
            return None
        layers: dict[str, dict[TileKey, Tile]] = {}
        query = "SELECT layer, col, row, tile FROM state_tile WHERE state = ?"
        for layer, column, line, tile_id in self.database.execute(query, (row,)).fetchall():
            tile = self.tile(tile_id)
            assert tile is not None
            layers.setdefault(layer, {})[column, line] = tile
            if note is not None:
                note(layer, (column, line), tile_id)
        query = "SELECT width, height, layers FROM state WHERE id = ?"
        width, height, text = self.database.execute(query, (row,)).fetchone()
        return state_from_rows(width, height, text, layers, self.records.record)

    def item(self, row: int) -> HistoryItem:
        query = "SELECT serial, label, rect, before, after FROM item WHERE id = ?"
        serial, label, rect, before, after = self.database.execute(query, (row,)).fetchone()
        query = "SELECT layer, col, row, before, after FROM change WHERE item = ? ORDER BY number"
        changes = tuple(
            TileChange(layer, (column, line), self.tile(old), self.tile(new))
            for layer, column, line, old, new in self.database.execute(query, (row,)).fetchall()
        )
        item = HistoryItem(
            serial=serial,
            label=label,
            rect=rect_from_text(rect),
            tiles=changes,
            before=self.state(before),
            after=self.state(after),
        )
        self.written.items[row] = ItemRow(item, (before, after))
        return item


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What was last written, which rows its tiles and items are, and in words what of it had not been yet."""

    snapshot: CanvasSnapshot
    written: Written
    note: str = ""


def load(database: sqlite3.Connection, history: bool = True) -> Loaded | None:
    """None where nothing was written. Raises FAULTS.

    Without `history` only what the canvas shows, for a file of which the rest is damaged.
    """
    query = "SELECT name, source, saved_serial, state, undo, redo, pending FROM canvas"
    found = database.execute(query).fetchone()
    if found is None:
        return None
    name, source, saved_serial, state_row, undo, redo, pending = found
    reader = _Reader(database)
    gaps = reader.fetch_awaited()

    def note(layer: str, key: TileKey, tile: int) -> None:
        reader.written.places[layer, key] = tile

    state = reader.state(state_row, note)
    assert state is not None
    snapshot = CanvasSnapshot(name=name, source=source, state=state, saved_serial=saved_serial)
    if history:
        undone = tuple(reader.item(row) for row in json.loads(redo))
        snapshot = replace(snapshot, undo=tuple(reader.item(row) for row in json.loads(undo)), redo=undone)
        if pending is not None:
            snapshot = _interrupted(snapshot, reader.item(pending))
    snapshot, words = without_gaps(snapshot, gaps)
    if reader.records.damaged:
        words = f"{words} {LOST_RECORDS}".strip()
    return Loaded(snapshot, reader.written, words)


def _interrupted(snapshot: CanvasSnapshot, pending: HistoryItem) -> CanvasSnapshot:
    """The gesture that the end of the program cut off becomes an item that can be undone."""
    if not pending.tiles and pending.before is None:
        return snapshot
    taken = {item.serial for item in (*snapshot.undo, *snapshot.redo)}
    serial = pending.serial if pending.serial not in taken else max(taken) + 1
    item = replace(pending, serial=serial, label=INTERRUPTED.format(pending.label))
    return replace(snapshot, undo=(*snapshot.undo, item), redo=())
