"""The runs of the model that one picture of a request takes: one, or several of an edit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_outpaint import Margins, outpaint_frames
from sdstudio.domain.edits import REFINE_STRENGTH
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest, JobRequest


@dataclass(frozen=True, slots=True)
class Pass:
    size: Size
    steps: int


def is_edit(request: JobRequest) -> bool:
    return isinstance(request, GenerationRequest) and (request.inpaint is not None or request.outpaint is not None)


def passes_of(request: GenerationRequest) -> tuple[Pass, ...]:
    """In the order in which they are made."""
    steps = request.steps_made
    again = replace(request, strength=REFINE_STRENGTH).steps_made
    passes: list[Pass] = []
    for made, refined in _sizes(request):
        passes.append(Pass(made, steps))
        if refined is not None and request.can_refine:
            passes.append(Pass(refined, again))
    return tuple(passes)


def _sizes(request: GenerationRequest) -> list[tuple[Size, Size | None]]:
    inpaint, outpaint = request.inpaint, request.outpaint
    if outpaint is not None and request.image is not None:
        margins = Margins(outpaint.left, outpaint.top, outpaint.right, outpaint.bottom)
        plans = extension(request.image.size, margins, outpaint.native)
        return [(plan.made, plan.refined) for plan in plans]
    return [(request.size, None if inpaint is None else inpaint.refined)]


@lru_cache(maxsize=16)
def extension(size: Size, margins: Margins, native: int) -> tuple[Plan, ...]:
    """Of a picture of that size; in the pixels of the larger one. Raises InvalidRequest("size")."""
    return outpaint_frames(size, margins, native)
