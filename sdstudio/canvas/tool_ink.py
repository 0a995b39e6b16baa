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

from collections.abc import Sequence
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
Words32 = npt.NDArray[np.uint32]

Place = tuple[Pixels, Pixels | None, Pixels]
"""Target, the pixels before the gesture, and their coverage: see `Ink.lay`."""


class Ink(Protocol):
    """`solid`: what a fully covered pixel is, whatever it was before; None where that depends."""

    @property
    def solid(self) -> int | tuple[int, ...] | None: ...

    def touches(self, tile: Tile | None) -> bool:
        """Whether a tile like this could change at all."""
        ...

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        """Writes `target` from the pixels before the gesture (None: all 0) and their coverage, all of one shape."""
        ...

    def lay_all(self, places: Sequence[Place]) -> None:
        """The same for targets in several tiles."""
        ...


class PlainInk:
    """Lays place by place."""

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        raise NotImplementedError

    def lay_all(self, places: Sequence[Place]) -> None:
        for target, before, cover in places:
            self.lay(target, before, cover)


class MaskAdd(PlainInk):
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


class MaskRemove(PlainInk):
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


class PaintAdd(PlainInk):
    def __init__(self, colour: tuple[int, int, int], opacity: float = 1.0) -> None:
        self._opacity = round(255 * opacity)
        self.solid = (*colour, 255) if self._opacity == 255 else None
        self._colour = np.array([*colour, 0], np.uint8).view("<u4")[0]
        self._solid = np.array([*colour, 255], np.uint8).view("<u4")[0]

    def touches(self, tile: Tile | None) -> bool:
        return self._opacity > 0

    def lay(self, target: Pixels, before: Pixels | None, cover: Pixels) -> None:
        words = target.view("<u4")[..., 0]
        if before is None:
            words[:] = self._words(cover)
            return
        if self._opacity < 255:
            target[:] = over(before, self._words(cover).view(np.uint8).reshape(target.shape))
            return
        self.lay_all([(target, before, cover)])

    def lay_all(self, places: Sequence[Place]) -> None:
        """At full opacity most pixels stay or are covered: the others are mixed by themselves, all in one go (a call
        costs as much as some thousand pixels). On nothing, and on itself, the ink has nothing to mix with."""
        kept: list[tuple[Pixels, Words32, npt.NDArray[np.intp]]] = []
        faint: list[tuple[Words32, Pixels]] = []
        for target, before, cover in places:
            if before is None or self._opacity < 255:
                self.lay(target, before, cover)
                continue
            result = before.view("<u4")[..., 0].flatten()
            other = result != self._solid
            if not other.any():
                target[:] = before
                continue
            if not result.any():
                self.lay(target, None, cover)
                continue
            flat = np.ascontiguousarray(cover).reshape(-1)
            other &= (flat - np.uint8(1)) < 254
            between = other.nonzero()[0]
            faint.append((result[between], flat[between]))
            np.copyto(result, self._solid, where=flat == 255)
            kept.append((target, result, between))
        if not kept:
            return
        under, covers = (np.concatenate(parts) for parts in zip(*faint, strict=True))
        mixed = over(_as_row(under), _as_row(self._words(covers))).view("<u4").reshape(-1)
        start = 0
        for target, result, between in kept:
            result[between] = mixed[start : start + len(between)]
            start += len(between)
            target.view("<u4")[..., 0] = result.reshape(target.shape[:2])

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


def _as_row(words: npt.NDArray[np.uint32]) -> Pixels:
    return words.view(np.uint8).reshape(1, -1, 4)


class PaintRemove(PlainInk):
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


def ink_stroke(grid: TileGrid, before: Tiles, coverage: StrokeCoverage, ink: Ink) -> list[Rect]:
    """Brings the layer up to date where the stroke's coverage changed. Returns one rectangle for each tile that did."""
    touched: list[Rect] = []
    places: list[Place] = []
    for key, rect, _cover in coverage.take_dirty():
        tile = before.get(key)
        changed = coverage.changed(key, rect) if ink.touches(tile) else None
        if changed is None:
            continue
        part, cover = changed
        old = None if tile is None else tile.pixels[part.moved(-key[0] * TILE, -key[1] * TILE).slices]
        places += [(view, old, cover) for view, _part in grid.edit(part)]
        touched.append(part)
    ink.lay_all(places)
    return touched


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
