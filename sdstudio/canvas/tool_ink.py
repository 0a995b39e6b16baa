"""What a covered pixel becomes: masked or not, coloured or erased. Integer arithmetic on parts of one tile.

With the coverage `c` (0 to 1, opacity not included), the opacity `o` and the pixel as it was before the gesture:

| ink | result |
|---|---|
| mask, add | m + c (255 o - m) where m < 255 o, else m: towards 255 o, never lowered |
| mask, remove | m (1 - c o) |
| paint, add | the colour with alpha c o over the pixel, straight alpha (rounding: `blend`) |
| paint, remove | alpha (1 - c o); the RGB stays |

Where c is 0 a pixel stays bit for bit.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.blend import over
from sdstudio.canvas.tiles import TileGrid
from sdstudio.canvas.tool_coverage import FULL, Coverage, StrokeCoverage
from sdstudio.domain.canvas_state import TILE, Tile, TileKey, Tiles
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import Pixels

Words = npt.NDArray[np.uint16]


class Ink(Protocol):
    """`solid`: what a fully covered pixel is, whatever it was before; None where that depends. `dear`: laying it costs
    so much more than comparing that unchanged pixels are sought out first."""

    @property
    def dear(self) -> bool: ...

    @property
    def solid(self) -> int | tuple[int, ...] | None: ...

    def touches(self, tile: Tile | None) -> bool:
        """Whether a tile like this could change at all."""
        ...

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        """Writes `target` from the pixels before the gesture (None: all 0) and their coverage, all of one shape."""
        ...


class MaskAdd:
    dear = False

    def __init__(self, opacity: float = 1.0) -> None:
        self._top = round(255 * opacity)
        self.solid = 255 if self._top == 255 else None

    def touches(self, tile: Tile | None) -> bool:
        return self._top > 0

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        if before is None:
            target[:] = cover if self._top == 255 else _scaled(cover, self._top)
            return
        gap = np.maximum(before, np.uint8(self._top))
        gap -= before
        np.add(before, _scaled(gap, cover), out=target)


class MaskRemove:
    dear = False

    def __init__(self, opacity: float = 1.0) -> None:
        self._opacity = round(255 * opacity)
        self.solid = 0 if self._opacity == 255 else None

    def touches(self, tile: Tile | None) -> bool:
        return tile is not None

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        if before is None:
            target[:] = 0
            return
        np.subtract(before, _scaled(before, _faded(cover, self._opacity)), out=target)


class PaintAdd:
    dear = True

    def __init__(self, colour: tuple[int, int, int], opacity: float = 1.0) -> None:
        self._opacity = round(255 * opacity)
        self.solid = (*colour, 255) if self._opacity == 255 else None
        self._colour = np.array([*colour, 0], np.uint8).view("<u4")[0]

    def touches(self, tile: Tile | None) -> bool:
        return self._opacity > 0

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        source = self._words(cover)
        words = target.view("<u4")[..., 0]
        if before is None:
            words[:] = source
            return
        faint = (cover > 0) & (cover < 255) if self._opacity == 255 else None
        if faint is None or 2 * np.count_nonzero(faint) > faint.size:
            target[:] = over(before, source.view(np.uint8).reshape(target.shape))
            return
        words[:] = before.view("<u4")[..., 0]  # most pixels stay or are covered: the others by themselves
        mixed = over(words[faint].view(np.uint8).reshape(1, -1, 4), source[faint].view(np.uint8).reshape(1, -1, 4))
        np.copyto(words, source, where=cover == 255)
        words[faint] = mixed.view("<u4").reshape(-1)

    def _words(self, cover: Pixels) -> npt.NDArray[np.uint32]:
        """The colour with its alpha as 32-bit words, red in the lowest byte; 0 where the alpha is. (A table look-up
        takes half as long again.)"""
        alpha = _faded(cover, self._opacity)
        words = alpha.astype(np.uint32)
        words <<= 24
        colour = (alpha != 0).astype(np.uint32)
        colour *= self._colour
        words |= colour
        return words


class PaintRemove:
    dear = True

    def __init__(self, opacity: float = 1.0) -> None:
        self._opacity = round(255 * opacity)
        self.solid = None

    def touches(self, tile: Tile | None) -> bool:
        return tile is not None

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        if before is None:
            target[:] = 0
            return
        target[..., :3] = before[..., :3]
        alpha = np.ascontiguousarray(before[..., 3])
        target[..., 3] = alpha - _scaled(alpha, _faded(cover, self._opacity))


def make_ink(target: str, colour: tuple[int, int, int], opacity: float = 1.0, *, remove: bool = False) -> Ink:
    """`target` "mask" or "paint"."""
    if target == "paint":
        return PaintRemove(opacity) if remove else PaintAdd(colour, opacity)
    return MaskRemove(opacity) if remove else MaskAdd(opacity)


def ink_stroke(grid: TileGrid, before: Tiles, coverage: StrokeCoverage, ink: Ink) -> Rect:
    """Brings the layer up to date where the stroke's coverage changed. Returns the rectangle around it."""
    total = NO_PIXELS
    for key, rect, cover in coverage.take_dirty():
        tile = before.get(key)
        if not ink.touches(tile):
            continue
        if tile is None or not ink.dear:
            _lay(grid, tile, key, rect, cover, ink)
            total = total.united(rect)
            continue
        parts = list(coverage.changed(key, rect))
        for view, _ in grid.edit(rect) if parts else ():
            for part, part_cover in parts:
                old = tile.pixels[part.moved(-key[0] * TILE, -key[1] * TILE).slices]
                ink.lay(view[part.moved(-rect.x, -rect.y).slices], old, part_cover)
                total = total.united(part)
    return total


def ink_coverage(grid: TileGrid, coverage: Coverage, ink: Ink) -> Rect:
    """Lays a whole shape onto the layer as it is now. Returns the rectangle around what may have changed."""
    total, before = NO_PIXELS, grid.freeze()
    bounds = coverage.rect.intersected(Rect.of(grid.size))
    for key, cover in coverage.tiles.items():
        whole = Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)
        rect = whole.intersected(bounds)
        if not ink.touches(before.get(key)):
            continue
        if cover is FULL and ink.solid is not None:
            grid.fill(rect, ink.solid)
        else:
            _lay(grid, before.get(key), key, rect, cover[rect.moved(-whole.x, -whole.y).slices], ink)
        total = total.united(rect)
    return total


def _lay(grid: TileGrid, before: Tile | None, key: TileKey, rect: Rect, cover: Pixels, ink: Ink) -> None:
    old = None if before is None else before.pixels[rect.moved(-key[0] * TILE, -key[1] * TILE).slices]
    for view, _ in grid.edit(rect):
        ink.lay(view, old, cover)


def _faded(cover: Pixels, opacity: int) -> Pixels:
    return cover if opacity == 255 else _scaled(cover, opacity)


def _scaled(values: Pixels, by: Pixels | int) -> Pixels:
    """values * by / 255, rounded to the nearest."""
    product: Words = np.multiply(values, by, dtype=np.uint16)
    product += 128
    product += product >> 8
    product >>= 8
    return product.astype(np.uint8)
