"""Accepted results that stay editable: laid onto the canvas, blended anew with another edge, their seam softened.

Functions of states and records, for any thread. What a patch is blended with is all that is seen below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.patch_pixels import layer_of
from sdstudio.canvas.region_composite import Patch, compose, refeathered
from sdstudio.canvas.region_fill import rounded
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import Region, region_at
from sdstudio.canvas.region_soften import softened
from sdstudio.domain.canvas_state import CanvasState, Tile, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.patches import PatchRecord

GAIN_LEAST = 0.05
"""Of the seam's figure: less is nothing that anybody would see."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchLayer:
    """A layer's pixels at (x, y) of the canvas, and the record that gives them."""

    pixels: ImageBuffer
    x: int
    y: int
    record: PatchRecord


def can_reblend(record: PatchRecord | None) -> bool:
    """Whether it has an edge that can be blended anew."""
    return record is not None and record.mask is not None


class Blending:
    """One result over what lies below it. What is costly is done once: `layer` then follows a slider."""

    def __init__(self, state: CanvasState, record: PatchRecord, layer_id: str | None = None) -> None:
        """`layer_id`: the layer whose place it has; None: above all that is seen. Raises ValueError for a record
        without an edge, InvalidRequest("mask") where nothing of it lies on the canvas."""
        self._record = record
        self._region, self._plan = region_of(record, state.size)
        self._source = seen_below(state, self._plan.frame, layer_id)
        made = record.made.rgb
        self._patch = compose(self._source, self._region, self._plan, made, record.feather, record.match_colours)

    @property
    def patch(self) -> Patch:
        """As the record says."""
        return self._patch

    @property
    def region(self) -> Region:
        return self._region

    def layer(self, feather: int | None = None) -> PatchLayer:
        """With the record's edge, or another one."""
        if feather is None or feather == self._record.feather:
            return self._layer(self._patch, self._record)
        patch = refeathered(self._source, self._region, self._plan, self._patch, feather)
        return self._layer(patch, replace(self._record, feather=feather))

    def softened(self) -> PatchLayer | None:
        """Its seam softened without generating; None where that makes nothing better."""
        record = self._record
        better = softened(self._source, self._region, self._plan, self._patch, record.feather)
        if better.before - better.after < GAIN_LEAST:
            return None
        if better.feather != record.feather:
            record = replace(record, feather=better.feather)
        if better.how != "feather":
            record = self._with_tones(record, better.patch)
        return self._layer(better.patch, record)

    def _layer(self, patch: Patch, record: PatchRecord) -> PatchLayer:
        frame = self._plan.frame
        below = self._source[patch.rect.moved(-frame.x, -frame.y).slices]
        return PatchLayer(_buffer(layer_of(below, patch)), patch.rect.x, patch.rect.y, record)

    def _with_tones(self, record: PatchRecord, patch: Patch) -> PatchRecord:
        """What is shown of the frame is from now on what was made, colours matched and bent."""
        frame = self._plan.frame
        made = np.full((frame.height, frame.width, 4), 255, np.uint8)
        made[patch.rect.moved(-frame.x, -frame.y).slices][..., :3] = rounded(patch.made)
        return replace(record, made=_buffer(made), match_colours=False)


def refeathered_pixels(state: CanvasState, layer_id: str, feather: int) -> PatchLayer:
    """An accepted result with another edge. Raises KeyError, ValueError for a layer without an edge."""
    return Blending(state, record_of(state, layer_id), layer_id).layer(feather)


def softened_pixels(state: CanvasState, layer_id: str) -> PatchLayer | None:
    """An accepted result with its seam softened; None where nothing is better. Raises KeyError, ValueError."""
    return Blending(state, record_of(state, layer_id), layer_id).softened()


def record_of(state: CanvasState, layer_id: str) -> PatchRecord:
    """Raises KeyError for no such layer, ValueError for one without a record."""
    record = state.layer(layer_id).record
    if record is None:
        raise ValueError(f"nothing is known of how the layer {layer_id!r} was made")
    return record


def ground_layer(result: Pixels, kept: Rect) -> ImageBuffer:
    """What was added around a picture, H x W x 4 of the extended one; nothing where the picture lies (`kept`)."""
    pixels = np.array(result)
    pixels[kept.slices] = 0
    return _buffer(pixels)


def region_of(record: PatchRecord, size: Size) -> tuple[Region, Plan]:
    """What of a canvas of that size it may change, and the frame that it was made for, which may reach beyond."""
    frame, mask = record.frame, record.mask
    if mask is None:
        raise ValueError("new ground has no edge to blend")
    inside = frame.intersected(Rect.of(size))
    part = mask[inside.moved(-frame.x, -frame.y).slices]
    region = region_at(part, inside, size, record.grow)
    return region, Plan(frame, record.made.size, region.bounds.intersected(frame))


def seen_below(state: CanvasState, rect: Rect, layer_id: str | None = None) -> Pixels:
    """What is seen of the layers below this one (None: of all), rect.height x rect.width x 4. Raises KeyError."""
    layers = state.layers
    if layer_id is not None:
        layers = layers[: layers.index(state.layer(layer_id))]
    return LayerStack(CanvasState(size=state.size, layers=layers), _untouched).composite(rect)


def _untouched(layer: str, key: TileKey, before: Tile | None, rect: Rect) -> None:
    raise RuntimeError("what is only looked at does not change")


def _buffer(pixels: Pixels) -> ImageBuffer:
    pixels.setflags(write=False)
    return ImageBuffer(pixels)
