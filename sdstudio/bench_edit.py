"""The canvas's part of `sdstudio bench inpaint`: a frame of 512 pixels cut out of a large canvas, laid back, proved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.region_composite import Patch, compose
from sdstudio.canvas.region_cut import cut_frame
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import Region, region_at
from sdstudio.canvas.region_proof import Proof, prove_tiles
from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import PICTURE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels

SIDE, FRAME = 8192, 512
REPEATS = 9
FEATHER = 16
AIM = "p50 <= 150"
T = TypeVar("T")


def run_edit_bench(side: int = SIDE) -> Iterable[Mapping[str, Any]]:
    """Each part, and all of it. The median counts: the machine does other things as well."""
    document = CanvasDocument.from_image(ImageBuffer(_grain(side, side, 1)))
    frame = Rect(side // 2 - 100, side // 2 - 60, FRAME, FRAME)
    region = region_at(_disc(), frame, document.size)
    plan = Plan(frame, Size(FRAME, FRAME), region.bounds)
    made = _grain(FRAME, FRAME, 2)[..., :3]
    times: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        source = _timed(times, "cut", _cut, document, region, plan)
        patch = _timed(times, "composite", compose, source, region, plan, made, FEATHER)
        proof = _timed(times, "proof", _prove, document, region, patch)
        if proof.changed_outside:
            raise RuntimeError(f"{proof.changed_outside} pixels outside changed")
    what = f"a {FRAME} frame on {side} x {side}"
    for part, values in times.items():
        yield _row(f"{what}: {part}", values)
    yield _row(f"{what}: all of it", [sum(values) for values in zip(*times.values(), strict=True)], AIM)


def _cut(document: CanvasDocument, region: Region, plan: Plan) -> Pixels:
    source = document.composite(plan.frame)
    cut_frame(source, region, plan)
    return source


def _prove(document: CanvasDocument, region: Region, patch: Patch) -> Proof:
    """The picture's tiles against those with the result in them."""
    before = document.state().layer(PICTURE).tiles
    grid = TileGrid(document.size, 4, before)
    grid.write(patch.rect, patch.pixels)
    return prove_tiles(before, grid.freeze(), document.size, [region])


def _timed(times: dict[str, list[float]], part: str, work: Callable[..., T], *arguments: Any) -> T:
    begin = time.perf_counter()
    result = work(*arguments)
    times.setdefault(part, []).append((time.perf_counter() - begin) * 1000)
    return result


def _grain(width: int, height: int, seed: int) -> Pixels:
    small = np.random.default_rng(seed).integers(60, 200, (64, 64, 4), np.uint8)
    small[..., 3] = 255
    return np.tile(small, (-(-height // 64), -(-width // 64), 1))[:height, :width]


def _disc() -> Pixels:
    y, x = np.mgrid[:FRAME, :FRAME]
    inside = (x - FRAME / 2) ** 2 + (y - FRAME / 2) ** 2 < (0.35 * FRAME) ** 2
    return np.where(inside, np.uint8(255), np.uint8(0))


def _row(what: str, values: list[float], aim: str = "") -> Mapping[str, Any]:
    ordered = sorted(values)
    middle, late = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99))
    return {"what": what, "unit": "ms", "n": len(values), "p50": middle, "p99": late, "max": ordered[-1], "aim": aim}
