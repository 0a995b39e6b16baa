"""A canvas that is obviously right and slow: whole arrays, no tiles, a full copy of everything for every undo.

It has the operations of `CanvasDocument` and, in `SlowGrid`, those of `TileGrid`: tools work on either, and a test
can hold one against the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from sdstudio.canvas.spare import SpareTiles
from sdstudio.domain.canvas_state import TILE, LayerInfo, LayerKind, Tile, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels


def every_key(size: Size) -> list[TileKey]:
    return [(column, row) for row in range(-(-size.height // TILE)) for column in range(-(-size.width // TILE))]


def outside_in(rect: Rect, size: Size) -> Rect:
    return rect.intersected(Rect.of(size))


class SlowGrid:
    """One layer as one array."""

    def __init__(self, owner: SlowCanvas, info: LayerInfo, pixels: Pixels) -> None:
        self.owner, self.info, self.pixels = owner, info, pixels
        self.channels = info.kind.channels

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    def read(self, rect: Rect) -> Pixels:
        result = np.zeros((rect.height, rect.width, *self.pixels.shape[2:]), np.uint8)
        inside = outside_in(rect, self.size)
        if not inside.empty:
            result[inside.moved(-rect.x, -rect.y).slices] = self.pixels[inside.slices]
        return result

    def write(self, rect: Rect, pixels: Pixels) -> Rect:
        self._allowed()
        inside = outside_in(rect, self.size)
        if not inside.empty:
            self.pixels[inside.slices] = pixels[inside.moved(-rect.x, -rect.y).slices]
        return inside

    def edit(self, rect: Rect) -> Iterator[tuple[Pixels, Rect]]:
        """Views of the one array, cut where the real one's tiles end: tools may look a tile's older pixels up."""
        self._allowed()
        for key in every_key(self.size):
            part = rect.intersected(Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)).intersected(Rect.of(self.size))
            if not part.empty:
                yield self.pixels[part.slices], part

    def fill(self, rect: Rect, value: int | tuple[int, ...]) -> Rect:
        self._allowed()
        inside = outside_in(rect, self.size)
        if not inside.empty:
            self.pixels[inside.slices] = value
        return inside

    def current(self, key: TileKey) -> Pixels | None:
        whole = self.read(Rect(key[0] * TILE, key[1] * TILE, TILE, TILE))
        return whole if whole.any() else None

    def tile(self, key: TileKey) -> Tile | None:
        pixels = self.current(key)
        return None if pixels is None else Tile(pixels)

    def keys(self) -> set[TileKey]:
        return set(self.freeze())

    def freeze(self) -> dict[TileKey, Tile]:
        found = {key: self.tile(key) for key in every_key(self.size)}
        return {key: tile for key, tile in found.items() if tile is not None}

    def replace(self, changes: Mapping[TileKey, Tile | None]) -> Rect:
        total = NO_PIXELS
        for key, tile in changes.items():
            place = Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)
            pixels = np.zeros_like(self.read(place)) if tile is None else tile.pixels
            total = total.united(self.write(place, pixels))
        return total

    def _allowed(self) -> None:
        if not self.owner.in_gesture:
            raise RuntimeError("pixels change between begin() and commit() only")


@dataclass
class Everything:
    """One moment of the canvas, copied whole."""

    infos: tuple[LayerInfo, ...]
    pixels: dict[str, Pixels]


class SlowLayers:
    """The layers in `infos`, bottom to top."""

    infos: tuple[LayerInfo, ...]
    _grids: dict[str, SlowGrid]

    @property
    def size(self) -> Size:
        return self.grid("picture").size

    @property
    def rect(self) -> Rect:
        return Rect.of(self.size)

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        return self.infos

    def layer(self, layer_id: str) -> LayerInfo:
        return next(info for info in self.infos if info.id == layer_id)

    def grid(self, layer_id: str) -> SlowGrid:
        return self._grids[layer_id]

    @property
    def picture(self) -> SlowGrid:
        return self._grids["picture"]

    @property
    def paint(self) -> SlowGrid:
        return self._grids["paint"]

    @property
    def mask(self) -> SlowGrid:
        return self._grids["mask"]

    def mask_bounds(self) -> Rect:
        rows, columns = np.nonzero(self.mask.pixels)
        if not rows.size:
            return NO_PIXELS
        return Rect.between(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)

    @property
    def mask_empty(self) -> bool:
        return not self.mask.pixels.any()

    def exact_composite(self) -> np.ndarray:
        """Floats 0 to 255, straight alpha; a pixel that nothing lies on keeps its RGB."""
        result = np.zeros((self.size.height, self.size.width, 4))
        for info in self.infos:
            if info.kind is LayerKind.MASK or not info.visible:
                continue
            source = self._grids[info.id].pixels.astype(float)
            opacity = round(info.opacity * 255)
            source[..., 3] = np.floor(source[..., 3] * opacity / 255 + 0.5)
            result = source if info.kind is LayerKind.PICTURE and opacity else over_exactly(result, source)
        return result


class SlowCanvas(SlowLayers):
    """Labels and full copies of all that was done."""

    def __init__(self, picture: Pixels) -> None:
        kinds = (LayerKind.PICTURE, LayerKind.PAINT, LayerKind.MASK)
        infos = tuple(LayerInfo(id=kind.value, kind=kind) for kind in kinds)
        clear = np.zeros_like(picture)
        self.revision = 0
        self.spare = SpareTiles()
        self._restore(Everything(infos, {"picture": picture, "paint": clear, "mask": clear[..., 0]}))
        self._states = [self._copy()]
        self._labels: list[str] = []
        self.position = 0
        self._label: str | None = None

    # Gestures

    @property
    def in_gesture(self) -> bool:
        return self._label is not None

    def begin(self, label: str) -> None:
        assert self._label is None
        self._label = label

    def commit(self) -> Rect:
        assert self._label is not None
        label, self._label = self._label, None
        before = self._states[self.position]
        rect = changed_rect(before, self._copy())
        if not rect.empty:
            self._done(label)
        return rect

    def rollback(self) -> Rect:
        assert self._label is not None
        self._label = None
        before = self._states[self.position]
        rect = changed_rect(before, self._copy())
        self._restore(before)
        return rect

    # History

    @property
    def undo_labels(self) -> tuple[str, ...]:
        return tuple(self._labels[: self.position])

    @property
    def redo_labels(self) -> tuple[str, ...]:
        return tuple(self._labels[self.position :])

    def undo(self) -> bool:
        return self.position > 0 and self.go_to(self.position - 1)

    def redo(self) -> bool:
        return self.position < len(self._labels) and self.go_to(self.position + 1)

    def go_to(self, position: int) -> bool:
        self.position = position
        self._restore(self._states[position])
        return True

    # One history item each

    def set_layer(self, layer_id: str, **changes: object) -> None:
        old = self.layer(layer_id)
        infos = tuple(replace(info, **changes) if info.id == layer_id else info for info in self.infos)  # type: ignore[arg-type]
        if infos != self.infos:
            self.infos = infos
            new = self.layer(layer_id)
            label = "Rename layer" if old.opacity == new.opacity else "Layer opacity"
            self._done(label if old.visible == new.visible else "Show layer" if new.visible else "Hide layer")

    def remove_layer(self, layer_id: str) -> None:
        self.infos = tuple(info for info in self.infos if info.id != layer_id)
        self._done("Remove layer")

    def accept_patch(self, pixels: ImageBuffer, x: int, y: int, name: str, record: None) -> str:
        """What the result covers of the paint that is seen comes below it, as a layer of its own."""
        self._label = "Accept result"
        rect = Rect(x, y, pixels.size.width, pixels.size.height)
        paint, painted = self.layer("paint"), self.paint.read(rect)
        covered = (pixels.pixels[..., 3:] > 0) & (painted[..., 3:] > 0)
        if paint.visible and round(paint.opacity * 255) and covered.any():
            self._insert("Paint", paint.opacity, rect, np.where(covered, painted, np.uint8(0)))
            self.paint.write(rect, np.where(covered, np.uint8(0), painted))
        layer_id = self._insert(name, 1.0, rect, pixels.pixels)
        self._label = None
        self._done("Accept result")
        return layer_id

    def _insert(self, name: str, opacity: float, rect: Rect, pixels: Pixels) -> str:
        """A layer just below the paint."""
        number = 1
        while any(info.id == f"patch-{number}" for info in self.infos):
            number += 1
        info = LayerInfo(id=f"patch-{number}", kind=LayerKind.PATCH, name=name, opacity=opacity)
        self._grids[info.id] = SlowGrid(self, info, np.zeros_like(self.picture.pixels))
        self._grids[info.id].write(rect, pixels)
        at = next(index for index, other in enumerate(self.infos) if other.id == "paint")
        self.infos = (*self.infos[:at], info, *self.infos[at:])
        return info.id

    def resize_canvas(self, rect: Rect) -> None:
        if rect != self.rect:
            for info in self.infos:
                self._grids[info.id] = SlowGrid(self, info, self._grids[info.id].read(rect))
            self._done("Resize canvas")

    def scale(self, size: Size) -> None:
        if size != self.size:
            for info in self.infos:
                self._grids[info.id] = SlowGrid(self, info, scaled_whole(self._grids[info.id].pixels, size))
            self._done("Scale")

    # Inside

    def _done(self, label: str) -> None:
        del self._states[self.position + 1 :], self._labels[self.position :]
        self._states.append(self._copy())
        self._labels.append(label)
        self.position += 1
        self.revision += 1

    def _copy(self) -> Everything:
        return Everything(self.infos, {info.id: self._grids[info.id].pixels.copy() for info in self.infos})

    def _restore(self, state: Everything) -> None:
        self.infos = state.infos
        self._grids = {info.id: SlowGrid(self, info, state.pixels[info.id].copy()) for info in state.infos}
        self.revision += 1


def changed_rect(before: Everything, after: Everything) -> Rect:
    """The smallest that holds every changed pixel of any layer; sizes and layers have to be the same."""
    total = NO_PIXELS
    for name, pixels in before.pixels.items():
        differs = (pixels != after.pixels[name]).reshape(*pixels.shape[:2], -1).any(axis=2)
        rows, columns = np.nonzero(differs)
        if rows.size:
            found = Rect.between(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
            total = total.united(found)
    return total


def over_exactly(below: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Straight-alpha "over" in floats."""
    upper = source[..., 3:] / 255
    lower = below[..., 3:] / 255 * (1 - upper)
    alpha = upper + lower
    with np.errstate(invalid="ignore", divide="ignore"):
        colour = (source[..., :3] * upper + below[..., :3] * lower) / alpha
    result = np.concatenate([colour, alpha * 255], axis=2)
    return np.where(source[..., 3:] == 0, below, result)


def scaled_whole(pixels: Pixels, size: Size) -> Pixels:
    """Rows, then columns, each with 8 bits: the mask bilinear, colours Lanczos weighted by alpha, and unweighted where
    the result is transparent."""
    if pixels.ndim == 2:
        return both_ways(Image.fromarray(pixels), size, Image.Resampling.BILINEAR)
    four_bytes = Image.frombytes("RGBX", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    plain = both_ways(four_bytes, size, Image.Resampling.LANCZOS)
    if (pixels[..., 3] == 255).all():
        return plain
    weighted = both_ways(Image.fromarray(pixels).convert("RGBa"), size, Image.Resampling.LANCZOS)
    straight = Image.frombytes("RGBa", (size.width, size.height), weighted.tobytes()).convert("RGBA")
    return np.where(weighted[..., 3:] == 0, np.dstack([plain[..., :3], weighted[..., 3:]]), np.asarray(straight))


def both_ways(image: Image.Image, size: Size, method: Image.Resampling) -> Pixels:
    return np.array(image.resize((size.width, image.height), method).resize((size.width, size.height), method))
