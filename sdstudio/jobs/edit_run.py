"""An edit of a picture, made: frame by frame through the engine, laid back, and counted.

The engine knows squares of its own size alone. Here the frame is cut out, what is to be filled gets its beginning, and
what comes back is composited in float with the untouched original; then every pixel outside is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from sdstudio.canvas.region_composite import compose
from sdstudio.canvas.region_cut import Cut, cut_frame
from sdstudio.canvas.region_fill import prefilled
from sdstudio.canvas.region_outcome import seam_between
from sdstudio.canvas.region_proof import prove
from sdstudio.domain.edits import REFINE_STRENGTH, EditPiece, EditReport, FillMode, InpaintSpec
from sdstudio.domain.engine_api import CancelToken, Emit
from sdstudio.domain.events import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    ImageReady,
    Loading,
    Preview,
    Progress,
    Started,
)
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import SEED_COUNT, GenerationRequest
from sdstudio.jobs.edit_plan import Edit, EditStep, edit_of, without_fresh
from sdstudio.jobs.job_images import JobImages

STEP_SEED = 1_000_003
"""Added to the seed for each further step of one picture, so that the same noise does not lie side by side."""

_PREFILLED = (FillMode.FILL, FillMode.REMOVE)
RunEngine = Callable[[GenerationRequest, Emit, CancelToken], None]


def is_edit(request: object) -> bool:
    return isinstance(request, GenerationRequest) and (request.inpaint is not None or request.outpaint is not None)


class _Stopped(Exception):
    """The engine ended before it had made the picture."""

    def __init__(self, outcome: Cancelled | Failed) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """One run of the engine: `size` made at `strength`; `mode` None: the request's own."""

    step: EditStep
    number: int
    size: Size
    strength: float
    mode: FillMode
    second: bool

    def of(self, request: GenerationRequest, image: JobImages, cut: Cut, start: Pixels) -> GenerationRequest:
        """What the engine gets: a picture and a mask of the size that is made."""
        mask = image.hold(ImageBuffer.from_rgb(np.repeat(cut.when[..., None], 3, axis=2)))
        seed = (request.sampling.seed + self.number * STEP_SEED) % SEED_COUNT
        return replace(
            request,
            sampling=replace(request.sampling, seed=seed, count=1),
            size=self.size,
            image=image.hold(ImageBuffer.from_rgb(start)),
            strength=self.strength,
            inpaint=InpaintSpec(mask=mask, mode=self.mode),
            outpaint=None,
        )


