"""From what an edit is to be to the requests that make it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdstudio.app.edit_settings import ModeValues
from sdstudio.app.edit_tasks import EditPlan, EditTask, plain, spec_of
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.edits import OUTPAINT_STRENGTH, FillMode, ImageInput, InpaintSpec
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.request import GenerationRequest

_NOT_STORED = ImageInput(sha256="0" * 64, width=1, height=1)
"""For estimates: what is in the picture costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOrder:
    """Everything that decides the requests but the pixels. `base`: prompt, sampling and model. `plan`: of the whole
    frame where no mask is filled; a mask's plans follow from its pixels."""

    task: EditTask
    base: GenerationRequest
    native: int
    mode: FillMode
    values: ModeValues
    strength: float
    frame: Rect | None = None
    each_island: bool = False
    plan: Plan | None = None
    whole: bool = True
    margins: Margins | None = None


def whole_values(task: EditTask, values: ModeValues, whole: bool) -> ModeValues:
    """For a frame all of which is made anew: only inside a picture has it an edge that is blended."""
    feather = values.feather if task == "image" and not whole else 0
    return replace(values, feather=feather, grow=0, context=0)


def whole_mode(task: EditTask) -> FillMode:
    return FillMode.CHANGE if task == "image" else FillMode.REPLACE


def made_plainly(order: EditOrder, plan: Plan) -> bool:
    """Without a mask: a new picture, or one redrawn, in its own size."""
    return plain(plan) and (order.task == "text" or order.whole)


def plain_request(order: EditOrder, plan: Plan, image: ImageInput | None) -> GenerationRequest:
    return replace(order.base, size=plan.made, image=image, strength=order.strength)


def masked_request(
    order: EditOrder, plan: Plan, source: Rect, image: ImageInput, mask: ImageInput
) -> GenerationRequest:
    """`source`: where on the canvas `image` and `mask` lie; `plan` is in the canvas's pixels."""
    values = order.values
    inpaint = InpaintSpec(
        mask=mask,
        mode=order.mode,
        feather=values.feather,
        grow=values.grow,
        context=values.context,
        match_colours=values.match_colours,
        frame=plan.frame.moved(-source.x, -source.y),
        refined=plan.refined,
    )
    return replace(order.base, size=plan.made, image=image, strength=order.strength, inpaint=inpaint)


def extending_request(order: EditOrder, made: Size, image: ImageInput) -> GenerationRequest:
    """Raises InvalidRequest(side)."""
    assert order.margins is not None
    spec = spec_of(order.margins, order.native, order.values.match_colours)
    return replace(order.base, size=made, image=image, strength=OUTPAINT_STRENGTH, outpaint=spec)


def for_estimates(plan: EditPlan, order: EditOrder, canvas: Size) -> tuple[GenerationRequest, ...]:
    """Requests that cost what those of the plan will; none where it cannot be made. Raises InvalidRequest."""
    if not plan.plans:
        return ()
    if plan.alone:
        return (plain_request(order, plan.plans[0], _NOT_STORED),)
    if plan.task == "outpaint":
        image = replace(_NOT_STORED, width=canvas.width, height=canvas.height)
        return (extending_request(order, plan.made, image),)
    if plan.task != "inpaint" and made_plainly(order, plan.plans[0]):
        return (plain_request(order, plan.plans[0], None if plan.task == "text" else _NOT_STORED),)
    return tuple(masked_request(order, each, each.frame, _NOT_STORED, _NOT_STORED) for each in plan.plans)
