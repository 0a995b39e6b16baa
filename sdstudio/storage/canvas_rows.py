"""The canvas journal's tables, and a canvas as rows of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sdstudio.domain.canvas_state import (
    CanvasState,
    HistoryItem,
    LayerInfo,
    LayerKind,
    LayerState,
    Tile,
    TileChange,
    TileKey,
)
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.domain.patches import PatchRecord
from sdstudio.storage.canvas_records import WrittenRecords
from sdstudio.storage.tile_pixels import TILE_SHAPES, uniform_tile, uniform_value

SCHEMA = 2
OPENED = (1, SCHEMA)
"""Kinds of journals that are read; of kind 1 are those without records of accepted results."""
UNIFORM, PACKED, PLAIN, AWAITED = 0, 1, 2, 3
"""How a tile is stored: the bytes of its one value, zlib, or as it is where zlib gains nothing; AWAITED: not yet, the
data is the place in the `origin` that it can be had from meanwhile, or nothing."""
_GAIN, _SAMPLE = 0.8, 16

CREATE = """
CREATE TABLE tile (id INTEGER PRIMARY KEY, channels INTEGER NOT NULL, coding INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE state (id INTEGER PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, layers TEXT NOT NULL);
CREATE TABLE state_tile (
    state INTEGER NOT NULL REFERENCES state ON DELETE CASCADE,
    layer TEXT NOT NULL, col INTEGER NOT NULL, row INTEGER NOT NULL,
    tile INTEGER NOT NULL REFERENCES tile DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (state, layer, col, row)
) WITHOUT ROWID;
CREATE INDEX state_tile_tile ON state_tile (tile);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, serial INTEGER NOT NULL, label TEXT NOT NULL, rect TEXT NOT NULL,
    before INTEGER REFERENCES state, after INTEGER REFERENCES state
);
CREATE TABLE change (
    item INTEGER NOT NULL REFERENCES item ON DELETE CASCADE, number INTEGER NOT NULL,
    layer TEXT NOT NULL, col INTEGER NOT NULL, row INTEGER NOT NULL,
    before INTEGER REFERENCES tile DEFERRABLE INITIALLY DEFERRED,
    after INTEGER REFERENCES tile DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (item, number)
) WITHOUT ROWID;
CREATE INDEX change_before ON change (before);
CREATE INDEX change_after ON change (after);
CREATE TABLE canvas (
    id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, source TEXT NOT NULL, saved_serial INTEGER NOT NULL,
    state INTEGER NOT NULL REFERENCES state, undo TEXT NOT NULL, redo TEXT NOT NULL, pending INTEGER REFERENCES item
);
"""
CREATE_ORIGIN = """
CREATE TABLE IF NOT EXISTS origin (
    id INTEGER PRIMARY KEY CHECK (id = 1), path BLOB NOT NULL, nbytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL
)
"""
CLEAR = ("canvas", "change", "item", "state_tile", "state", "tile", "origin", "record", "pixels")
"""Tables in an order in which nothing refers to what is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemRow:
    """A history item that is in the file, and the rows of its states."""

    item: HistoryItem
    states: tuple[int | None, int | None] = (None, None)


@dataclass(slots=True)
class Written:
    """What the file holds, by the names that this process has for it; never changed once it is true.

    `tiles`: serial -> row; `items`: row -> item; `places`: layer, column, row -> tile row, of the current state;
    `awaiting`: row -> tile whose pixels are still to be written, the most urgent first. `records`: of accepted results.
    """

    tiles: dict[int, int] = field(default_factory=dict)
    items: dict[int, ItemRow] = field(default_factory=dict)
    places: dict[tuple[str, TileKey], int] = field(default_factory=dict)
    awaiting: dict[int, Tile] = field(default_factory=dict)
    records: WrittenRecords = field(default_factory=WrittenRecords)


