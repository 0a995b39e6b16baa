"""Words for what Generate is about to do to the canvas."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from sdstudio.app import messages
from sdstudio.app.edit_tasks import EditPlan
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import Size


def _tr(text: str) -> str:
    return QCoreApplication.translate("EditWords", text)


def button(plan: EditPlan) -> str:
    """What the Generate button says."""
    if not plan.on_canvas:
        return _tr("Generate")
    match plan.task:
        case "text":
            return _tr("Fill the canvas") if plan.whole else _tr("Fill the frame")
        case "image":
            return _tr("Redraw the picture") if plan.whole else _tr("Redraw the frame")
        case "outpaint":
            return _extend(plan.margins)
        case "inpaint":
            return _inpaint(plan.mode)


def _inpaint(mode: FillMode | None) -> str:
    match mode:
        case FillMode.CHANGE:
            return _tr("Redraw, keep the shape")
        case FillMode.REPLACE:
            return _tr("Replace what is masked")
        case FillMode.REMOVE:
            return _tr("Remove what is masked")
        case _:
            return _tr("Fill the mask")


def _extend(margins: Margins | None) -> str:
    known: dict[tuple[bool, ...], str] = {
        (True, False, False, False): _tr("Extend to the left"),
        (False, True, False, False): _tr("Extend at the top"),
        (False, False, True, False): _tr("Extend to the right"),
        (False, False, False, True): _tr("Extend at the bottom"),
        (True, False, True, False): _tr("Extend to both sides"),
        (False, True, False, True): _tr("Extend at top and bottom"),
        (True, True, True, True): _tr("Extend all round"),
    }
    sides = tuple(amount > 0 for amount in _amounts(margins))
    return known.get(sides, _tr("Extend the picture"))


def added(margins: Margins | None) -> str:
    """`320 px to the right`; what each side gets where there are several."""
    alone = (
        _tr("{count} px to the left"),
        _tr("{count} px at the top"),
        _tr("{count} px to the right"),
        _tr("{count} px at the bottom"),
    )
    names = (_tr("left {count}"), _tr("top {count}"), _tr("right {count}"), _tr("bottom {count}"))
    amounts = _amounts(margins)
    given = [index for index, amount in enumerate(amounts) if amount]
    if len(given) == 1:
        return alone[given[0]].format(count=messages.number(amounts[given[0]]))
    if len(given) == len(amounts) and len(set(amounts)) == 1:
        return _tr("{count} px all round").format(count=messages.number(amounts[0]))
    return ", ".join(names[index].format(count=messages.number(amounts[index])) for index in given)


def seen(plan: EditPlan) -> str:
    """`sees 768 × 640, made at 512 × 432, then 768 × 640`; several frames are only counted. Empty where nothing can be
    made."""
    if not plan.plans:
        return ""
    if len(plan.plans) > 1:
        largest = max((each.made for each in plan.plans), key=lambda made: made.pixels)
        words = _tr("{count} frames, made at up to {size}")
        return words.format(count=messages.number(len(plan.plans)), size=messages.size(largest))
    only = plan.plans[0]
    frame = Size(only.frame.width, only.frame.height)
    parts = [_tr("sees {size}").format(size=messages.size(frame))]
    if only.made != frame:
        parts.append(_tr("made at {size}").format(size=messages.size(only.made)))
    if only.refined is not None:
        parts.append(_tr("then {size}").format(size=messages.size(only.refined)))
    return ", ".join(parts)


def detail(plan: EditPlan) -> str:
    """`sees 768 × 640, made at 512 × 432, about 9 s`."""
    time = "" if plan.seconds is None else messages.about(plan.seconds)
    return ", ".join(part for part in (seen(plan), time) if part)


def _amounts(margins: Margins | None) -> tuple[int, int, int, int]:
    return (0, 0, 0, 0) if margins is None else (margins.left, margins.top, margins.right, margins.bottom)
