"""What was made, laid back into the canvas: never outside what is allowed, blended in float with the original.

Straight alpha: the result is as opaque as the composite mask at least; pixels that it does not touch keep all four
bytes, transparent ones their colours too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.region_colour import UNMATCHED, ColourMatch, matched, ring_of
from sdstudio.canvas.region_cut import cut_frame, returned
from sdstudio.canvas.region_feather import composite_weights
from sdstudio.canvas.region_fill import rounded
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import Floats, Region, floats
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The canvas's pixels of `rect` as they are after it (H x W x 4), and what they were blended from: `made`
    (H x W x 3 float, 8-bit levels, colours matched) by `weights` (H x W, 0 to 1)."""

    rect: Rect
    pixels: Pixels
    made: Floats
    weights: Floats
    colours: ColourMatch = UNMATCHED

    def place(self, canvas: Pixels) -> None:
        """Into an array as large as the canvas."""
        canvas[self.rect.slices] = self.pixels

    def placed(self, canvas: Pixels) -> Pixels:
        """A copy of the whole canvas with it."""
        result = np.array(canvas)
        self.place(result)
        return result

    def layer(self) -> Pixels:
        """H x W x 4: what was made with the composite mask as its alpha, to lie over the untouched original."""
        return np.dstack([rounded(self.made), rounded(self.weights * OPAQUE)])


def compose(
    source: Pixels, region: Region, plan: Plan, made: Pixels | Floats, feather: int, match_colours: bool = True
) -> Patch:
    """`source`: the canvas's pixels of plan.frame (H x W x 4), as the cut was taken from them. `made`: H x W x 3 of
    plan.made, plan.refined, or any other size with sides that are multiples of 8 (a preview), in 8-bit levels."""
    levels: Floats = np.ascontiguousarray(made, dtype=np.float32)
    colours = UNMATCHED
    if match_colours:
        cut = cut_frame(source, region, plan, Size(levels.shape[1], levels.shape[0]))
        levels, colours = matched(levels, cut.picture, ring_of(cut))
    part = plan.allowed_bounds
    levels = returned(levels, plan.frame, part)
    return blended(source, plan, levels, composite_weights(region, part, plan.frame, feather), colours)


def refeathered(source: Pixels, region: Region, plan: Plan, patch: Patch, feather: int) -> Patch:
    """The same result with another edge, without generating."""
    weights = composite_weights(region, patch.rect, plan.frame, feather)
    return blended(source, plan, patch.made, weights, patch.colours)


def blended(source: Pixels, plan: Plan, made: Floats, weights: Floats, colours: ColourMatch = UNMATCHED) -> Patch:
    """`made` and `weights` are those of plan.allowed_bounds. What is fresh is made as it is, whatever lies there.

    Resampling and matching may overshoot: what no pixel can hold, no layer could show again, so it is cut off first.
    """
    part = plan.allowed_bounds
    made = floats(np.clip(made, 0, OPAQUE))
    below = source[part.moved(-plan.frame.x, -plan.frame.y).slices]
    return Patch(part, _over(below, made, weights), made, weights, colours)


def _over(below: Pixels, made: Floats, weights: Floats) -> Pixels:
    """(1 - w) a below + w made, divided by the alpha that is left: (1 - w) a + w."""
    share = weights[..., None]
    if below[..., 3].min(initial=OPAQUE) == OPAQUE:
        colours = floats(below[..., :3] + share * (made - below[..., :3]))
        alpha = np.full(weights.shape, OPAQUE, np.uint8)
    else:
        under = (1 - share) * (below[..., 3:] * np.float32(1 / OPAQUE))
        opacity = floats(under + share)
        colours = floats((under * below[..., :3] + share * made) / np.maximum(opacity, 1e-6))
        alpha = rounded(opacity[..., 0] * OPAQUE)
    mixed = np.dstack([rounded(colours), alpha])
    shown = (weights > 0) & (alpha > 0)
    return np.where(shown[..., None], mixed, below)
