"""Which frames an edit is made in: from what a person asks for to what the model is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdstudio.canvas.region_fill import FillStyle
from sdstudio.canvas.region_frame import Plan, plan_region
from sdstudio.canvas.region_mask import Region, region_of_mask
from sdstudio.canvas.region_outpaint import OVERLAP, Margins, extended, plan_outpaint
from sdstudio.domain.edits import InpaintSpec, OutpaintSpec
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.domain.request import GenerationRequest


@dataclass(frozen=True, slots=True, eq=False)
class EditStep:
    """One generation: what is allowed to change in it, which frame the model sees, how a hole begins."""

    region: Region
    plan: Plan
    style: FillStyle
    feather: int


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """`canvas`: the picture before (H x W x 4), on its larger ground where it is extended; the original lies at
    `place`. The steps are made in their order, each on what the ones before have left."""

    original: Pixels
    canvas: Pixels
    place: Rect
    steps: Sequence[EditStep]


def planned_inpaint(spec: InpaintSpec, mask: Pixels, native: int) -> tuple[InpaintSpec, Size]:
    """`spec` with the frame that it gets, and the size that is made. `mask`: H x W; `native`: the model's own
    resolution. Raises InvalidRequest("mask" | "frame")."""
    plan = plan_region(region_of_mask(mask, spec.grow), native, spec.context, spec.frame)
    return replace(spec, frame=plan.frame, refined=plan.refined), plan.made


def planned_outpaint(spec: OutpaintSpec, picture: Size) -> Size:
    """The size of the first step. Raises InvalidRequest("size") for a picture that would become too large."""
    return plan_outpaint(picture, margins_of(spec), spec.native)[0].plan.made


def margins_of(spec: OutpaintSpec) -> Margins:
    return Margins(spec.left, spec.top, spec.right, spec.bottom)


def edit_of(request: GenerationRequest, picture: Pixels, mask: Pixels | None) -> Edit:
    """`picture`: H x W x 4; `mask`: H x W, for inpainting. Raises InvalidRequest."""
    if request.outpaint is not None:
        return _outpaint(request.outpaint, picture)
    if request.inpaint is None or mask is None:
        raise ValueError("a request that edits nothing")
    spec = request.inpaint
    region = region_of_mask(mask, spec.grow)
    if spec.frame is None:
        plan = plan_region(region, max(request.size.width, request.size.height), spec.context)
    else:
        bounds = region.bounds.intersected(spec.frame)
        if bounds.empty:
            plan_region(region, max(request.size.width, request.size.height), spec.context, spec.frame)
        plan = Plan(spec.frame, request.size, bounds, spec.refined)
    step = EditStep(region, plan, FillStyle.SURROUNDINGS, spec.feather)
    return Edit(picture, picture, _whole(picture), (step,))


def _outpaint(spec: OutpaintSpec, picture: Pixels) -> Edit:
    margins = margins_of(spec)
    size = Size(picture.shape[1], picture.shape[0])
    steps = plan_outpaint(size, margins, spec.native)
    made = tuple(EditStep(step.region, step.plan, FillStyle.EDGES, OVERLAP) for step in steps)
    return Edit(picture, extended(picture, margins), margins.place(size), made)


def _whole(picture: Pixels) -> Rect:
    return Rect(0, 0, picture.shape[1], picture.shape[0])


def without_fresh(region: Region) -> Region:
    """For a second pass: by then nothing is empty any more."""
    return Region(region.size, region.rect, np.array(region.when), region.allowed)
