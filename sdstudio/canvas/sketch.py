"""A part of a coarse level nearly as it is, in a fraction of the time: while the hand draws, nobody looks closer."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdstudio.canvas.blend import is_opaque, opacity_step, over, premultiplied, with_opacity
from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.tiles import TileGrid, keys_of
from sdstudio.domain.canvas_state import PICTURE, TILE
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels

SAMPLES = 4
"""A side: a pixel of the level is the mean of 16 document pixels, evenly spread over those that it covers. Grain keeps
a quarter of its strength so, where the exact mean of 64 leaves an eighth."""

SKETCH_FROM = 3
"""The first level at which that spares anything worth having: it covers 64 document pixels with one."""


def sketched(document: LayerStack, level: int, part: Rect) -> Pixels | None:
    """Picture, patches and paint together: height x width x 4, premultiplied, of `part` in pixels of the level. None
    where it has to be computed exactly: on levels below SKETCH_FROM, and at the canvas's right and lower edge where
    the last pixels of the level cover fewer of the document's."""
    rect = Rect(*(number << level for number in (part.x, part.y, part.width, part.height)))
    if level < SKETCH_FROM or rect.right > document.size.width or rect.bottom > document.size.height:
        return None
    stride = (1 << level) // SAMPLES
    seen = _seen(document, rect, stride)
    if not is_opaque(seen):
        seen = premultiplied(seen)
    height, width = seen.shape[:2]
    return np.asarray(Image.frombuffer("RGBX", (width, height), seen, "raw", "RGBX", 0, 1).reduce(SAMPLES))


def _seen(document: LayerStack, rect: Rect, stride: int) -> Pixels:
    """Every `stride`th pixel of what the layers show together, straight alpha."""
    info = document.layer(PICTURE)
    step = opacity_step(info.opacity) if info.visible else 0
    if step:
        result = with_opacity(sampled(document.picture, rect, stride), info.opacity)
    else:
        result = np.zeros((rect.height // stride, rect.width // stride, 4), np.uint8)
    for overlay, grid in document.overlays():
        if any(grid.current(key) is not None for key in keys_of(rect)):
            result = over(result, sampled(grid, rect, stride), overlay.opacity)
    return result


def sampled(grid: TileGrid, rect: Rect, stride: int) -> Pixels:
    """One pixel of each square of `stride` x `stride` of a layer with colour, from its middle. `stride` divides the
    sides of `rect`, its place, and TILE."""
    result = np.zeros((rect.height // stride, rect.width // stride), np.uint32)
    for key in keys_of(rect):
        pixels = grid.current(key)
        if pixels is None:
            continue
        whole = Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)
        inside = whole.intersected(rect)
        first = stride // 2
        source = inside.moved(-whole.x, -whole.y)
        y, x = (inside.y - rect.y) // stride, (inside.x - rect.x) // stride
        words = pixels.view(np.uint32)[..., 0]
        result[y : y + inside.height // stride, x : x + inside.width // stride] = words[
            source.y + first : source.bottom : stride, source.x + first : source.right : stride
        ]
    return result.view(np.uint8).reshape(*result.shape, 4)
