"""The canvas that a journal holds, from its rows."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, HistoryItem, Tile, TileChange, TileKey
from sdstudio.storage.canvas_rows import ItemRow, Written, rect_from_text, state_from_rows, tile_from_row

FAULTS = (sqlite3.DatabaseError, ValueError, KeyError, TypeError, zlib.error, OverflowError, RecursionError)
"""What reading raises where the file is damaged."""
INTERRUPTED = "{} (interrupted)"


@dataclass(slots=True)
class _Reader:
    database: sqlite3.Connection
    tiles: dict[int, Tile] = field(default_factory=dict)
    written: Written = field(default_factory=Written)

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
        return state_from_rows(width, height, text, layers)

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


def load(database: sqlite3.Connection, history: bool = True) -> tuple[CanvasSnapshot, Written] | None:
    """What was last written, and which rows its tiles and items are; None where nothing is. Raises FAULTS.

    Without `history` only what the canvas shows, for a file of which the rest is damaged.
    """
    query = "SELECT name, source, saved_serial, state, undo, redo, pending FROM canvas"
    found = database.execute(query).fetchone()
    if found is None:
        return None
    name, source, saved_serial, state_row, undo, redo, pending = found
    reader = _Reader(database)

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
    return snapshot, reader.written


def _interrupted(snapshot: CanvasSnapshot, pending: HistoryItem) -> CanvasSnapshot:
    """The gesture that the end of the program cut off becomes an item that can be undone."""
    if not pending.tiles and pending.before is None:
        return snapshot
    taken = {item.serial for item in (*snapshot.undo, *snapshot.redo)}
    serial = pending.serial if pending.serial not in taken else max(taken) + 1
    item = replace(pending, serial=serial, label=INTERRUPTED.format(pending.label))
    return replace(snapshot, undo=(*snapshot.undo, item), redo=())
