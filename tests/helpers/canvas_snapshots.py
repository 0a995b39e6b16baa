"""Canvases made up by hypothesis, and what it means that two are equal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from sdstudio.domain.canvas_state import (
    MASK,
    PAINT,
    PICTURE,
    TILE,
    CanvasSnapshot,
    CanvasState,
    HistoryItem,
    LayerInfo,
    LayerKind,
    LayerState,
    Tile,
    TileChange,
    TileKey,
    Tiles,
)
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from tests.helpers.patches import records, same_record

_NAMES = st.text(max_size=12)
_serials = itertools.count(1)


def noise_tile(kind: LayerKind, key: TileKey, size: Size, seed: int) -> Tile | None:
    """Noise, one value, a small patch, or nothing, by the seed; 0 beyond the canvas's edge."""
    rng = np.random.default_rng(seed)
    tail = () if kind.channels == 1 else (4,)
    width, height = min(TILE, size.width - key[0] * TILE), min(TILE, size.height - key[1] * TILE)
    pixels = np.zeros((TILE, TILE, *tail), np.uint8)
    inside = pixels[:height, :width]
    match seed % 4:
        case 0:
            return None
        case 1:
            inside[:] = rng.integers(0, 256, inside.shape, dtype=np.uint8)
        case 2:
            inside[:] = rng.integers(0, 256, tail, dtype=np.uint8)
        case _:
            inside[: height // 2 + 1, width // 3 :] = rng.integers(0, 3, tail, dtype=np.uint8) * 100 + 1
    return Tile(pixels)


def keys_of(size: Size) -> list[TileKey]:
    return [(column, row) for row in range(-(-size.height // TILE)) for column in range(-(-size.width // TILE))]


def layer_tiles(kind: LayerKind, size: Size, seed: int) -> Tiles:
    found = {key: noise_tile(kind, key, size, seed * 31 + index) for index, key in enumerate(keys_of(size))}
    return {key: tile for key, tile in found.items() if tile is not None}


@st.composite
def states(draw: st.DrawFn) -> CanvasState:
    size = Size(draw(st.integers(1, 2 * TILE + 40)), draw(st.integers(1, TILE + 40)))
    kinds = [LayerKind.PICTURE, *[LayerKind.PATCH] * draw(st.integers(0, 2)), LayerKind.PAINT, LayerKind.MASK]
    ids = {LayerKind.PICTURE: PICTURE, LayerKind.PAINT: PAINT, LayerKind.MASK: MASK}
    layers = []
    for index, kind in enumerate(kinds):
        info = LayerInfo(
            id=ids.get(kind, f"patch-{index}"),
            kind=kind,
            name=draw(_NAMES),
            visible=kind is LayerKind.MASK or draw(st.booleans()),
            opacity=draw(st.floats(0, 1)),
        )
        known = draw(st.none() | records(size)) if kind is LayerKind.PATCH else None
        layers.append(LayerState(info=info, tiles=layer_tiles(kind, size, draw(st.integers(0, 1000))), record=known))
    return CanvasState(size=size, layers=tuple(layers))


def stroke(state: CanvasState, layer_index: int, seed: int) -> tuple[CanvasState, HistoryItem]:
    """Some tiles of a layer changed, and the history item for it."""
    layer = state.layers[layer_index]
    tiles = dict(layer.tiles)
    changes = []
    for index, key in enumerate(keys_of(state.size)[:2]):
        before, after = tiles.get(key), noise_tile(layer.info.kind, key, state.size, seed + index)
        changes.append(TileChange(layer.info.id, key, before, after))
        tiles.pop(key, None)
        if after is not None:
            tiles[key] = after
    layers = list(state.layers)
    layers[layer_index] = replace(layer, tiles=tiles)
    item = HistoryItem(serial=next(_serials), label=f"Stroke {seed}", rect=Rect(1, 2, 3, 4), tiles=tuple(changes))
    return CanvasState(size=state.size, layers=tuple(layers)), item


@st.composite
def snapshots(draw: st.DrawFn) -> CanvasSnapshot:
    """With undo (strokes, one of them perhaps a change of the whole state), redo, or a gesture under way."""
    state = draw(states())
    undo: list[HistoryItem] = []
    for _ in range(draw(st.integers(0, 3))):
        after, item = stroke(state, draw(st.integers(0, len(state.layers) - 1)), draw(st.integers(0, 99)))
        if draw(st.booleans()):
            item = replace(item, tiles=(), before=state, after=after)
        undo.append(item)
        state = after
    redo = tuple(stroke(state, 0, draw(st.integers(0, 99)))[1] for _ in range(draw(st.integers(0, 2))))
    pending = None
    if draw(st.booleans()):
        state, pending = stroke(state, len(state.layers) - 1, draw(st.integers(0, 99)))
    return CanvasSnapshot(
        name=draw(_NAMES),
        source=draw(_NAMES),
        state=state,
        undo=tuple(undo),
        redo=redo,
        pending=pending,
        saved_serial=draw(st.integers(-1, 5)),
    )


def _pixels(tile: Tile | None) -> Pixels | None:
    return None if tile is None or not tile.pixels.any() else tile.pixels


def same_tiles(one: Mapping[TileKey, Tile], other: Mapping[TileKey, Tile]) -> bool:
    return all(same_tile(one.get(key), other.get(key)) for key in {*one, *other})


def same_tile(one: Tile | None, other: Tile | None) -> bool:
    """A missing tile is all 0."""
    first, second = _pixels(one), _pixels(other)
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def same_state(one: CanvasState | None, other: CanvasState | None) -> bool:
    if one is None or other is None:
        return one is other
    infos = [layer.info for layer in one.layers] == [layer.info for layer in other.layers]
    pairs = zip(one.layers, other.layers, strict=True)
    if one.size != other.size or not infos:
        return False
    return all(same_tiles(a.tiles, b.tiles) and same_record(a.record, b.record) for a, b in pairs)


def same_item(one: HistoryItem, other: HistoryItem) -> bool:
    if (one.label, one.rect, len(one.tiles)) != (other.label, other.rect, len(other.tiles)):
        return False
    changes = all(
        (a.layer, a.key) == (b.layer, b.key) and same_tile(a.before, b.before) and same_tile(a.after, b.after)
        for a, b in zip(one.tiles, other.tiles, strict=True)
    )
    return changes and same_state(one.before, other.before) and same_state(one.after, other.after)


def same_history(one: CanvasSnapshot, other: CanvasSnapshot) -> bool:
    return (
        len(one.undo) == len(other.undo)
        and len(one.redo) == len(other.redo)
        and all(map(same_item, one.undo, other.undo))
        and all(map(same_item, one.redo, other.redo))
    )
