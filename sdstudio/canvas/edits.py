"""Changes of a whole canvas as functions of its state: from a picture, cropped or extended, compared."""

from __future__ import annotations

from collections.abc import Mapping

from sdstudio.canvas.gesture import same_pixels
from sdstudio.canvas.patch_record import moved_record
from sdstudio.canvas.tiles import TileGrid, empty_tile, keys_of, settled, tile_rect, tiles_rect, uniform_tile
from sdstudio.domain.canvas_state import (
    MAX_SIDE,
    TILE,
    CanvasState,
    LayerInfo,
    LayerState,
    Tile,
    TileChange,
    TileKey,
    Tiles,
)
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

_WHOLE = Rect(0, 0, TILE, TILE)


def check_size(size: Size) -> None:
    """Raises InvalidRequest("size") for a canvas that is larger than any may be."""
    if max(size.width, size.height) > MAX_SIDE:
        raise InvalidRequest(
            "size",
            f"A canvas of {size.width} × {size.height} pixels is too large.",
            hint=f"Each side may have up to {MAX_SIDE} pixels.",
        )


def tiles_of(pixels: Pixels, x: int = 0, y: int = 0, size: Size | None = None) -> dict[TileKey, Tile]:
    """An array (H x W, or H x W x 4) placed at (x, y) of a canvas, as tiles; what lies outside is cut off.
    `size` None: the canvas is as large as the array."""
    size = size or Size(pixels.shape[1], pixels.shape[0])
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    placed = Rect(x, y, pixels.shape[1], pixels.shape[0])
    tiles: dict[TileKey, Tile] = {}
    for key in keys_of(placed.intersected(Rect.of(size))):
        whole = tile_rect(key, size)
        part = whole.intersected(placed)
        own = empty_tile(channels)
        own[part.moved(-whole.x, -whole.y).slices] = pixels[part.moved(-x, -y).slices]
        tile = settled(own, whole.width, whole.height)
        if tile is not None:
            tiles[key] = tile
    return tiles


def uniform_tiles(size: Size, value: tuple[int, ...]) -> dict[TileKey, Tile]:
    """One value all over the canvas."""
    tiles: dict[TileKey, Tile] = {}
    for key in keys_of(Rect.of(size)):
        whole = tile_rect(key, size)
        tile = uniform_tile(value, whole.width, whole.height)
        if tile is not None:
            tiles[key] = tile
    return tiles


def differing_tiles(layer: str, before: Tiles, changes: Mapping[TileKey, Tile | None]) -> tuple[TileChange, ...]:
    """Those of the new tiles whose pixels are not what they were: what `UndoableLayers.apply_tiles` takes."""
    found = []
    for key, tile in changes.items():
        old = before.get(key)
        if not same_pixels(old, tile, _WHOLE):
            found.append(TileChange(layer, key, old, tile))
    return tuple(found)


def free_patch_id(state: CanvasState) -> str:
    """The lowest that no layer has."""
    used = {layer.info.id for layer in state.layers}
    return next(name for count in range(1, len(used) + 2) if (name := f"patch-{count}") not in used)


def resized(state: CanvasState, rect: Rect) -> CanvasState:
    """Cropped or extended: `rect` is the new canvas in the old one's coordinates. New pixels are transparent and
    unmasked. Raises InvalidRequest("size")."""
    size = Size(rect.width, rect.height)
    check_size(size)
    layers = tuple(
        LayerState(
            info=layer.info,
            tiles=_moved_tiles(layer, state.size, rect, size),
            record=None if layer.record is None else moved_record(layer.record, rect),
        )
        for layer in state.layers
    )
    return CanvasState(size=size, layers=layers)


def _moved_tiles(layer: LayerState, old: Size, rect: Rect, size: Size) -> Tiles:
    grid = TileGrid(old, layer.info.kind.channels, layer.tiles)
    tiles: dict[TileKey, Tile] = {}
    for key in keys_of(Rect.of(size)):
        whole = tile_rect(key, size)
        source = whole.moved(rect.x, rect.y)
        tile = _kept_tile(layer.tiles, source, old)
        if tile is None and any(part in layer.tiles for part in keys_of(source)):
            own = empty_tile(grid.channels)
            own[: whole.height, : whole.width] = grid.read(source)
            tile = settled(own, whole.width, whole.height)
        if tile is not None:
            tiles[key] = tile
    return tiles


def _kept_tile(tiles: Tiles, source: Rect, old: Size) -> Tile | None:
    """The very tile where a whole one moves onto a whole one, or where whole tiles of one value are cut."""
    if not source.width == source.height == TILE or not Rect.of(old).contains(source):
        return None
    found = {tiles.get(key) for key in keys_of(source)}
    tile = found.pop()
    if found or tile is None:
        return None
    aligned = source.x % TILE == 0 and source.y % TILE == 0
    return tile if aligned or 0 in tile.pixels.strides else None


def differing_rect(before: CanvasState, after: CanvasState) -> Rect:
    """Whole tiles around all that may look different; all of the canvas where the size does."""
    if before.size != after.size:
        return Rect.of(after.size)
    old = {layer.info.id: layer for layer in before.layers}
    new = {layer.info.id: layer for layer in after.layers}
    rect = NO_PIXELS
    for name in old.keys() | new.keys():
        rect = rect.united(_layer_difference(old.get(name), new.get(name), after.size))
    return rect


def _layer_difference(before: LayerState | None, after: LayerState | None, size: Size) -> Rect:
    if before is None or after is None or _looks(before.info) != _looks(after.info):
        keys = {*(before.tiles if before else ()), *(after.tiles if after else ())}
        return tiles_rect(keys, size)
    return tiles_rect(_changed_keys(before.tiles, after.tiles), size)


def _looks(info: LayerInfo) -> tuple[bool, float]:
    return info.visible, info.opacity


def _changed_keys(before: Mapping[TileKey, Tile], after: Mapping[TileKey, Tile]) -> set[TileKey]:
    if before is after:
        return set()
    return {key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)}
