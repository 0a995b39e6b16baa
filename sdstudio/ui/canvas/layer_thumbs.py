"""Small pictures of layers for the list: sampled tile by tile, so that a large canvas costs milliseconds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QImage

from sdstudio.canvas.tiles import TileGrid, keys_of
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

THUMB_SIDE = 80
"""Pixels: 40 in the list, at twice the resolution for fine screens."""
_SAMPLES = 3
"""Across one pixel of the thumbnail: the mean of 3 x 3 samples keeps lines from breaking up."""

_Index = npt.NDArray[np.int64]
_Samples = tuple[slice, _Index]
"""Of one tile along one side: their place in the fine picture, and in the tile."""


def thumb_size(size: Size, side: int = THUMB_SIDE) -> Size:
    """Of a picture of this size, fitted into `side` x `side`, never larger than the picture."""
    scale = min(side / size.width, side / size.height, 1.0)
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


class LayerSampler:
    """One layer made small; after a change only the tiles that it touched are looked at again."""

    def __init__(self, side: int = THUMB_SIDE) -> None:
        self._side = side
        self._shape: tuple[int, ...] = ()
        self._fine: Pixels = np.zeros((0, 0, 0), np.uint8)
        self._rows: list[_Samples] = []
        self._columns: list[_Samples] = []

    def sample(self, grid: TileGrid, changed: Rect | None = None) -> Pixels:
        """h x w x 4 premultiplied, or h x w for a mask. `changed` are document pixels, None for all of them."""
        small = thumb_size(grid.size, self._side)
        shape = (grid.size.height, grid.size.width, grid.channels)
        if shape != self._shape:
            self._shape, changed = shape, None
            rows, columns = _places(shape[0], small.height), _places(shape[1], small.width)
            self._fine = np.zeros((len(rows), len(columns), grid.channels), np.uint8)
            self._rows = [(part, index[:, None]) for part, index in _by_tiles(rows, shape[0])]
            self._columns = _by_tiles(columns, shape[1])
        area = Rect.of(grid.size) if changed is None else changed.intersected(Rect.of(grid.size))
        for key in keys_of(area):
            self._look(grid, key)
        return self._mean(small)

    def _look(self, grid: TileGrid, key: TileKey) -> None:
        (across, columns), (down, rows) = self._columns[key[0]], self._rows[key[1]]
        pixels = grid.current(key)
        if pixels is None:
            self._fine[down, across] = 0
        elif grid.channels == 1:
            self._fine[down, across, 0] = pixels[rows, columns]
        else:
            self._fine[down, across] = pixels[rows, columns]

    def _mean(self, small: Size) -> Pixels:
        fine, channels = self._fine, self._fine.shape[2]
        if channels == 4:
            fine = fine.copy()
            alpha = fine[..., 3:].astype(np.uint16)
            fine[..., :3] = (fine[..., :3] * alpha + 127) // 255
        parts = fine.reshape(small.height, _SAMPLES, small.width, _SAMPLES, channels)
        mean: Pixels = ((parts.sum(axis=(1, 3), dtype=np.uint32) + _SAMPLES**2 // 2) // _SAMPLES**2).astype(np.uint8)
        return mean if channels == 4 else mean[..., 0]


def _places(length: int, count: int) -> _Index:
    """The pixels that are looked at along one side: the middles of `count` x _SAMPLES equal parts."""
    parts = count * _SAMPLES
    return ((np.arange(parts, dtype=np.int64) * 2 + 1) * length // (2 * parts)).astype(np.int64)


def _by_tiles(places: _Index, length: int) -> list[_Samples]:
    """For each tile along one side: which of the samples are in it, and where."""
    cuts = places.searchsorted(range(0, length + TILE, TILE)).tolist()
    return [(slice(a, b), places[a:b] - number * TILE) for number, (a, b) in enumerate(pairwise(cuts))]


def picture_thumb(pixels: Pixels) -> QImage:
    """Premultiplied RGBA as a QImage of its own."""
    data = np.ascontiguousarray(pixels)
    height, width = data.shape[:2]
    return QImage(data.data, width, height, 4 * width, QImage.Format.Format_RGBA8888_Premultiplied).copy()


def mask_thumb(pixels: Pixels, tint: QColor) -> QImage:
    """The mask in its tint on a dark ground."""
    share = pixels[..., None].astype(np.float32) / 255
    colour = np.array([tint.red(), tint.green(), tint.blue()], np.float32)
    rgb = (share * colour + (1 - share) * 23).round().astype(np.uint8)
    alpha = np.full((*pixels.shape, 1), 255, np.uint8)
    return picture_thumb(np.concatenate([rgb, alpha], axis=2))
