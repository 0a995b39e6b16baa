"""What the model gets of a frame: its picture and its mask at the size that is made, and the way back.

A frame whose size is that of the made one up to the next multiples of 8 is carried over pixel by pixel, filled up by
repeating its last row and column; any other is resampled (Lanczos with the reach of the larger pixel). Masks take the
highest value that a pixel of the new size overlaps: a stroke of 3 pixels stays, however small it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.region_fill import surroundings
from sdstudio.canvas.region_filters import enlarged
from sdstudio.canvas.region_frame import Plan, is_padded
from sdstudio.canvas.region_mask import Flags, Floats, Region
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """All H x W of the size asked for. `picture` x 3: transparent and fresh places show their blurred surroundings.
    `when`: the mask for the model. `allowed`: where any of it will be shown. `known` (uint8): the source's alpha, 0
    where fresh. `hole` (uint8): what a prefill replaces, to which degree; it is what is allowed to change, as much as
    `when` says, but of a canvas that is extended the fresh ground alone."""

    picture: Pixels
    when: Pixels
    allowed: Flags
    known: Pixels
    hole: Pixels


def cut_frame(source: Pixels, region: Region, plan: Plan, size: Size | None = None) -> Cut:
    """`source`: the canvas's pixels of plan.frame, H x W x 4. `size` None = plan.made; give plan.refined for the
    second pass."""
    frame = plan.frame
    if source.shape != (frame.height, frame.width, 4):
        raise ValueError(f"pixels of {source.shape} for the frame {frame}")
    size = size or plan.made
    alpha = source[..., 3] * ~region.fresh_in(frame)
    if alpha.min() == OPAQUE:
        picture, known = fitted(source[..., :3], size), np.full((size.height, size.width), OPAQUE, np.uint8)
    else:
        picture, known = _fitted_clear(source, alpha, size)
    when = fitted_mask(region.when_in(frame), size)
    allowed = _fitted_flags(region.allowed_in(frame), size)
    replaced = allowed if region.fresh is None else _fitted_flags(region.fresh_in(frame), size)
    return Cut(picture, when, allowed, known, when * replaced)


def _fitted_flags(flags: Flags, size: Size) -> Flags:
    return np.greater(fitted_mask(flags.view(np.uint8), size), 0)


def _fitted_clear(source: Pixels, alpha: Pixels, size: Size) -> tuple[Pixels, Pixels]:
    """Colours weighted by alpha, so that what is hidden does not bleed in; known as far as the least known pixel."""
    seen = np.dstack([source[..., :3], alpha])
    if not is_padded(Size(alpha.shape[1], alpha.shape[0]), size):
        weighted = Image.fromarray(seen).convert("RGBa")
        small = weighted.resize((size.width, size.height), Image.Resampling.LANCZOS)
        seen = np.asarray(small.convert("RGBA"))
    picture = fitted(seen[..., :3], size)
    known = OPAQUE - fitted_mask(OPAQUE - alpha, size)
    return surroundings(picture, fitted(seen[..., 3], size)), known


def fitted(pixels: Pixels, size: Size) -> Pixels:
    """H x W or H x W x 3 (each channel for itself) at the size made."""
    own = Size(pixels.shape[1], pixels.shape[0])
    if is_padded(own, size):
        return _filled_up(pixels, size)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((size.width, size.height), Image.Resampling.LANCZOS))


def fitted_mask(mask: Pixels, size: Size) -> Pixels:
    """The highest value under each pixel of the new size."""
    own = Size(mask.shape[1], mask.shape[0])
    if is_padded(own, size):
        return _filled_up(mask, size)
    return _highest(_highest(mask, size.height).T, size.width).T


def _highest(values: Pixels, count: int) -> Pixels:
    """Rows at `count` rows: the maximum over all rows that each of the new ones overlaps."""
    height = len(values)
    numbers = np.arange(count)
    first = numbers * height // count
    after = -(-(numbers + 1) * height // count)
    result = values[first]
    for step in range(1, int((after - first).max())):
        np.maximum(result, values[np.minimum(first + step, after - 1)], out=result)
    return result


def _filled_up(pixels: Pixels, size: Size) -> Pixels:
    height, width = pixels.shape[:2]
    if (height, width) == (size.height, size.width):
        return np.ascontiguousarray(pixels)
    sides = [(0, size.height - height), (0, size.width - width)] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(pixels, sides, mode="edge")


def returned(made: Floats, frame: Rect, part: Rect) -> Floats:
    """What was made for the frame, H x W x 3 of any size, at the canvas's pixels of `part` of it."""
    height, width = made.shape[:2]
    place = part.moved(-frame.x, -frame.y)
    if is_padded(Size(frame.width, frame.height), Size(width, height)):
        return made[place.slices]
    across, down = width / frame.width, height / frame.height
    box = (place.x * across, place.y * down, place.right * across, place.bottom * down)
    return enlarged(made, part.width, part.height, box, Image.Resampling.LANCZOS)
