"""An accepted change made again: the same mask and frame, on what lies below it now.

Functions of immutable values, without Qt. They raise InvalidRequest and StorageError.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sdstudio.app.edit_build import Ground, Prepared, extended_from, masked, whole
from sdstudio.app.edit_requests import EditOrder, whole_mode, whole_values
from sdstudio.app.edit_settings import ModeValues
from sdstudio.app.edit_tasks import EditTask
from sdstudio.canvas.region_frame import Plan, made_sizes, plan_bounds, snapped_frame
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.edits import FillMode
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest


def order_again(record: PatchRecord, base: GenerationRequest, native: int) -> EditOrder:
    """With the mode and numbers of then, the edge as it is now; prompt, sampling and model are those of `base`."""
    made = record.request
    values = ModeValues(
        strength=made.strength,
        feather=record.feather,
        grow=record.grow,
        context=0 if made.inpaint is None else made.inpaint.context,
        match_colours=record.match_colours,
    )
    task = _task(made)
    order = EditOrder(
        task=task,
        base=base,
        native=native,
        mode=FillMode.FILL if made.inpaint is None else made.inpaint.mode,
        values=values,
        strength=made.strength,
        frame=record.frame,
    )
    if task in ("text", "image"):
        return replace(order, mode=whole_mode(task), values=whole_values(task, values, whole=True))
    spec = made.outpaint
    return order if spec is None else replace(order, margins=Margins(spec.left, spec.top, spec.right, spec.bottom))


def prepare_again(order: EditOrder, record: PatchRecord, ground: Ground) -> Prepared:
    """`ground`: what lies below the change. Raises InvalidRequest("frame") where the canvas does not hold its place
    any more."""
    if order.task == "outpaint":
        return _extended(order, record, ground)
    frame = snapped(record.frame, ground)
    if order.task == "inpaint":
        return _masked(order, record, ground, frame)
    made, refined = made_sizes(frame, order.native)
    return whole(replace(order, whole=True), ground, Plan(frame, made, frame, refined))


def snapped(frame: Rect, ground: Ground) -> Rect:
    """What the canvas holds of it."""
    inside = frame.intersected(Rect.of(ground.size))
    if inside.empty:
        raise _gone()
    return inside if inside == frame else snapped_frame(inside, ground.size)


def _task(request: GenerationRequest) -> EditTask:
    if request.outpaint is not None:
        return "outpaint"
    if request.inpaint is not None:
        return "inpaint"
    return "text" if request.image is None else "image"


def _masked(order: EditOrder, record: PatchRecord, ground: Ground, frame: Rect) -> Prepared:
    source = ground.around(frame, order.values.grow)
    mask = np.zeros((source.height, source.width), np.uint8)
    place = record.frame.intersected(source)
    if record.mask is None:
        mask[place.moved(-source.x, -source.y).slices] = 255
    else:
        part = place.moved(-record.frame.x, -record.frame.y)
        mask[place.moved(-source.x, -source.y).slices] = record.mask[part.slices]
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        raise _gone()
    left, top = int(columns.min()), int(rows.min())
    painted = Rect.between(left, top, int(columns.max()) + 1, int(rows.max()) + 1).moved(source.x, source.y)
    bounds = painted.grown(order.values.grow).intersected(Rect.of(ground.size))
    made, refined = made_sizes(frame, order.native)
    inside = bounds.intersected(frame)
    if inside.empty:
        plan_bounds(bounds, ground.size, order.native, 0, frame)
    return masked(order, ground, Plan(frame, made, inside, refined), source, mask)


def _extended(order: EditOrder, record: PatchRecord, ground: Ground) -> Prepared:
    """`record.frame` is all of the picture of then, with its new ground."""
    margins = order.margins
    assert margins is not None
    frame = record.frame
    old = Rect.between(
        frame.x + margins.left, frame.y + margins.top, frame.right - margins.right, frame.bottom - margins.bottom
    )
    if old.empty or not Rect.of(ground.size).contains(old):
        raise _gone()
    return extended_from(order, ground, old)


def _gone() -> InvalidRequest:
    return InvalidRequest(
        "frame",
        "This change lies outside of the canvas as it is now.",
        hint="Undo what cut the canvas, then make it again.",
    )
