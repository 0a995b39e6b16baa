"""The layers of a canvas, bottom to top, and what is seen of them together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from sdstudio.canvas.blend import opacity_step, over, with_opacity
from sdstudio.canvas.spare import SpareTiles
from sdstudio.canvas.tiles import TileGrid, keys_of, tile_rect
from sdstudio.domain.canvas_state import (
    MASK,
    PAINT,
    PICTURE,
    TILE,
    CanvasState,
    LayerInfo,
    LayerKind,
    LayerState,
    Tile,
    TileKey,
)
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.domain.patches import PatchRecord

LayerTouch = Callable[[str, TileKey, Tile | None, Rect], None]

STANDARD_LAYERS = (
    LayerInfo(id=PICTURE, kind=LayerKind.PICTURE),
    LayerInfo(id=PAINT, kind=LayerKind.PAINT),
    LayerInfo(id=MASK, kind=LayerKind.MASK),
)


class LayerStack:
    """Mutable; the document adds gestures and history."""

    def __init__(self, state: CanvasState, on_touch: LayerTouch) -> None:
        self._on_touch = on_touch
        self._bounds: tuple[int, Rect] = (-1, NO_PIXELS)
        self.revision = 0
        self.spare = SpareTiles()
        self._size = state.size
        self._infos: tuple[LayerInfo, ...] = ()
        self._grids: dict[str, TileGrid] = {}
        self._overlays: list[tuple[LayerInfo, TileGrid]] = []
        self._records: dict[str, PatchRecord] = {}
        self._put_state(state)

    @property
    def size(self) -> Size:
        return self._size

    @property
    def rect(self) -> Rect:
        return Rect.of(self._size)

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """Bottom to top: picture, patches, paint, mask."""
        return self._infos

    def layer(self, layer_id: str) -> LayerInfo:
        """Raises KeyError."""
        for info in self._infos:
            if info.id == layer_id:
                return info
        raise KeyError(layer_id)

    def grid(self, layer_id: str) -> TileGrid:
        """Another object after undo of a resize and the like: ask each time. Raises KeyError."""
        return self._grids[layer_id]

    def record(self, layer_id: str) -> PatchRecord | None:
        """What an accepted result was made from; None where that is not known."""
        return self._records.get(layer_id)

    @property
    def picture(self) -> TileGrid:
        return self._grids[PICTURE]

    @property
    def paint(self) -> TileGrid:
        return self._grids[PAINT]

    @property
    def mask(self) -> TileGrid:
        return self._grids[MASK]

    def state(self) -> CanvasState:
        """Now, for keeping; cheap."""
        layers = tuple(
            LayerState(info=info, tiles=self._grids[info.id].freeze(), record=self._records.get(info.id))
            for info in self._infos
        )
        return CanvasState(size=self._size, layers=layers)

    def overlays(self) -> list[tuple[LayerInfo, TileGrid]]:
        """Patches and paint that are visible, bottom to top."""
        return self._overlays

    def composite(self, rect: Rect) -> Pixels:
        """What is seen of the picture, the patches and the paint: height x width x 4, straight alpha, a copy.

        The picture's own bits where nothing lies above it; 0 outside the canvas. Rounding: `blend`.
        """
        result = self._picture_part(rect)
        inside = rect.intersected(self.rect)
        for info, grid in self.overlays():
            for key in keys_of(inside):
                pixels = grid.current(key)
                if pixels is not None:
                    whole = tile_rect(key, self._size)
                    part = whole.intersected(inside)
                    place = part.moved(-rect.x, -rect.y).slices
                    source = pixels[part.moved(-whole.x, -whole.y).slices]
                    result[place] = over(result[place], source, info.opacity)
        return result

    def mask_bounds(self) -> Rect:
        """The smallest rectangle that holds every pixel whose mask is not 0."""
        if self._bounds[0] != self.revision:
            self._bounds = (self.revision, content_bounds(self.mask))
        return self._bounds[1]

    @property
    def mask_empty(self) -> bool:
        return self.mask_bounds().empty

    def _picture_part(self, rect: Rect) -> Pixels:
        info = self.layer(PICTURE)
        if not info.visible or not opacity_step(info.opacity):
            return np.zeros((rect.height, rect.width, 4), np.uint8)
        return with_opacity(self.picture.read(rect), info.opacity)

    def _put_state(self, state: CanvasState) -> None:
        """Takes grids over whose tiles stay the same object."""
        grids: dict[str, TileGrid] = {}
        for layer in state.layers:
            info = layer.info
            old = self._grids.get(info.id)
            if old is not None and state.size == self._size and old.freeze() is layer.tiles:
                grids[info.id] = old
            else:
                touch = partial(self._on_touch, info.id)
                grids[info.id] = TileGrid(state.size, info.kind.channels, layer.tiles, touch, self.spare)
        self._size = state.size
        self._infos = tuple(layer.info for layer in state.layers)
        self._grids = grids
        self._overlays = [
            (info, grids[info.id])
            for info in self._infos
            if info.kind in (LayerKind.PATCH, LayerKind.PAINT) and info.visible and opacity_step(info.opacity)
        ]
        self._records = {layer.info.id: layer.record for layer in state.layers if layer.record is not None}
        self.revision += 1


def content_bounds(grid: TileGrid) -> Rect:
    """The smallest rectangle that holds every pixel that is not 0. Looks at border tiles only, from outside in."""
    lines: tuple[dict[int, list[TileKey]], dict[int, list[TileKey]]] = ({}, {})
    filled = grid.keys()
    for key in filled:
        lines[0].setdefault(key[0], []).append(key)
        lines[1].setdefault(key[1], []).append(key)
    left, top = (_outermost(grid, lines[axis], axis, first=True) for axis in (0, 1))
    if left is None or top is None:
        return NO_PIXELS
    right, bottom = (_outermost(grid, lines[axis], axis, first=False) for axis in (0, 1))
    assert right is not None and bottom is not None
    return Rect.between(left, top, right, bottom)


def _outermost(grid: TileGrid, lines: dict[int, list[TileKey]], axis: int, *, first: bool) -> int | None:
    """The first column (axis 0) or row (axis 1) with content, or the one after the last. `lines`: tiles by column or
    row; the next is looked at only if one was empty."""
    for line in sorted(lines, reverse=not first):
        edge = _edge(grid, lines[line], axis, first)
        if edge is not None:
            return line * TILE + edge
    return None


def _edge(grid: TileGrid, keys: list[TileKey], axis: int, first: bool) -> int | None:
    """The same among tiles of one column or row, counted from its begin."""
    best: int | None = None
    for key in keys:
        span = _span(grid, key, axis)
        if span is None:
            continue
        if first:
            best = span[0] if best is None else min(best, span[0])
        else:
            best = span[1] if best is None else max(best, span[1])
        if best == (0 if first else TILE):
            break
    return best


def _span(grid: TileGrid, key: TileKey, axis: int) -> tuple[int, int] | None:
    """First and last + 1 of a tile's columns (rows) with content."""
    pixels = grid.current(key)
    if pixels is None:
        return None
    if 0 in pixels.strides:
        return (0, TILE) if pixels[0, 0].any() else None
    words = np.ascontiguousarray(pixels).reshape(TILE, -1).view(np.uint64)  # eight bytes at a time
    if axis == 1:
        lit = np.bitwise_or.reduce(words, axis=1) != 0
    else:
        lit = np.bitwise_or.reduce(words, axis=0).view(np.uint8).reshape(TILE, -1).any(axis=1)
    found = np.flatnonzero(lit)
    return (int(found[0]), int(found[-1]) + 1) if found.size else None
