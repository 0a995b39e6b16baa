"""Softens a seam without generating: a wider feather, and what is left of the step at the border taken out smoothly.

Never outside what is allowed. The tones of what was made are bent so that they meet the picture's along the border:
their difference just outside it is carried inwards as a soap film that fades with the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.region_composite import Patch, blended
from sdstudio.canvas.region_feather import composite_weights, depths
from sdstudio.canvas.region_filters import box_blur, pull_push
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import Floats, Region, floats
from sdstudio.canvas.region_seam import seam_of
from sdstudio.domain.edits import FEATHER_MAX
from sdstudio.domain.image import Pixels

FEATHER_MIN = 32
"""Pixels of the wider feather, at least; otherwise twice what it was."""

FILM_DEPTH = 48
"""Pixels inwards over which the film fades."""

FILM_RING = 6
"""Pixels outside the border whose difference is carried inwards."""

FILM_MAX = 40.0
"""Levels."""


@dataclass(frozen=True, slots=True, eq=False)
class Softened:
    """The better patch, by its seam; `how`: "feather", "tones", "both", or "" where none was better than what was.
    `feather`: the one that it has now."""

    patch: Patch
    how: str
    before: float
    after: float
    feather: int


def softened(source: Pixels, region: Region, plan: Plan, patch: Patch, feather: int) -> Softened:
    """`source`: the canvas's pixels of plan.frame before the patch; `feather`: the one it was made with."""
    wider = min(max(2 * feather, FEATHER_MIN), FEATHER_MAX)
    wide = composite_weights(region, patch.rect, plan.frame, wider)
    bent = _bent(source, region, plan, patch)
    tries = {
        "feather": (patch.made, wide, wider),
        "tones": (bent, patch.weights, feather),
        "both": (bent, wide, wider),
    }
    first = _figure(source, region, plan, patch)
    best = Softened(patch, "", first, first, feather)
    for how, (made, weights, used) in tries.items():
        other = blended(source, plan, made, weights, patch.colours)
        figure = _figure(source, region, plan, other)
        if figure < best.after:
            best = Softened(other, how, first, figure, used)
    return best


def _figure(source: Pixels, region: Region, plan: Plan, patch: Patch) -> float:
    after = np.array(source)
    after[patch.rect.moved(-plan.frame.x, -plan.frame.y).slices] = patch.pixels
    return seam_of(source, after, region, plan.frame).figure


def _bent(source: Pixels, region: Region, plan: Plan, patch: Patch) -> Floats:
    """`patch.made` plus the film. What was made ends at the patch's edge, so the difference at the border is that of
    the picture outside and of what was made inside, both averaged over a few pixels."""
    frame = plan.frame
    around = patch.rect.grown(FILM_RING).intersected(frame)
    inner = patch.rect.moved(-around.x, -around.y).slices
    allowed = region.allowed_in(around)
    old = source[around.moved(-frame.x, -frame.y).slices]
    kept = ~allowed & (old[..., 3] == 255)
    made = np.zeros((around.height, around.width, 3), np.float32)
    made[inner] = patch.made
    outside = depths(~allowed, FILM_RING + 1)
    inside = depths(allowed, FILM_DEPTH)
    want = _near(floats(old[..., :3]), floats(kept & (outside <= FILM_RING)))
    have = _near(made, floats(allowed & (inside <= FILM_RING)))
    line = allowed & (inside < 2) & (want[1] > 0.02) & (have[1] > 0.02)
    difference = np.clip(want[0] - have[0], -FILM_MAX, FILM_MAX)
    film = box_blur(pull_push(floats(difference), floats(line)), 2, 2)
    fade = np.clip(1 - inside / FILM_DEPTH, 0, 1)[..., None]
    return floats(patch.made + (film * fade * fade)[inner])


def _near(values: Floats, share: Floats) -> tuple[Floats, Floats]:
    weight = box_blur(share, FILM_RING)
    total = box_blur(floats(values * share[..., None]), FILM_RING)
    return floats(total / np.maximum(weight, 1e-3)[..., None]), weight
