"""What the model starts from where nothing may stay: blurred surroundings or continued edges, with matched noise."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from sdstudio.canvas import mask_ops
from sdstudio.canvas.region_filters import box_blur, pull_push
from sdstudio.canvas.region_mask import Flags, Floats, floats
from sdstudio.domain.image import Pixels

RADII = (64, 32, 16, 4, 2)
PASSES = 4
"""Box blurs, each as often, with what is known put back after every one: the constants of Fooocus, for a picture of
RADII_SIDE pixels (the mean of its sides); for others in proportion, so that no colours come from far behind the rim."""
RADII_SIDE = 1024

NOISE_RING = 32
"""Pixels around the hole whose noise is matched."""

NEUTRAL = 127.0
"""Where nothing at all is known."""


class FillStyle(StrEnum):
    """How a hole begins: as its blurred surroundings (filling in, removing) or as the continued edges of what is known
    (outpainting), which keep more of the texture."""

    SURROUNDINGS = "surroundings"
    EDGES = "edges"


NOISE_BANDS = {FillStyle.SURROUNDINGS: (2, 6.0), FillStyle.EDGES: (4, 8.0)}
"""Octaves of noise, from single pixels up, and the most that each may deviate (8-bit levels, standard deviation)."""


def prefilled(
    picture: Pixels, hole: Pixels, known: Pixels | None = None, style: FillStyle = FillStyle.SURROUNDINGS, seed: int = 0
) -> Pixels:
    """H x W x 3 with its hole filled. `hole` (H x W): 255 = filled, greys in part. `known`: what of the picture can be
    trusted (its alpha), None = all. The same seed gives the same noise.

    The blur is iterated with the known pixels put back each time, so that it approaches a soap film over the hole.
    """
    if not hole.any():
        return picture
    trusted = _trusted(hole, known)
    if style is FillStyle.EDGES:
        start = np.where((trusted > 0)[..., None], picture, nearest(picture, trusted == 255))
    else:
        start = surroundings(picture, trusted)
    film = _blurred(picture, start, trusted)
    noise = matched_noise(picture, trusted, style, seed)
    share = as_share(hole)[..., None]
    return rounded(floats(picture + share * (film + noise[..., None] - picture)))


def _trusted(hole: Pixels, known: Pixels | None) -> Pixels:
    """What the film hangs on: all that stays whole, or where nothing does, whatever stays in part."""
    kept = np.where(hole == 0, np.uint8(255), np.uint8(0))
    if not kept.any():
        kept = 255 - hole
    return kept if known is None else np.minimum(kept, known)


def surroundings(picture: Pixels, known: Pixels) -> Pixels:
    """H x W x 3: what is not known (0 = not at all, 255 = certain) becomes a smooth continuation of the rest."""
    weights = as_share(known)
    if not weights.any():
        return np.full_like(picture, round(NEUTRAL))
    return rounded(pull_push(picture.astype(np.float32), weights))


def rounded(values: Floats) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def as_share(mask: Pixels) -> Floats:
    """0 to 255 as 0 to 1."""
    return mask * np.float32(1 / 255)


def _blurred(picture: Pixels, start: Pixels, trusted: Pixels) -> Pixels:
    original, mask, film = Image.fromarray(picture), Image.fromarray(trusted), Image.fromarray(start)
    scale = math.sqrt(trusted.size) / RADII_SIDE
    for radius in RADII:
        for _ in range(PASSES):
            blurred = film.filter(ImageFilter.BoxBlur(max(1, round(radius * scale))))
            film = Image.composite(original, blurred, mask)
    return np.asarray(film)


def nearest(picture: Pixels, known: Flags) -> Pixels:
    """Each pixel that is not known takes the nearest known one of its row or column; what has none there takes it
    from what was filled so before (the corners beyond a picture)."""
    result, done = np.array(picture), np.array(known)
    if not known.any():
        return np.full_like(picture, round(NEUTRAL))
    while not done.all():
        row, column, apart = _nearest_in_columns(done)
        from_columns = result[row, column]
        column_of, row_of, apart_in_rows = (part.T for part in _nearest_in_columns(done.T))
        nearer = apart_in_rows < apart
        found = np.where(nearer[..., None], result[row_of, column_of], from_columns)
        reached = ~done & (np.minimum(apart, apart_in_rows) < _FAR)
        result[reached] = found[reached]
        done |= reached
    return result


_FAR = 1 << 20
Indices = npt.NDArray[np.int64]


def _nearest_in_columns(known: Flags) -> tuple[Indices, Indices, Indices]:
    """Row and column of the nearest known pixel above or below, and how far it is (_FAR and more: none)."""
    height, width = known.shape
    rows = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(known, rows, -2 * _FAR), axis=0)
    below = np.minimum.accumulate(np.where(known, rows, 2 * _FAR)[::-1], axis=0)[::-1]
    take_above = rows - above <= below - rows
    row = np.where(take_above, above, below)
    apart = np.abs(row - rows)
    return np.clip(row, 0, height - 1), np.broadcast_to(np.arange(width), (height, width)), apart


def matched_noise(picture: Pixels, trusted: Pixels, style: FillStyle, seed: int) -> Floats:
    """H x W, grey, in 8-bit levels: octave by octave as strong as the picture's around the hole, within limits."""
    count, limit = NOISE_BANDS[style]
    ring = _ring(trusted)
    white = np.random.default_rng(seed).standard_normal(trusted.shape, np.float32)
    light = picture.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)
    total = np.zeros_like(white)
    for octave in range(count):
        smoother, calmer = box_blur(light, 1 << octave), box_blur(white, 1 << octave)
        strength = min(_spread((light - smoother)[ring]), limit)
        if octave == 0:
            strength = max(strength, 1.0)  # one level: a patch without any looks cut out of paper
        band = white - calmer
        total += band * np.float32(strength / max(float(band.std()), 1e-6))
        light, white = smoother, calmer
    return total


def _ring(trusted: Pixels) -> Flags:
    """What is certain near the hole; all that is certain where that is little."""
    certain = trusted == 255
    near: Flags = certain & (mask_ops.grow(255 - trusted, NOISE_RING) > 0)
    return near if near.any() else certain


def _spread(values: Floats) -> float:
    """Standard deviation from the median of the deviations' sizes: edges of things are no noise."""
    return 0.0 if values.size == 0 else 1.4826 * float(np.median(np.abs(values)))
