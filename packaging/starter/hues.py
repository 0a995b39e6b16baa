"""Which colour a drawn thing has: the commonest hue of what stands before a plain ground."""

from __future__ import annotations

import numpy as np
from PIL import Image

RANGES = {
    "red": ((345, 360), (0, 16)),
    "orange": ((16, 40),),
    "yellow": ((40, 70),),
    "green": ((70, 165),),
    "blue": ((180, 250),),
    "purple": ((250, 300),),
    "pink": ((300, 345),),
}
"""Degrees on the colour wheel. The data's own hues lie well inside: 0, 26, 48, 125, 215, 270, 325."""
AWAY = 40
"""How far a pixel's colour must lie from the ground's (sum over R, G, B) to belong to the thing."""
VIVID = 60
"""Saturation and value (of 255) below which a pixel has no hue to speak of."""
EDGE = 4


def hue_name(picture: np.ndarray) -> str:
    """The colour word of H x W x 3 uint8 with a thing before a plain ground; "none" where nothing has a hue."""
    ground = np.median(
        np.concatenate([picture[:EDGE].reshape(-1, 3), picture[-EDGE:].reshape(-1, 3)]).astype(np.int32), axis=0
    )
    thing = np.abs(picture.astype(np.int32) - ground).sum(2) > AWAY
    hue, saturation, value = np.moveaxis(np.asarray(Image.fromarray(picture).convert("HSV")).astype(np.int32), 2, 0)
    degrees = hue[thing & (saturation > VIVID) & (value > VIVID)] * 360 / 256
    if degrees.size < 30:
        return "none"
    counts = {
        name: sum(int(((degrees >= low) & (degrees < high)).sum()) for low, high in parts)
        for name, parts in RANGES.items()
    }
    return max(counts, key=lambda name: counts[name])