class EditRun:
    """One job. `take` gets events as if the engine had made the whole picture; each ImageReady comes with its report
    through `done` instead."""

    def __init__(
        self,
        job_id: str,
        request: GenerationRequest,
        images: JobImages,
        run_engine: RunEngine,
        take: Emit,
        done: Callable[[ImageReady, EditReport], None],
        cancel: CancelToken,
    ) -> None:
        self._job_id = job_id
        self._request = request
        self._images = images
        self._run_engine = run_engine
        self._take = take
        self._done = done
        self._cancel = cancel
        self._index = 0
        self._steps_before = 0
        self._steps = 0

    def run(self) -> None:
        """Ends with Finished, Cancelled or Failed. Raises StudioError for a request that cannot be."""
        begin = time.perf_counter()
        try:
            edit = self._prepared()
            passes = list(_passes(edit, self._request))
            self._steps = sum(_steps_of(self._request, each) for each in passes)
            count = self._request.sampling.count
            self._take(Started(job_id=self._job_id, pictures=count, steps=self._steps))
            for self._index in range(count):
                self._picture(edit, passes)
            self._take(Finished(job_id=self._job_id, seconds=time.perf_counter() - begin))
        except _Stopped as stopped:
            self._take(stopped.outcome)
        finally:
            self._images.let_go()

    def _prepared(self) -> Edit:
        request = self._request
        assert request.image is not None
        mask = None
        if request.inpaint is not None:
            mask = self._images.load(request.inpaint.mask.sha256).pixels[..., 0]
        return edit_of(request, self._images.load(request.image.sha256).pixels, mask)

    def _picture(self, edit: Edit, passes: list[_Pass]) -> None:
        begin = time.perf_counter()
        single = self._request.for_batch(self._index)
        canvas = np.array(edit.canvas)
        before = canvas
        pieces: list[EditPiece] = []
        self._steps_before = 0
        for each in passes:
            if self._cancel.cancelled:
                raise _Stopped(Cancelled(job_id=self._job_id))
            if not each.second:
                before = np.array(canvas[each.step.plan.frame.slices])
            made = self._made(single, each, canvas)
            patch = compose(before, each.step.region, each.step.plan, made, each.step.feather, self._matches)
            patch.place(canvas)
            if each.second:
                pieces.pop()
            pieces.append(EditPiece(frame=each.step.plan.frame, image=ImageBuffer.from_rgb(made)))
            self._steps_before += _steps_of(self._request, each)
        report = _report(edit, canvas, tuple(pieces))
        seconds = time.perf_counter() - begin
        image = ImageBuffer(canvas)
        self._done(
            ImageReady(job_id=self._job_id, index=self._index, image=image, request=single, seconds=seconds), report
        )

    @property
    def _matches(self) -> bool:
        spec = self._request.inpaint or self._request.outpaint
        return spec is not None and spec.match_colours

    def _made(self, request: GenerationRequest, each: _Pass, canvas: Pixels) -> Pixels:
        """H x W x 3 of the pass's size."""
        plan = each.step.plan
        region = without_fresh(each.step.region) if each.second else each.step.region
        cut = cut_frame(canvas[plan.frame.slices], region, plan, each.size)
        start = cut.picture
        if each.mode in _PREFILLED:
            start = prefilled(cut.picture, cut.hole, cut.known, each.step.style, request.sampling.seed % 2**32)
        made: list[Pixels] = []
        outcome: list[Finished | Cancelled | Failed] = []

        def take(event: EngineEvent) -> None:
            match event:
                case ImageReady():
                    made.append(event.image.rgb)
                case Finished() | Cancelled() | Failed():
                    outcome.append(event)
                case Progress() | Preview() | Loading():
                    self._pass_on(event, plan.frame)
                case Started():
                    pass

        self._run_engine(each.of(request, self._images, cut, start), take, self._cancel)
        end = outcome[-1] if outcome else None
        if isinstance(end, Cancelled | Failed):
            raise _Stopped(end)
        if not made:
            raise _Stopped(Cancelled(job_id=self._job_id)) if self._cancel.cancelled else RuntimeError("no picture")
        return made[-1]

    def _pass_on(self, event: Progress | Preview | Loading, frame: Rect) -> None:
        """As a part of the whole picture."""
        match event:
            case Progress():
                step = self._steps_before + event.step
                self._take(replace(event, index=self._index, step=step, steps=self._steps))
            case Preview():
                step = self._steps_before + event.step
                self._take(replace(event, index=self._index, step=step, frame=frame))
            case Loading():
                self._take(event)


def _passes(edit: Edit, request: GenerationRequest) -> Iterator[_Pass]:
    mode = FillMode.FILL if request.inpaint is None else request.inpaint.mode
    for number, step in enumerate(edit.steps):
        yield _Pass(step, number, step.plan.made, request.strength, mode, second=False)
        if step.plan.refined is not None and request.can_refine:
            yield _Pass(step, number, step.plan.refined, REFINE_STRENGTH, FillMode.CHANGE, second=True)


def _steps_of(request: GenerationRequest, each: _Pass) -> int:
    return replace(request, strength=each.strength).steps_made


def _report(edit: Edit, result: Pixels, pieces: tuple[EditPiece, ...]) -> EditReport:
    regions = [step.region for step in edit.steps]
    proof = prove(edit.original, result, regions, edit.place)
    seams = [seam_between(edit.canvas, result, region).figure for region in regions]
    return EditReport(
        crop=reduce(Rect.united, (piece.frame for piece in pieces)),
        pixels_outside=proof.pixels_outside,
        changed_outside=proof.changed_outside,
        seam=max(seams),
        pieces=pieces,
    )