def tile_row(pixels: Pixels) -> tuple[int, int, bytes]:
    """(channels, coding, data)"""
    channels = 1 if pixels.ndim == 2 else 4
    value = uniform_value(pixels)
    if value is not None:
        return channels, UNIFORM, value.tobytes()
    raw = np.ascontiguousarray(pixels)
    # Photos hardly shrink and take the longest: a few rows tell.
    sample = raw[::_SAMPLE].tobytes()
    if len(zlib.compress(sample, 1)) < len(sample) * _GAIN:
        return channels, PACKED, zlib.compress(raw.data, 1)
    return channels, PLAIN, raw.tobytes()


def place_data(place: tuple[str, TileKey] | None) -> bytes:
    """Where in the origin a tile is; nothing for one that is not there."""
    return b"" if place is None else json.dumps([place[0], *place[1]]).encode()


def place_from_data(data: bytes) -> tuple[str, TileKey] | None:
    """Raises ValueError or TypeError for what no journal of ours holds."""
    if not data:
        return None
    layer, column, row = json.loads(data)
    return str(layer), (int(column), int(row))


def tile_from_row(channels: int, coding: int, data: bytes) -> Tile:
    """Raises ValueError, KeyError or zlib.error for what no journal of ours holds."""
    shape = TILE_SHAPES[channels]
    if coding == UNIFORM:
        value = np.frombuffer(data, np.uint8)
        if value.size != channels:
            raise ValueError("a uniform tile with a value of another size")
        return uniform_tile(value[0] if channels == 1 else value, channels)
    if coding not in (PACKED, PLAIN):
        raise ValueError(f"a tile stored in an unknown way: {coding}")
    if coding == PACKED:
        inflater = zlib.decompressobj()
        data = inflater.decompress(data, int(np.prod(shape)))
    return Tile(np.frombuffer(data, np.uint8).reshape(shape))


def layers_text(state: CanvasState, record: Callable[[PatchRecord | None], int | None]) -> str:
    """`record` gives the row of what an accepted result was made from."""
    rows = []
    for layer in state.layers:
        info = layer.info
        rows.append([info.id, str(info.kind), info.name, info.visible, float(info.opacity), record(layer.record)])
    return json.dumps(rows)


def state_tiles(state: CanvasState) -> Iterator[tuple[str, TileKey, Tile]]:
    for layer in state.layers:
        for key, tile in layer.tiles.items():
            yield layer.info.id, key, tile


def state_from_rows(
    width: int,
    height: int,
    layers: str,
    rows: Mapping[str, Mapping[TileKey, Tile]],
    record: Callable[[int | None], PatchRecord | None],
) -> CanvasState:
    """`rows`: the tiles of each layer; `record`: what is in that row of records. Raises ValueError and
    the like."""
    found = []
    for layer_id, kind, name, visible, opacity, *made in json.loads(layers):
        info = LayerInfo(id=layer_id, kind=LayerKind(kind), name=name, visible=bool(visible), opacity=float(opacity))
        found.append(LayerState(info=info, tiles=rows.get(layer_id, {}), record=record(made[0] if made else None)))
    return CanvasState(size=Size(width, height), layers=tuple(found))


def rect_text(rect: Rect) -> str:
    return json.dumps([rect.x, rect.y, rect.width, rect.height])


def rect_from_text(text: str) -> Rect:
    x, y, width, height = json.loads(text)
    return Rect(int(x), int(y), int(width), int(height))


def item_tiles(item: HistoryItem) -> Iterator[Tile]:
    for change in item.tiles:
        if change.before is not None:
            yield change.before
        if change.after is not None:
            yield change.after


def same_item(one: HistoryItem, other: HistoryItem) -> bool:
    """Whether they would be the same rows. Tiles of one serial have the same pixels."""
    if one is other:
        return True
    return (
        (one.serial, one.label, one.rect) == (other.serial, other.label, other.rect)
        and one.before is other.before
        and one.after is other.after
        and len(one.tiles) == len(other.tiles)
        and all(map(_same_change, one.tiles, other.tiles))
    )


def _same_change(one: TileChange, other: TileChange) -> bool:
    return (one.layer, one.key, _serial(one.before), _serial(one.after)) == (
        other.layer,
        other.key,
        _serial(other.before),
        _serial(other.after),
    )


def _serial(tile: Tile | None) -> Any:
    return None if tile is None else tile.serial
