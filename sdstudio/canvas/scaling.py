"""A canvas at another size: all layers resampled in strips, so that it can be shown how far it is, and stopped.

Touches no document: a large canvas is scaled in another thread, on a snapshot's state.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from sdstudio.canvas.blend import is_opaque, premultiplied
from sdstudio.canvas.edits import check_size, tiles_of
from sdstudio.canvas.tiles import TileGrid, keys_of
from sdstudio.domain.canvas_state import TILE, CanvasState, LayerState, Tile, TileKey
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""

Cancel = Callable[[], bool]
"""Asked between strips; true ends the work with CancelledByUser."""


def scaled(
    state: CanvasState, size: Size, on_progress: Progress | None = None, cancel: Cancel | None = None
) -> CanvasState:
    """All layers at another size: Lanczos, the mask bilinear (both with the reach of the larger pixel, so nothing is
    skipped when it gets smaller). Colours are weighted by their alpha; where the result is transparent its RGB is
    that of the unweighted colours. Raises InvalidRequest("size"), CancelledByUser.

    Memory: one layer of the new width and the old height, twice where it is not opaque.
    """
    check_size(size)
    count = len(state.layers)
    layers: list[LayerState] = []

    def step(done: float) -> None:
        if cancel is not None and cancel():
            raise CancelledByUser("scaling the canvas was cancelled")
        if on_progress is not None:
            on_progress((len(layers) + done) / count)

    for layer in state.layers:
        tiles = _scaled_tiles(layer, state.size, size, step) if layer.tiles else {}
        layers.append(LayerState(info=layer.info, tiles=tiles))
    step(0.0)
    return CanvasState(size=size, layers=tuple(layers))


def _scaled_tiles(layer: LayerState, old: Size, size: Size, step: Progress) -> dict[TileKey, Tile]:
    """First every row to its new width, then every column to its new height, each with 8 bits: so the borders of the
    strips leave no trace, whatever the factor is."""
    wide, plain = _widened(layer, old, size.width, lambda done: step(done / 2))
    tiles: dict[TileKey, Tile] = {}
    for left in range(0, size.width, TILE):
        step(0.5 + left / size.width / 2)
        columns = slice(left, left + TILE)
        tall = _stretched(wide[:, columns], (min(TILE, size.width - left), size.height))
        if plain is not None:
            tall = _straight(tall, plain[:, columns])
        strip = tiles_of(tall)
        tiles.update({(left // TILE, row): tile for (_column, row), tile in strip.items()})
    return tiles


def _widened(layer: LayerState, old: Size, width: int, step: Progress) -> tuple[Pixels, Pixels | None]:
    """Old height x new width: the pixels, premultiplied unless all of them are opaque, and if so not premultiplied as
    well."""
    grid = TileGrid(old, layer.info.kind.channels, layer.tiles)
    tail = () if grid.channels == 1 else (4,)
    wide = np.zeros((old.height, width, *tail), np.uint8)
    plain: Pixels | None = None
    if grid.channels == 4 and not _is_opaque(grid):
        plain = np.zeros_like(wide)
    for top in range(0, old.height, TILE):
        step(top / old.height)
        rect = Rect(0, top, old.width, min(TILE, old.height - top))
        if any(key in layer.tiles for key in keys_of(rect)):
            pixels = grid.read(rect)
            rows = slice(top, top + rect.height)
            wide[rows] = _stretched(pixels if plain is None else premultiplied(pixels), (width, rect.height))
            if plain is not None:
                plain[rows] = _stretched(pixels, (width, rect.height))
    return wide, plain


def _is_opaque(grid: TileGrid) -> bool:
    return all(
        is_opaque(grid.read(Rect(0, top, grid.size.width, min(TILE, grid.size.height - top))))
        for top in range(0, grid.size.height, TILE)
    )


def _stretched(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """H x W or H x W x 4 at size (width, height); all channels alike."""
    pixels = np.ascontiguousarray(pixels)
    if pixels.ndim == 2:
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    image = Image.frombuffer("RGBX", (pixels.shape[1], pixels.shape[0]), pixels, "raw", "RGBX", 0, 1)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _straight(weighted: Pixels, plain: Pixels) -> Pixels:
    """Divides by alpha; where that is 0 takes the colours of `plain`, which is stretched for it."""
    height, width = weighted.shape[:2]
    image = Image.frombuffer("RGBa", (width, height), np.ascontiguousarray(weighted), "raw", "RGBa", 0, 1)
    result = np.array(image.convert("RGBA"))
    clear = weighted[..., 3] == 0
    if clear.any():
        result[clear, :3] = _stretched(plain, (width, height))[clear, :3]
    return result
