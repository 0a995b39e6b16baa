"""Filters on float arrays that the steps of inpainting share: box blur, pull-push filling, scaling by two."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdstudio.canvas.region_mask import Floats, floats

ADDED_MAX = 4
"""Pixels of radius."""


def box_blur(values: Floats, radius: int, passes: int = 1) -> Floats:
    """H x W or H x W x C; each pass the mean of (2 radius + 1)^2 pixels, the array's ends repeated beyond it. Three
    passes come near a Gaussian of standard deviation sqrt(radius (radius + 1))."""
    if radius <= 0 or values.size == 0:
        return values
    for _ in range(passes):
        values = _blurred(_blurred(values, radius, 0), radius, 1)
    return values


def _blurred(values: Floats, radius: int, axis: int) -> Floats:
    """Small windows by adding shifted arrays, large ones by a running sum, whose cost does not depend on the radius."""
    width, length = 2 * radius + 1, values.shape[axis]
    running = radius > ADDED_MAX
    sides = [(0, 0)] * values.ndim
    sides[axis] = (radius + running, radius)
    padded = np.pad(values, sides, mode="edge")
    part = [slice(None)] * values.ndim
    if running:
        padded = np.cumsum(padded, axis=axis, dtype=np.float32)
        part[axis] = slice(None, length)
        first = padded[tuple(part)]
        part[axis] = slice(width, None)
        total = padded[tuple(part)] - first
    else:
        total = np.zeros(values.shape, np.float32)
        for start in range(width):
            part[axis] = slice(start, start + length)
            total += padded[tuple(part)]
    total *= np.float32(1 / width)
    return total


def weighted_blur(values: Floats, weights: Floats, radius: int, passes: int, prior: float) -> Floats:
    """The local mean of H x W x C weighted by H x W, drawn towards 0 where there is less weight nearby than `prior`:
    normalised convolution (H. Knutsson, C.-F. Westin, 1993) with a prior."""
    total = box_blur(weights, radius, passes)
    mean = box_blur(values * weights[..., None], radius, passes)
    return mean / (total + np.float32(prior))[..., None]


def pull_push(values: Floats, known: Floats) -> Floats:
    """H x W x C, known to the degree of H x W (0 to 1): what is not known becomes a smooth continuation of what is.

    Weighted means of 2 x 2 pixels until all is known, then back up, each level filled from the coarser one (S. J.
    Gortler et al., "The Lumigraph", 1996). Where nothing at all is known the result is 0.
    """
    height, width = known.shape
    if known.min(initial=1) >= 1 or height * width <= 1:
        return values * (known > 0)[..., None]
    weights = halved(known)
    means = floats(halved(values * known[..., None]) / np.maximum(weights, np.float32(1e-12))[..., None])
    coarse = pull_push(means, np.minimum(weights * np.float32(4), np.float32(1)))
    rest = known[..., None]
    return values * rest + doubled(coarse, width, height) * (1 - rest)


def halved(values: Floats) -> Floats:
    """Means of 2 x 2; an odd last row or column is paired with zeros."""
    odd = [(0, values.shape[0] % 2), (0, values.shape[1] % 2)] + [(0, 0)] * (values.ndim - 2)
    if odd[0][1] or odd[1][1]:
        values = np.pad(values, odd)
    return (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) * np.float32(0.25)


def doubled(values: Floats, width: int, height: int) -> Floats:
    """Bilinear, cut to the size wanted."""
    return enlarged(values, width, height, (0.0, 0.0, width / 2, height / 2))


def enlarged(
    values: Floats,
    width: int,
    height: int,
    box: tuple[float, float, float, float] | None = None,
    method: Image.Resampling = Image.Resampling.BILINEAR,
) -> Floats:
    """H x W x C at another size, each channel for itself; `box` (left, top, right, bottom): of this part."""
    planes = (Image.fromarray(np.ascontiguousarray(values[..., channel])) for channel in range(values.shape[2]))
    return np.stack([np.asarray(plane.resize((width, height), method, box)) for plane in planes], axis=-1)
