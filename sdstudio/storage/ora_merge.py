"""What a canvas shows, for the picture that other programs find in an OpenRaster file."""

from __future__ import annotations

import numpy as np

from sdstudio.domain.canvas_state import CanvasState, LayerKind, LayerState
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.storage.tile_pixels import pixels_of, tile_place


def shown_layers(state: CanvasState) -> list[LayerState]:
    """Those that add something, bottom to top; never the mask."""
    return [
        layer
        for layer in state.layers
        if layer.info.kind is not LayerKind.MASK and layer.info.visible and layer.info.opacity > 0 and layer.tiles
    ]


def merged(state: CanvasState) -> Pixels:
    """Height x width x 4, straight alpha; transparent pixels keep the colour of the lowest layer that has one."""
    canvas = Rect.of(state.size)
    layers = shown_layers(state)
    if layers and layers[0].info.opacity == 1:
        result = pixels_of(layers[0].tiles, canvas, 4)
        del layers[0]
    else:
        result = np.zeros((canvas.height, canvas.width, 4), np.uint8)
    for layer in layers:
        for key, tile in layer.tiles.items():
            place = tile_place(key)
            part = place.intersected(canvas)
            if not part.empty:
                over(result[part.slices], tile.pixels[part.moved(-place.x, -place.y).slices], layer.info.opacity)
    return result


def over(below: Pixels, above: Pixels, opacity: float) -> None:
    """Source over, straight alpha, in place. Pixels under a transparent source stay bit for bit.

    Method: W3C Compositing and Blending Level 1, section 5 (simple alpha compositing).
    """
    seen = above[..., 3] > 0
    if not seen.any():
        return
    top = above[seen].astype(np.float32)
    bottom = below[seen].astype(np.float32)
    top_alpha = top[:, 3:] / 255 * opacity
    bottom_alpha = bottom[:, 3:] / 255 * (1 - top_alpha)
    alpha = top_alpha + bottom_alpha
    colour = (top[:, :3] * top_alpha + bottom[:, :3] * bottom_alpha) / np.maximum(alpha, 1e-6)
    below[seen] = np.rint(np.concatenate([colour, alpha * 255], axis=1)).clip(0, 255).astype(np.uint8)
