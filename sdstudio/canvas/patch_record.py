"""What an accepted result was made from, carried along when the canvas is cropped or extended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sdstudio.domain.geometry import Rect
from sdstudio.domain.patches import PatchRecord


def moved_record(record: PatchRecord, rect: Rect) -> PatchRecord | None:
    """`rect`: the new canvas in the old one's coordinates. What was painted beyond it is gone, so that a later edge
    does not bring back what was cut off; None where nothing of it is left."""
    frame = record.frame.moved(-rect.x, -rect.y)
    canvas = Rect(0, 0, rect.width, rect.height)
    inside = frame.intersected(canvas)
    if inside.empty:
        return None
    if record.mask is None or inside == frame:
        return replace(record, frame=frame)
    place = inside.moved(-frame.x, -frame.y).slices
    mask = np.zeros_like(record.mask)
    mask[place] = record.mask[place]
    return replace(record, frame=frame, mask=mask) if mask.any() else None
