"""`sdstudio bench seams`: how much the borders of fifty inpaints stand out, and which colour filled ground has.

The starter fills random masks on smooth and on textured pictures of 192 x 160 pixels, all drawn from one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sdstudio.canvas.mask_ops import grow
from sdstudio.domain.edits import MODE_STRENGTHS, EditReport, FillMode, InpaintSpec
from sdstudio.domain.engine_api import CancelToken, Engine
from sdstudio.domain.events import EngineEvent, Failed, ImageReady
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GenerationRequest, PromptSpec, SamplingSpec
from sdstudio.jobs.edit_plan import planned_inpaint
from sdstudio.jobs.edit_run import EditRun
from sdstudio.jobs.job_images import JobImages

COUNT = 50
WIDTH, HEIGHT = 192, 160
SEED = 20240607
RING = 3
"""Pixels on either side of the border whose mean colours are compared."""
RING_AIM = "max < 2"
"""8-bit levels: no grey patch on smooth ground, filled in at a feather of 16."""
STANDS_OUT_AIM = "p50 <= 2"
_PROMPTS = ("", "a red apple", "a yellow star")
_MODES = (FillMode.FILL, FillMode.FILL, FillMode.CHANGE, FillMode.REPLACE)


@dataclass(frozen=True, slots=True)
class Case:
    """One inpaint to be made."""

    ground: str
    picture: Pixels
    mask: Pixels
    mode: FillMode
    prompt: str
    seed: int


def cases(count: int = COUNT) -> Iterator[Case]:
    """Smooth and textured grounds in turn; on smooth ground every second one is filled in without words."""
    rng = np.random.default_rng(SEED)
    for number in range(count):
        smooth = number % 2 == 0
        picture = _smooth(rng) if smooth else _textured(rng)
        plain = smooth and number % 4 == 0
        mode = FillMode.FILL if plain else _MODES[number % len(_MODES)]
        prompt = "" if plain else _PROMPTS[number % len(_PROMPTS)]
        yield Case("smooth" if smooth else "textured", picture, _mask(rng), mode, prompt, number)


def _smooth(rng: np.random.Generator) -> Pixels:
    """One colour that changes gently, as a sky or a wall does."""
    corners = rng.integers(70, 186, 3) + rng.integers(-24, 25, (2, 2, 3))
    return _opaque(Image.fromarray(corners.astype(np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def _textured(rng: np.random.Generator) -> Pixels:
    """Noise of several sizes around a colour, as grass, cloth or stone has."""
    total = np.full((HEIGHT, WIDTH, 3), rng.integers(70, 186, 3), np.float64)
    for side, strength in ((3, 30), (8, 22), (30, 14), (90, 10)):
        small = rng.normal(0, strength, (side, side, 1)).clip(-90, 90) + 128
        grain = Image.fromarray(small[..., 0].astype(np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        total += np.asarray(grain, np.float64)[..., None] - 128
    return _opaque(Image.fromarray(total.clip(0, 255).astype(np.uint8)))


def _opaque(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGBA"))


def _mask(rng: np.random.Generator) -> Pixels:
    """An ellipse, or a thick stroke, somewhere in the middle; every third one soft."""
    image = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(image)
    x, y = rng.integers(60, WIDTH - 60), rng.integers(55, HEIGHT - 55)
    across, down = rng.integers(26, 44, 2)
    if rng.random() < 0.5:
        draw.ellipse((int(x - across), int(y - down), int(x + across), int(y + down)), fill=255)
    else:
        points = [(int(x + dx), int(y + dy)) for dx, dy in rng.integers(-34, 35, (4, 2))]
        draw.line(points, fill=255, width=int(rng.integers(24, 40)), joint="curve")
    if rng.random() < 1 / 3:
        image = image.filter(ImageFilter.GaussianBlur(4))
    return np.asarray(image)


def run_seams_bench(
    engine: Engine, images: JobImages, model: ModelInfo, count: int = COUNT
) -> Iterable[Mapping[str, Any]]:
    """One row for each inpaint, then the distributions. Raises RuntimeError when one of them fails."""
    seams: dict[str, list[float]] = {}
    rings: list[float] = []
    changed = 0
    for case in cases(count):
        report, result = _inpaint(engine, images, model, case)
        changed += report.changed_outside
        seams.setdefault(f"{case.ground} ground, {case.mode.value}", []).append(report.seam)
        row: dict[str, Any] = {"bench": "seams", "ground": case.ground, "mode": case.mode.value, "prompt": case.prompt}
        row |= {"seam": round(report.seam, 3)}
        if case.ground == "smooth" and case.mode is FillMode.FILL and not case.prompt:
            rings.append(ring_difference(result, case.mask))
            row |= {"ring": round(rings[-1], 3)}
        yield row
    every = [seam for found in seams.values() for seam in found]
    yield _row("seam, all", every, STANDS_OUT_AIM)
    for name, found in sorted(seams.items()):
        yield _row(f"seam, {name}", found)
    yield _row("ring inside against outside, filled smooth ground", rings, RING_AIM, "levels")
    yield _row("pixels outside that changed, all together", [float(changed)], "max <= 0", "pixels")


def _inpaint(engine: Engine, images: JobImages, model: ModelInfo, case: Case) -> tuple[EditReport, Pixels]:
    mask = images.hold(ImageBuffer.from_rgb(np.repeat(case.mask[..., None], 3, axis=2)))
    wanted = InpaintSpec(mask=mask, mode=case.mode)
    spec, size = planned_inpaint(wanted, case.mask, model.presets.native)
    request = GenerationRequest(
        prompt=PromptSpec(positive=case.prompt),
        sampling=SamplingSpec(
            steps=model.presets.steps,
            guidance_scale=model.presets.guidance_scale,
            sampler=model.presets.sampler,
            seed=case.seed,
        ),
        model=model.spec,
        size=size,
        image=images.hold(ImageBuffer(case.picture)),
        strength=MODE_STRENGTHS[case.mode],
        inpaint=spec,
    )
    made: list[tuple[EditReport, Pixels]] = []
    failures: list[Failed] = []

    def take(event: EngineEvent) -> None:
        if isinstance(event, Failed):
            failures.append(event)

    def done(event: ImageReady, report: EditReport) -> None:
        made.append((report, event.image.pixels))

    def run(part: GenerationRequest, emit: Callable[[EngineEvent], None], cancel: CancelToken) -> None:
        engine.run("bench", part, emit, cancel)

    EditRun("bench", request, images, run, take, done, CancelToken()).run()
    if failures or not made:
        raise RuntimeError(failures[0].message if failures else "nothing was made")
    return made[0]


def ring_difference(result: Pixels, mask: Pixels) -> float:
    """The largest difference of a channel's mean, in 8-bit levels, between RING pixels inside and outside the border
    of what was allowed. On ground that slopes, both rings lie around the same middle."""
    allowed = (mask > 0).astype(np.uint8)
    outside = (grow(allowed, RING) > 0) & (allowed == 0)
    inside = (grow(1 - allowed, RING) > 0) & (allowed > 0)
    colours = result[..., :3].astype(np.float64)
    return float(np.abs(colours[inside].mean(axis=0) - colours[outside].mean(axis=0)).max())


def _row(what: str, values: list[float], aim: str = "", unit: str = "") -> Mapping[str, Any]:
    ordered = sorted(values) or [0.0]
    at = {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in (("p50", 0.5), ("p99", 0.99))
    }
    return {"what": what, "unit": unit, "n": len(values), **at, "max": ordered[-1], "aim": aim}
