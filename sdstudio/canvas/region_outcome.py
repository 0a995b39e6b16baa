"""A finished edit of a whole picture in memory: composited, proved, its seam measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.region_composite import Patch, compose
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import Floats, Region
from sdstudio.canvas.region_proof import Proof, prove
from sdstudio.canvas.region_seam import Seam, measured_part, seam_of
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The whole picture after it (H x W x 4), the patch alone, and the report."""

    pixels: Pixels
    patch: Patch
    proof: Proof
    seam: Seam


def finished(
    picture: Pixels, region: Region, plan: Plan, made: Pixels | Floats, feather: int, match_colours: bool = True
) -> Outcome:
    """`picture`: the whole canvas before, H x W x 4; it is not changed. For several regions in a row use `compose`
    for each and `prove` once, against the very first picture."""
    patch = compose(picture[plan.frame.slices], region, plan, made, feather, match_colours)
    result = patch.placed(picture)
    return Outcome(result, patch, prove(picture, result, [region]), seam_between(picture, result, region))


def seam_between(before: Pixels, after: Pixels, region: Region) -> Seam:
    """Of two whole canvases."""
    part: Rect = measured_part(region)
    return seam_of(np.ascontiguousarray(before[part.slices]), after[part.slices], region, part)
