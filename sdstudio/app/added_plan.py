"""What the chosen model's family makes of a plan: what it cannot do, what it does otherwise, and words for that."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from sdstudio.app import messages
from sdstudio.app.edit_tasks import EditPlan
from sdstudio.canvas.region_frame import Plan
from sdstudio.domain.family_tasks import FamilyTasks, tasks_of
from sdstudio.domain.geometry import SIDE_MAX, Rect, Size, snap_side
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import DEFAULT_STRENGTH


def _tr(text: str) -> str:
    return QCoreApplication.translate("AddedPlan", text)


def for_family(plan: EditPlan, family: ModelFamily | None, canvas: Size | None) -> EditPlan:
    """`canvas`: its size, None where it is not what one works on."""
    tasks = tasks_of(family)
    if not tasks.strength:
        plan = replace(plan, strength=1.0, strength_counts=False)
    if tasks.enlarges > 1 and plan.task == "image" and canvas is not None:
        return _enlarged(plan, tasks, canvas)
    return plan if tasks.can(plan.task) else replace(plan, problem=_problem(plan))


def usual_strength(family: ModelFamily | None) -> float:
    """For redrawing a picture: a variation keeps what is seen in it, not where that is."""
    return 1.0 if tasks_of(family).varies else DEFAULT_STRENGTH


def words(plan: EditPlan, family: ModelFamily | None, mixed: int = 0) -> str:
    """What the Generate button says where a family does something of its own; "" elsewhere. `mixed`: so many further
    pictures go in."""
    tasks = tasks_of(family)
    if tasks.enlarges > 1:
        return _tr("Enlarge the picture {times}×").format(times=tasks.enlarges)
    if plan.task not in ("image", "inpaint"):
        return ""
    if tasks.instructs:
        if plan.task == "inpaint":
            return _tr("Change what is masked")
        return _tr("Change the picture") if plan.whole else _tr("Change the frame")
    if tasks.varies and plan.task == "image" and mixed:
        return _tr("Mix the pictures") if plan.whole else _tr("Mix into the frame")
    if tasks.varies and plan.task == "image":
        return _tr("Vary the picture") if plan.whole else _tr("Vary the frame")
    return ""


def heading(plan: EditPlan, family: ModelFamily | None) -> tuple[str, str]:
    """What stands above the settings of an edit, and the sentence below it; both "" where they are the usual ones."""
    tasks = tasks_of(family)
    if plan.task != "image":
        return "", ""
    if tasks.enlarges > 1:
        return _tr("Enlarge"), _tr("A picture of its own. The prompt says what is seen.")
    if tasks.instructs:
        return _tr("Change"), _tr("The prompt says what is to change.")
    if tasks.varies:
        return _tr("Vary"), _tr("A picture like this one. At 100 % in a composition of its own.")
    return "", ""


def _problem(plan: EditPlan) -> str:
    if plan.task == "text":
        return _tr("This model needs a picture: open one or drop it on the canvas")
    if plan.task == "outpaint":
        return _tr("This model cannot extend a picture: draw the frame inside it")
    return _tr("This model cannot fill a mask: clear it, or choose another model")


def _enlarged(plan: EditPlan, tasks: FamilyTasks, canvas: Size) -> EditPlan:
    """All of the canvas, as a picture of its own: on the canvas there is no room for it."""
    most = SIDE_MAX // tasks.enlarges
    if max(canvas.width, canvas.height) > most:
        text = _tr("This model enlarges pictures of up to {size}")
        return replace(plan, problem=text.format(size=messages.size(Size(most, most))))
    made = Size(snap_side(canvas.width * tasks.enlarges), snap_side(canvas.height * tasks.enlarges))
    frame = Rect.of(canvas)
    return replace(
        plan, frame=frame, made=made, plans=(Plan(frame, made, frame),), alone=True, whole=True, problem=""
    )  # fmt: skip
