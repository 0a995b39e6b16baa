"""What the window draws of a canvas: premultiplied tiles at every zoom, computed only where something changed.

A picture with nothing above it is not composited: at level 0 its own tiles are shown, and its other levels are
computed once, in another thread (`Pyramid.build_base`, `Pyramid.adopt`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.blend import OPAQUE, is_opaque, opacity_step, over, premultiplied, with_opacity
from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.mip import WHOLE_TILE, MipLevels, Solids, TimeSlice, Value, level_size, part_of_tile
from sdstudio.canvas.sketch import sketched
from sdstudio.canvas.tiles import TileGrid, keys_of, tile_rect
from sdstudio.domain.canvas_state import MASK, PICTURE, TILE, CanvasState, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

FLAT_TILES = 384
"""Tiles of level 0 that are kept composited (96 MB): more than a screen of 5120 x 2880 shows."""

Wanted = tuple[int, TileKey]
"""Level and tile."""


@dataclass(frozen=True, slots=True, eq=False)
class BaseLevels:
    """A picture's levels from 1 on, premultiplied; good for one `adopt`."""

    size: Size
    solids: Solids
    levels: list[dict[TileKey, Pixels | None]]


class ArraySource:
    """A picture that nothing lies above, from an array or from tiles."""

    channels = 4

    def __init__(self, picture: Pixels | TileGrid) -> None:
        self._picture = picture

    def solid(self, key: TileKey) -> Value | None:
        if isinstance(self._picture, TileGrid):
            return tile_value(self._picture.current(key), premultiply=True)
        return None

    def region(self, key: TileKey, part: Rect) -> Pixels | None:
        rect = part.moved(key[0] * TILE, key[1] * TILE)
        pixels = self._picture.read(rect) if isinstance(self._picture, TileGrid) else self._picture[rect.slices]
        pixels = np.ascontiguousarray(pixels)
        return pixels if is_opaque(pixels) else premultiplied(pixels)


class PictureSource:
    """Picture, patches and paint together, premultiplied; level 0 for the window, and for the levels above it."""

    channels = 4

    def __init__(self, document: LayerStack, solids: Solids) -> None:
        self._document = document
        self._solids = solids
        self._opaque: dict[TileKey, tuple[int, bool]] = {}
        self._flat: OrderedDict[TileKey, Pixels] = OrderedDict()
        self._dirty: dict[TileKey, Rect] = {}

    def invalidate(self, rect: Rect) -> None:
        """Only tiles that are kept composited have something to forget."""
        many = rect.pixels > FLAT_TILES * TILE * TILE
        for key in self._flat if many else keys_of(rect):
            part = part_of_tile(rect, key)
            if key in self._flat and not part.empty:
                self._dirty[key] = self._dirty.get(key, NO_PIXELS).united(part)

    def overlaid(self, key: TileKey) -> bool:
        """Whether something lies above the picture there, or the picture is not shown as it is."""
        info = self._document.layer(PICTURE)
        if not info.visible or opacity_step(info.opacity) != OPAQUE:
            return True
        return any(grid.current(key) is not None for _info, grid in self._document.overlays())

    def solid(self, key: TileKey) -> Value | None:
        if self.overlaid(key):
            return None
        return tile_value(self._document.picture.current(key), premultiply=True)

    def region(self, key: TileKey, part: Rect) -> Pixels | None:
        info = self._document.layer(PICTURE)
        step = opacity_step(info.opacity) if info.visible else 0
        picture = self._document.picture.current(key) if step else None
        result = None if picture is None else with_opacity(picture[part.slices], info.opacity)
        opaque = step == OPAQUE and self._is_opaque(key)
        for overlay, grid in self._document.overlays():
            pixels = grid.current(key)
            if pixels is None:
                continue
            above = pixels[part.slices]
            if result is None:
                result = with_opacity(above, overlay.opacity)
            else:
                result = over(result, above, overlay.opacity, opaque=opaque)
        return result if result is None or opaque else premultiplied(result)

    def tile(self, key: TileKey) -> Pixels | None:
        """TILE x TILE x 4; the picture's own pixels where nothing has to be done to them."""
        if not self.overlaid(key):
            pixels = self._document.picture.current(key)
            value = tile_value(pixels, premultiply=True)
            if pixels is None or value is not None or self._is_opaque(key):
                self._forget(key)
                return pixels if value is None else self._solids.tile(value)
        stale = self.stale(key)
        flat = self._flat.get(key)
        if flat is None:
            flat = self._flat[key] = self._document.spare.take(4)  # all of it is stale
        if stale is not None:
            region = self.region(key, stale)
            flat[stale.slices] = 0 if region is None else region
            self._dirty.pop(key, None)
        self._flat.move_to_end(key)
        if len(self._flat) > FLAT_TILES:
            self._forget(next(iter(self._flat)))
        return flat

    def stale(self, key: TileKey) -> Rect | None:
        """What of a composited tile has to be computed."""
        return self._dirty.get(key) if key in self._flat else WHOLE_TILE

    def _forget(self, key: TileKey) -> None:
        self._flat.pop(key, None)
        self._dirty.pop(key, None)

    def _is_opaque(self, key: TileKey) -> bool:
        """Whether the picture's tile is, within the canvas."""
        tile = self._document.picture.tile(key)
        if tile is None:
            return False
        known = self._opaque.get(key)
        if known is None or known[0] != tile.serial:
            whole = tile_rect(key, self._document.size)
            inside = tile.pixels[: whole.height, : whole.width]
            self._opaque[key] = known = (tile.serial, is_opaque(inside))
        return known[1]


