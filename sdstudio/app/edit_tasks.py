"""What Generate will do to the canvas as it is: a function of what is there and of what was chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from sdstudio.app.edit_passes import extension
from sdstudio.canvas.region_frame import Plan, made_sizes, plan_bounds, snapped_frame
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.edits import OUTPAINT_STRENGTH, FillMode, OutpaintSpec
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size

EditTask = Literal["text", "image", "inpaint", "outpaint"]

SOURCE_PIXELS = 2048 * 2048
"""Up to here the whole canvas goes along into a job; of a larger one what is near the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`size`: the canvas's, None where it is not what one works on. `blank`: one colour all over, nothing painted on
    it. `painted`: around the mask, not yet grown. `islands`: the frames of its islands, where they were looked for."""

    size: Size | None
    blank: bool
    painted: Rect
    native: int
    mode: FillMode
    grow: int
    context: int
    strength: float
    image_strength: float
    frame: Rect | None
    each_island: bool
    islands: tuple[Plan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPlan:
    """`on_canvas`: the canvas decides; else `task` is "text" and means a picture of its own.

    `frame`: what the model sees, in the canvas's pixels, around all of `plans`; beyond the canvas's edge where it is
    extended. `made`: the size of the first. `islands`: how many frames the mask's islands would have each for itself.
    `alone`: the result is a picture of its own, beside the canvas; `strength_counts`: it can be chosen. `seconds`: for
    all pictures; None where nothing like it was measured. `words` are those of the button, `detail` says what is seen,
    made, and how long that takes, `problem` why nothing can be made. `title` and `says` are of a family that does
    something of its own; else "".
    """

    task: EditTask = "text"
    on_canvas: bool = False
    frame: Rect = NO_PIXELS
    plans: tuple[Plan, ...] = ()
    margins: Margins | None = None
    made: Size = Size(1, 1)
    mode: FillMode | None = None
    strength: float = 1.0
    whole: bool = True
    islands: int = 0
    alone: bool = False
    strength_counts: bool = True
    seconds: float | None = None
    words: str = ""
    detail: str = ""
    problem: str = ""
    title: str = ""
    says: str = ""


def task_of(facts: Facts) -> EditTask:
    """A frame beyond the edge extends; else a mask is filled; else the picture is redrawn, or one made where there is
    none."""
    if facts.size is None:
        return "text"
    if not facts.blank and margins_of(facts.frame, facts.size) is not None:
        return "outpaint"
    if not facts.painted.empty:
        return "inpaint"
    return "text" if facts.blank else "image"


def plan_of(facts: Facts) -> EditPlan:
    """Without words and seconds; `problem` where it cannot be."""
    size, task = facts.size, task_of(facts)
    if size is None:
        return EditPlan()
    known = EditPlan(task=task, on_canvas=True, made=Size(facts.native, facts.native))
    try:
        match task:
            case "inpaint":
                return _inpaint(facts, size, known)
            case "outpaint":
                return _outpaint(facts, size, known)
            case _:
                return _whole(facts, size, known)
    except InvalidRequest as error:
        mode = facts.mode if task == "inpaint" else None
        return replace(known, mode=mode, problem=" ".join(part for part in (error.message, error.hint) if part))


def margins_of(frame: Rect | None, size: Size) -> Margins | None:
    """How far the frame reaches beyond each edge; None where it does nowhere, or shows nothing of the canvas."""
    if frame is None or frame.intersected(Rect.of(size)).empty:
        return None
    left, top = max(0, -frame.x), max(0, -frame.y)
    right, bottom = max(0, frame.right - size.width), max(0, frame.bottom - size.height)
    return Margins(left, top, right, bottom) if left + top + right + bottom else None


def spec_of(margins: Margins, native: int, match_colours: bool = True) -> OutpaintSpec:
    """Raises InvalidRequest(side)."""
    return OutpaintSpec(
        left=margins.left,
        top=margins.top,
        right=margins.right,
        bottom=margins.bottom,
        native=native,
        match_colours=match_colours,
    )


def _inpaint(facts: Facts, size: Size, known: EditPlan) -> EditPlan:
    bounds = facts.painted.grown(facts.grow).intersected(Rect.of(size))
    several = facts.islands if facts.frame is None else ()
    plans = several if facts.each_island and len(several) > 1 else ()
    if not plans:
        plans = (plan_bounds(bounds, size, facts.native, facts.context, facts.frame),)
    return replace(
        known,
        plans=plans,
        frame=_around(plans),
        made=plans[0].made,
        mode=facts.mode,
        strength=facts.strength,
        whole=False,
        islands=len(several),
    )


def _outpaint(facts: Facts, size: Size, known: EditPlan) -> EditPlan:
    margins = margins_of(facts.frame, size)
    assert margins is not None
    spec_of(margins, facts.native)
    larger = extension(size, margins, facts.native)
    plans = tuple(moved(plan, -margins.left, -margins.top) for plan in larger)
    return replace(
        known,
        plans=plans,
        frame=_around(plans),
        margins=margins,
        made=plans[0].made,
        strength=OUTPAINT_STRENGTH,
    )


def _whole(facts: Facts, size: Size, known: EditPlan) -> EditPlan:
    """All of the canvas, or of what the frame shows of it."""
    if facts.frame is None and size.pixels > SOURCE_PIXELS and not facts.blank:
        raise InvalidRequest(
            "frame",
            "The picture is too large to be redrawn all at once.",
            hint="Mask what should change, or draw a frame around it.",
        )
    frame = Rect.of(size) if facts.frame is None else snapped_frame(facts.frame, size)
    made, refined = made_sizes(frame, facts.native)
    return replace(
        known,
        plans=(Plan(frame, made, frame, refined),),
        frame=frame,
        made=made,
        strength=1.0 if facts.blank else facts.image_strength,
        whole=frame == Rect.of(size),
    )


def moved(plan: Plan, dx: int, dy: int) -> Plan:
    """In another picture's pixels."""
    return Plan(plan.frame.moved(dx, dy), plan.made, plan.allowed_bounds.moved(dx, dy), plan.refined)


def plain(plan: Plan) -> bool:
    """Whether the frame is made in its own size at once: then a request without a mask gives the same."""
    return plan.refined is None and plan.made == Size(plan.frame.width, plan.frame.height)


def _around(plans: tuple[Plan, ...]) -> Rect:
    return reduce(Rect.united, (plan.frame for plan in plans))
