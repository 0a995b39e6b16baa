"""A canvas with something on every layer, and a hand that draws on it."""

from __future__ import annotations

import numpy as np

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tools import Tool
from sdstudio.domain.canvas_state import TILE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

SIZE = Size(TILE + 60, TILE + 30)


def fresh(seed: int = 1) -> CanvasDocument:
    """With something on every layer: whole tiles, parts, transparent pixels with a colour."""
    rng = np.random.default_rng(seed)
    document = CanvasDocument.blank(SIZE, (250, 240, 230, 255))
    document.begin("before")
    document.mask.write(Rect(30, 20, 120, 100), rng.integers(0, 256, (100, 120), np.uint8))
    document.mask.fill(Rect(200, 0, 80, 60), 255)
    paint = rng.integers(0, 256, (150, 140, 4), np.uint8)
    paint[:50, :, 3] = 0
    paint[50:90, :, 3] = 255
    document.paint.write(Rect(60, 40, 140, 150), paint)
    document.commit()
    return document


def changed(before: Pixels, after: Pixels) -> Pixels:
    differs = before != after
    return differs.any(axis=2) if differs.ndim == 3 else differs


def drag(tool: Tool, samples: list[PointerEvent]) -> Rect:
    rect = tool.press(samples[0])
    for first in range(1, len(samples), 4):
        rect = rect.united(tool.move(samples[first : first + 4]))
    return rect.united(tool.release(samples[-1]))
