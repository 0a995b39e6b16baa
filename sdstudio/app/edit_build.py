"""What the canvas's thread does before a job: the part of the canvas that goes along, its mask, the requests.

Functions of immutable values, without Qt. They raise InvalidRequest and StorageError.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from sdstudio.app.edit_requests import EditOrder, extending_request, made_plainly, masked_request, plain_request
from sdstudio.app.edit_tasks import SOURCE_PIXELS
from sdstudio.canvas.layers import LayerStack, content_bounds
from sdstudio.canvas.region_frame import Plan, plan_bounds, plan_islands
from sdstudio.canvas.region_mask import region_at
from sdstudio.canvas.region_outpaint import Margins, outpaint_frames
from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import MASK, CanvasSnapshot, CanvasState
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.source_chunks import source_chunks

AROUND = 32
"""Pixels beyond the frame that go along where not all of the canvas does: the seam is measured on them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A request, and what its results are laid back with; the fields are those of EditJob."""

    request: GenerationRequest
    source: Rect
    place: Rect
    plan: Plan | None = None
    margins: Margins | None = None
    mask: Pixels | None = None


class Ground:
    """The canvas that an edit begins with. For one thread."""

    def __init__(self, state: CanvasState, images: ImageStore, file: str = "") -> None:
        """`file`: what the canvas was opened from; what it says besides its pixels goes along."""
        self.state = state
        self.size = state.size
        self._images = images
        self._file = file
        self._stored: dict[Rect, ImageInput] = {}

    @cached_property
    def _layers(self) -> LayerStack:
        return LayerStack(self.state, lambda *_: None)

    @cached_property
    def _chunks(self) -> bytes:
        return source_chunks(Path(self._file)) if self._file else b""

    @cached_property
    def mask(self) -> TileGrid:
        return TileGrid(self.size, 1, self.state.layer(MASK).tiles)

    def around(self, frame: Rect, grow: int = 0) -> Rect:
        """What goes along: all of a small canvas, of a large one the frame and what could reach into it."""
        whole = Rect.of(self.size)
        return whole if self.size.pixels <= SOURCE_PIXELS else frame.grown(max(AROUND, grow)).intersected(whole)

    def stored(self, rect: Rect) -> ImageInput:
        """What is seen there, once."""
        if rect not in self._stored:
            pixels = self._layers.composite(rect)
            pixels.setflags(write=False)
            self._stored[rect] = self._images.add(ImageBuffer(pixels), self._chunks)
        return self._stored[rect]

    def stored_mask(self, mask: Pixels) -> ImageInput:
        """Grey, as a picture."""
        return self._images.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))


def ground_of(snapshot: CanvasSnapshot, images: ImageStore, below: str | None = None) -> Ground:
    """`below`: without this layer and all above it. Raises KeyError."""
    file = snapshot.origin.path if snapshot.origin is not None else snapshot.source
    state = snapshot.state
    if below is not None:
        number = [layer.info.id for layer in state.layers].index(state.layer(below).info.id)
        state = replace(state, layers=state.layers[:number])
    return Ground(state, images, file)


def prepare(order: EditOrder, ground: Ground) -> tuple[Prepared, ...]:
    """One for each frame of a mask's islands, else one."""
    if order.task == "outpaint":
        return (extension(order, ground),)
    if order.task == "inpaint":
        return _masked(order, ground)
    assert order.plan is not None
    return (whole(order, ground, order.plan),)


def _masked(order: EditOrder, ground: Ground) -> tuple[Prepared, ...]:
    grow = order.values.grow
    plans = _plans(order, ground)
    results = []
    for plan in plans:
        source = ground.around(plan.frame, grow)
        mask = ground.mask.read(source)
        if len(plans) > 1:
            mask = _only(mask, plan.frame.moved(-source.x, -source.y))
        results.append(masked(order, ground, plan, source, mask))
    return tuple(results)


def _plans(order: EditOrder, ground: Ground) -> tuple[Plan, ...]:
    """Only islands need the mask's pixels; one frame around all follows from its bounds."""
    painted = content_bounds(ground.mask)
    grow, context = order.values.grow, order.values.context
    if order.frame is None and order.each_island and not painted.empty:
        region = region_at(ground.mask.read(painted), painted, ground.size, grow)
        return plan_islands(region, order.native, context)
    bounds = painted.grown(grow).intersected(Rect.of(ground.size))
    return (plan_bounds(bounds, ground.size, order.native, context, order.frame),)


def masked(order: EditOrder, ground: Ground, plan: Plan, source: Rect, mask: Pixels) -> Prepared:
    """`mask`: source.height x source.width."""
    mask.setflags(write=False)
    request = masked_request(order, plan, source, ground.stored(source), ground.stored_mask(mask))
    return Prepared(request=request, source=source, place=source, plan=plan, mask=mask)


def whole(order: EditOrder, ground: Ground, plan: Plan) -> Prepared:
    """All that the frame shows. In its own size and without a mask where that gives the same."""
    frame = plan.frame
    if made_plainly(order, plan):
        image = None if order.task == "text" else ground.stored(frame)
        return Prepared(request=plain_request(order, plan, image), source=frame, place=frame, plan=plan)
    source = ground.around(frame)
    mask = np.full((source.height, source.width), 255, np.uint8)
    return masked(order, ground, plan, source, _only(mask, frame.moved(-source.x, -source.y)))


def enlarged(order: EditOrder, ground: Ground, made: Size) -> GenerationRequest:
    """All of the canvas, as a picture of its own."""
    return replace(order.base, size=made, image=ground.stored(Rect.of(ground.size)), strength=order.strength)


def extension(order: EditOrder, ground: Ground) -> Prepared:
    """`order.margins` beyond the edges of the canvas."""
    assert order.margins is not None
    return extended_from(order, ground, _edge(ground.size, order.margins, order.native))


def extended_from(order: EditOrder, ground: Ground, source: Rect) -> Prepared:
    """`order.margins` beyond the edges of `source`."""
    margins = order.margins
    assert margins is not None
    size = Size(source.width, source.height)
    made = outpaint_frames(size, margins, order.native)[0].made
    larger = margins.canvas(size)
    place = Rect(source.x - margins.left, source.y - margins.top, larger.width, larger.height)
    request = extending_request(order, made, ground.stored(source))
    return Prepared(request=request, source=source, place=place, margins=margins)


def _edge(size: Size, margins: Margins, native: int) -> Rect:
    """All of the canvas; of a large one that is extended to one side, as much as any frame looks back."""
    whole = Rect.of(size)
    sides = [margins.left, margins.top, margins.right, margins.bottom]
    if size.pixels <= SOURCE_PIXELS or sum(side > 0 for side in sides) > 1:
        return whole
    depth = 2 * native
    edges = {
        "left": Rect(0, 0, depth, size.height),
        "right": Rect(size.width - depth, 0, depth, size.height),
        "top": Rect(0, 0, size.width, depth),
        "bottom": Rect(0, size.height - depth, size.width, depth),
    }
    side = next(name for name in edges if getattr(margins, name))
    return edges[side].intersected(whole)


def _only(mask: Pixels, rect: Rect) -> Pixels:
    """0 outside; a copy."""
    result = np.zeros_like(mask)
    result[rect.slices] = mask[rect.slices]
    return result
