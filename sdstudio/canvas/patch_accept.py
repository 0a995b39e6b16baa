"""A result taken over into the canvas: one layer with its record, hints that were painted for it kept below it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sdstudio.canvas.blend import opacity_step
from sdstudio.canvas.edits import free_patch_id, resized, tiles_of
from sdstudio.canvas.patch_edit import PatchLayer, can_reblend, region_of
from sdstudio.canvas.region_mask import Flags
from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import PAINT, CanvasState, LayerInfo, LayerKind, LayerState
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.patches import PatchRecord

ACCEPT, EDGE, SOFTEN = "Accept result", "Change edge", "Soften seam"
"""Words for the history."""

HINTS = "Paint"
"""Name of the layer that painted hints become."""


def accepted(
    state: CanvasState,
    pixels: ImageBuffer,
    x: int,
    y: int,
    name: str,
    record: PatchRecord | None,
    *,
    replaces: str | None = None,
    resize: Rect | None = None,
) -> tuple[CanvasState, str]:
    """The canvas with the result, and its layer's id. `pixels` as `patch_edit.Blending` or `ground_layer` gives
    them; `resize`: the new canvas in the old one's coordinates, (x, y) and the record's frame are in the new one's.

    The layer lies below the paint. What of the paint the result covers was its hint: the model saw it, and laid over
    the result it would hide it. So it moves into a layer of its own just below, and the look is the candidate's.
    With `replaces` the result takes that layer's place and id, whole and visible; is it gone, it is a new one.
    """
    if resize is not None and resize != Rect.of(state.size):
        state = resized(state, resize)
    tiles = tiles_of(pixels.pixels, x, y, state.size)
    known = {layer.info.id: layer for layer in state.layers if layer.info.kind is LayerKind.PATCH}
    if replaces in known:
        info = replace(known[replaces].info, name=name or known[replaces].info.name, visible=True, opacity=1.0)
        return _with_layer(state, LayerState(info=info, tiles=tiles, record=record)), info.id
    state = _with_hints_below(state, Rect(x, y, pixels.size.width, pixels.size.height), pixels, record)
    info = LayerInfo(id=free_patch_id(state), kind=LayerKind.PATCH, name=name)
    return _inserted(state, LayerState(info=info, tiles=tiles, record=record)), info.id


def changed(state: CanvasState, layer_id: str, layer: PatchLayer) -> CanvasState:
    """With other pixels and another record for a layer. Raises KeyError."""
    tiles = tiles_of(layer.pixels.pixels, layer.x, layer.y, state.size)
    return _with_layer(state, replace(state.layer(layer_id), tiles=tiles, record=layer.record))


def _with_layer(state: CanvasState, layer: LayerState) -> CanvasState:
    layers = tuple(layer if old.info.id == layer.info.id else old for old in state.layers)
    return CanvasState(size=state.size, layers=layers)


def _inserted(state: CanvasState, layer: LayerState) -> CanvasState:
    """Below the paint."""
    place = [old.info.id for old in state.layers].index(PAINT)
    return CanvasState(size=state.size, layers=(*state.layers[:place], layer, *state.layers[place:]))


def _with_hints_below(state: CanvasState, rect: Rect, pixels: ImageBuffer, record: PatchRecord | None) -> CanvasState:
    paint = state.layer(PAINT)
    if not (paint.tiles and paint.info.visible and opacity_step(paint.info.opacity)):
        return state
    grid = TileGrid(state.size, 4, paint.tiles)
    old = grid.read(rect)
    covered: Flags = pixels.pixels[..., 3] > 0
    if record is not None and can_reblend(record):
        covered = covered | region_of(record, state.size)[0].allowed_in(rect)
    covered = covered & (old[..., 3] > 0)
    if not covered.any():
        return state
    grid.write(rect, np.where(covered[..., None], np.uint8(0), old))
    hints = np.where(covered[..., None], old, np.uint8(0))
    info = replace(paint.info, id=free_patch_id(state), kind=LayerKind.PATCH, name=HINTS)
    below = LayerState(info=info, tiles=tiles_of(hints, rect.x, rect.y, state.size))
    return _inserted(_with_layer(state, replace(paint, tiles=grid.freeze())), below)