class MaskSource:
    channels = 1

    def __init__(self, document: LayerStack, solids: Solids) -> None:
        self._document = document
        self._solids = solids

    def solid(self, key: TileKey) -> Value | None:
        return tile_value(self._document.mask.current(key), channels=1)

    def region(self, key: TileKey, part: Rect) -> Pixels | None:
        pixels = self._document.mask.current(key)
        return None if pixels is None else pixels[part.slices]

    def tile(self, key: TileKey) -> Pixels | None:
        pixels = self._document.mask.current(key)
        value = tile_value(pixels, channels=1)
        return pixels if value is None else self._solids.tile(value)


def tile_value(pixels: Pixels | None, channels: int = 4, *, premultiply: bool = False) -> Value | None:
    """The value of a tile of one value, where that is known for nothing: it is missing, or it is a shared one."""
    if pixels is None:
        return (0,) * channels
    if 0 not in pixels.strides:
        return None
    pixel = pixels[:1, :1]
    if premultiply:
        pixel = premultiplied(pixel)
    return tuple(int(part) for part in pixel.reshape(-1))


class Pyramid:
    """Level l: one pixel covers 2**l x 2**l document pixels, tiles of TILE x TILE, 0 beyond the canvas's edge.

    Lives in the document's thread. Arrays that it hands out may change with the next change of the document, and must
    not be written to.
    """

    def __init__(self, document: LayerStack) -> None:
        self._document = document
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.size = self._document.size
        self._solids = Solids()
        self._picture_touched = NO_PIXELS
        self._pictures = PictureSource(self._document, self._solids)
        self._masks = MaskSource(self._document, self._solids)
        self._picture_levels = MipLevels(self._pictures, self.size, self._solids)
        self._mask_levels = MipLevels(self._masks, self.size, self._solids)
        if not self._document.mask.keys():
            self._mask_levels.adopt_nothing()

    @property
    def levels(self) -> int:
        """The last one has all of the canvas in one tile."""
        return self._picture_levels.levels

    def level_size(self, level: int) -> Size:
        """In pixels of that level, rounded up."""
        return level_size(self.size, level)

    def picture_tile(self, level: int, key: TileKey) -> Pixels | None:
        """TILE x TILE x 4 premultiplied RGBA of picture, patches and paint; None = fully transparent. Computes what
        is missing, however long that takes."""
        return self._pictures.tile(key) if level == 0 else self._picture_levels.tile(level, key)

    def mask_tile(self, level: int, key: TileKey) -> Pixels | None:
        """TILE x TILE: the mean, above 0 wherever any pixel is; None = empty. Computes what is missing."""
        return self._masks.tile(key) if level == 0 else self._mask_levels.tile(level, key)

    def invalidate(self, rect: Rect, layers: Iterable[str]) -> None:
        """After a change of document pixels; after a change of the document's size everything is forgotten."""
        if self._document.size != self.size:
            self.reset()
            return
        names = set(layers)
        if MASK in names:
            self._mask_levels.invalidate(rect)
        if PICTURE in names:
            self._picture_touched = self._picture_touched.united(rect)
        if names - {MASK}:
            self._pictures.invalidate(rect)
            self._picture_levels.invalidate(rect)

    def ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool:
        """Whether the picture's tile is up to date, after work on it for about so long; where time is given at least a
        part is computed. Level 0 is always called ready: a tile of it takes a millisecond."""
        return level == 0 or _ready(self._picture_levels, level, key, seconds)

    def mask_ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool:
        """The same for the mask's tile."""
        return level == 0 or _ready(self._mask_levels, level, key, seconds)

    def sketch(self, level: int, key: TileKey, part: Rect) -> Pixels | None:
        """A part of the picture's tile, in the tile's own coordinates, nearly as it is: what would be out of date is
        not computed, and stays so. None where that is not possible. See `sketched`."""
        return sketched(self._document, level, part.moved(key[0] * TILE, key[1] * TILE))

    def work(self, seconds: float, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Computes wanted tiles, first things first, and returns those that are up to date now. At least a part of
        one is computed, so asking again and again comes to an end."""
        until = TimeSlice(seconds)
        done: list[Wanted] = []
        for level, key in wanted:
            if level == 0:
                if until.over and self._pictures.stale(key) is not None:
                    continue
                self._pictures.tile(key)
                until.worked()
            elif not self._update(level, key, until):
                continue
            done.append((level, key))
        return done

    @staticmethod
    def build_base(image: Pixels | CanvasState) -> BaseLevels:
        """The levels of a picture (H x W x 4, straight alpha, or a canvas's picture layer) with nothing above it. May
        run in any thread; 8192 x 8192 take some tenths of a second, and a third of the picture's memory."""
        if isinstance(image, CanvasState):
            size = image.size
            source = ArraySource(TileGrid(size, 4, image.layer(PICTURE).tiles))
        else:
            size = Size(image.shape[1], image.shape[0])
            source = ArraySource(image)
        solids = Solids()
        levels = MipLevels(source, size, solids)
        for level in range(1, levels.levels):
            for key in levels.keys(level):
                levels.update(level, key)
        return BaseLevels(size=size, solids=solids, levels=levels.release())

    def adopt(self, base: BaseLevels) -> None:
        """Takes the levels over where the document still shows that picture; the rest is computed when asked for."""
        info = self._document.layer(PICTURE)
        if base.size != self.size or not info.visible or opacity_step(info.opacity) != OPAQUE:
            return
        self._solids.take(base.solids)
        self._picture_levels.adopt(base.levels)
        self._picture_levels.invalidate(self._picture_touched)
        for _info, grid in self._document.overlays():
            for key in sorted(grid.keys()):
                self._picture_levels.invalidate(tile_rect(key, self.size))

    def _update(self, level: int, key: TileKey, until: TimeSlice) -> bool:
        return self._picture_levels.update(level, key, until) and self._mask_levels.update(level, key, until)


def _ready(levels: MipLevels, level: int, key: TileKey, seconds: float) -> bool:
    return levels.ready(level, key) or (seconds > 0 and levels.update(level, key, TimeSlice(seconds)))
