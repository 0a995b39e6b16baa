"""An accepted result as a layer: over what lies below it shows the very pixels that were seen before.

Its alpha is the composite mask, so that it stays an honest layer: seen at half its opacity, or over a picture that has
changed since, it blends as the mask says. Its colours are those that were made, moved as little as needed for `blend`
to give exactly the candidate's bits over the present, opaque picture (composited in float, while a layer's alpha has
255 steps only). Where no colour can do that the alpha is raised to the least that can. So nothing is rounded twice,
and where the mask is 0 the layer is empty.

Over a picture that is transparent in part there is no such guarantee: there alpha is at most 1 off the candidate's,
colours weighted by alpha at most 2. Where it is wholly transparent the candidate's own pixels are taken.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.region_composite import Patch
from sdstudio.canvas.region_fill import rounded
from sdstudio.canvas.region_mask import floats
from sdstudio.domain.image import Pixels

Ints = npt.NDArray[np.int32]
_HALF = OPAQUE // 2


def layer_of(below: Pixels, patch: Patch) -> Pixels:
    """`below`: what is seen at patch.rect without it, as it was blended from, H x W x 4. The same shape comes back."""
    whole = (patch.weights >= 1) | ((patch.weights > 0) & (below[..., 3] == 0))
    result: Pixels = patch.pixels * whole[..., None]
    places = np.flatnonzero((patch.weights > 0) & ~whole)
    under = below.reshape(-1, 4)[places]
    seen = patch.pixels.reshape(-1, 4)[places]
    made = rounded(patch.made.reshape(-1, 3)[places])
    steps = rounded(patch.weights.reshape(-1)[places] * OPAQUE)
    pixels = _over_opaque(under, seen, made, steps)
    partly = under[:, 3] < OPAQUE
    if partly.any():
        pixels[partly] = _over_part(under[partly], seen[partly], steps[partly])
    pixels[pixels[:, 3] == 0] = 0
    result.reshape(-1, 4)[places] = pixels
    return result


def _over_opaque(under: Pixels, seen: Pixels, made: Pixels, steps: Pixels) -> Pixels:
    """N x 4. `blend` gives round(((255 - a) under + a colour) / 255): for each alpha that reaches `seen` there is a
    whole colour that gives it, as one step of colour moves the result by a / 255 of a step."""
    lower, wanted = under[:, :3].astype(np.int32), seen[:, :3].astype(np.int32)
    way = wanted - lower
    room = np.where(way > 0, OPAQUE - lower, np.maximum(lower, 1))
    least = -((_HALF - OPAQUE * np.abs(way)) // room)
    alpha: Ints = np.maximum(steps, least.max(axis=1)).astype(np.int32)
    share = np.maximum(alpha, 1)[:, None]
    rest = OPAQUE * wanted - (OPAQUE - share) * lower
    colours = np.clip(made, -((_HALF - rest) // share), (rest + _HALF) // share)
    return np.concatenate([np.clip(colours, 0, OPAQUE), alpha[:, None]], axis=1).astype(np.uint8)


def _over_part(under: Pixels, seen: Pixels, steps: Pixels) -> Pixels:
    """N x 4, from the weighted colours, solved for the upper one."""
    alpha = np.maximum(steps, 1).astype(np.float32)[:, None]
    lower = under[:, 3:] * (OPAQUE - alpha) / OPAQUE
    colours = floats((seen[:, 3:] * seen[:, :3].astype(np.float32) - lower * under[:, :3]) / alpha)
    return np.concatenate([rounded(colours), steps[:, None]], axis=1)
