"""Edits through the runner: what the engine is shown, what comes back, and that nothing else changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.canvas.region_frame import made_sizes
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.edits import FillMode, InpaintSpec, OutpaintSpec, usual_feather
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Cancelled, Failed, Finished, JobEvent, PictureSaved, Preview, Progress, Started
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.jobs.edit_plan import planned_inpaint, planned_outpaint
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.pictures import load_picture, read_texts
from tests.helpers.painting_engine import PaintingEngine

NATIVE = 64


@dataclass
class Desk:
    folder: Path
    events: list[JobEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = ImageStore(self.folder / "images")
        images = JobImages(self.store)
        self.engine = PaintingEngine(images)
        self.runner = JobRunner(
            journal=Journal(self.folder / "journal"),
            results=lambda: self.folder / "results",
            engine=lambda: self.engine,
            images=images,
            app_version="0.1",
        )

    def run(self, request: GenerationRequest) -> list[PictureSaved]:
        self.events.clear()
        self.runner.run(self.runner.accept(request), self.events.append, CancelToken())
        return [event for event in self.events if isinstance(event, PictureSaved)]

    def inpaint(self, picture: Pixels, mask: Pixels, *, count: int = 1, strength: float = 0.9, **spec: object) -> list:
        kept = self.store.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
        inpaint, size = planned_inpaint(InpaintSpec(mask=kept, **spec), mask, NATIVE)  # type: ignore[arg-type]
        return self.run(request(self.store, picture, size, count, strength=strength, inpaint=inpaint))

    def outpaint(self, picture: Pixels, count: int = 1, **margins: int) -> list[PictureSaved]:
        spec = OutpaintSpec(native=NATIVE, **margins)
        size = planned_outpaint(spec, Size(picture.shape[1], picture.shape[0]))
        return self.run(request(self.store, picture, size, count, strength=0.9, outpaint=spec))


def request(store: ImageStore, picture: Pixels, size: Size, count: int, **task: object) -> GenerationRequest:
    return GenerationRequest(
        prompt=PromptSpec(positive="a red apple"),
        sampling=SamplingSpec(seed=7, count=count, steps=10, sampler="DDIM"),
        model=ModelSpec(name="Starter", path="/models/starter", hash="0123456789"),
        size=size,
        image=store.add(ImageBuffer(picture)),
        **task,  # type: ignore[arg-type]
    )


def noise(width: int, height: int, seed: int = 1, *, alpha: bool = False) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if not alpha:
        pixels[..., 3] = 255
    return pixels


def box(width: int, height: int, rect: Rect, value: int = 255) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    mask[rect.slices] = value
    return mask


def outside(mask: Pixels, grow: int) -> np.ndarray:
    """By another way than the program's: for every pixel the distance to the nearest masked one, pixel by pixel."""
    rows, columns = np.nonzero(mask)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    far = np.full(mask.shape, np.inf)
    for row, column in zip(rows, columns, strict=True):
        np.minimum(far, (y - row) ** 2 + (x - column) ** 2, out=far)
    return np.asarray(far > (grow + 0.5) ** 2) if grow else np.asarray(mask == 0)


masks = st.one_of(
    st.builds(Rect, st.integers(0, 60), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=masks,
    second=masks,
    grey=st.integers(1, 255),
    feather=st.integers(0, 24),
    grow=st.sampled_from([0, 0, 3, 9]),
    context=st.integers(0, 40),
    mode=st.sampled_from(list(FillMode)),
    side=st.tuples(st.integers(61, 110), st.integers(41, 90)),
    alpha=st.booleans(),
)
def test_no_pixel_outside_what_is_allowed_ever_changes(
    tmp_path: Path,
    first: Rect,
    second: Rect,
    grey: int,
    feather: int,
    grow: int,
    context: int,
    mode: FillMode,
    side: tuple[int, int],
    alpha: bool,
) -> None:
    desk = Desk(tmp_path)
    width, height = side
    mask = np.maximum(box(width, height, first), box(width, height, second, grey))
    picture = noise(width, height, alpha=alpha)
    (saved,) = desk.inpaint(picture, mask, mode=mode, feather=feather, grow=grow, context=context)
    kept = outside(mask, grow)
    differs = (saved.image.pixels != picture).any(axis=2)
    assert not (differs & kept).any()
    assert saved.edit is not None and saved.edit.changed_outside == 0
    assert load_picture(Path(saved.path)) == saved.image
    if grow == 0:
        assert saved.edit.pixels_outside == np.count_nonzero(kept)


def test_the_modes_begin_with_different_pictures(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    picture, mask = noise(64, 64), box(64, 64, Rect(16, 16, 32, 32))
    starts = {}
    for mode in FillMode:
        desk.inpaint(picture, mask, mode=mode, strength=1.0 if mode is FillMode.REPLACE else 0.9)
        made, start, _mask = desk.engine.seen[-1]
        assert made.inpaint is not None and made.inpaint.mode is mode
        starts[mode] = start.rgb
    assert np.array_equal(starts[FillMode.CHANGE], picture[..., :3])
    inner = Rect(24, 24, 16, 16).slices
    assert starts[FillMode.FILL][inner].std() < 0.5 * picture[..., :3][inner].std()
    assert np.array_equal(starts[FillMode.FILL], starts[FillMode.REMOVE])
    assert np.array_equal(starts[FillMode.REPLACE], picture[..., :3]) and desk.engine.seen[2][0].strength == 1.0
    kept = mask == 0
    assert np.array_equal(starts[FillMode.FILL][kept], picture[..., :3][kept])


def test_each_picture_of_a_run_is_that_of_its_seed_and_tells_all(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    picture, mask = noise(70, 64), box(70, 64, Rect(30, 20, 20, 20))
    several = desk.inpaint(picture, mask, count=2)
    assert [type(event) for event in desk.events if isinstance(event, Started | Finished)] == [Started, Finished]
    alone = desk.run(several[1].request)  # type: ignore[arg-type]
    assert alone[0].image == several[1].image and several[0].image != several[1].image
    record = read_metadata(read_texts(Path(several[1].path))).record
    assert record is not None and record.request == several[1].request and record.request.task == "inpaint"
    report = several[1].edit
    assert report is not None and report.crop.contains(Rect(30, 20, 20, 20)) and len(report.pieces) == 1
    assert report.pieces[0].frame == report.crop and report.pieces[0].image.size == several[1].request.size


def test_previews_say_where_they_belong_and_progress_counts_all_passes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    frame = Rect(8, 0, 160, 120)
    made, refined = made_sizes(frame, NATIVE)
    assert refined is not None
    desk.inpaint(noise(200, 120), box(200, 120, Rect(20, 20, 120, 90)), frame=frame)
    sizes = [request.size for request, _start, _mask in desk.engine.seen]
    assert sizes == [made, refined]
    second = desk.engine.seen[1][0]
    assert second.strength == 0.4 and second.inpaint is not None and second.inpaint.mode is FillMode.CHANGE
    steps = [event for event in desk.events if isinstance(event, Progress)]
    assert [event.step for event in steps] == list(range(1, 14)) and {event.steps for event in steps} == {13}
    assert {event.frame for event in desk.events if isinstance(event, Preview)} == {frame}


def test_models_that_know_no_strength_make_one_pass(tmp_path: Path) -> None:
    """A second one would begin with noise alone and follow an instruction twice."""
    desk = Desk(tmp_path)
    desk.inpaint(noise(200, 120), box(200, 120, Rect(20, 20, 120, 90)), frame=Rect(8, 0, 160, 120))
    first, second = (each for each, _start, _mask in desk.engine.seen)
    assert first.inpaint is not None and second.size.pixels > first.size.pixels
    (saved,) = (event for event in desk.events if isinstance(event, PictureSaved))
    assert isinstance(saved.request, GenerationRequest)
    desk.engine.seen.clear()
    family = ModelFamily.PIX2PIX.value
    desk.run(replace(saved.request, model=replace(saved.request.model, family=family), strength=1.0))
    assert [each.size for each, _start, _mask in desk.engine.seen] == [first.size]
    (started,) = (event for event in desk.events if isinstance(event, Started))
    assert started.steps == 10


def test_a_second_pass_begins_with_what_the_first_has_made(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.engine.paint = lambda request, _start: np.full((request.size.height, request.size.width, 3), 200, np.uint8)
    picture = np.full((120, 200, 4), 255, np.uint8)
    picture[..., :3] = 40
    spec = {"frame": Rect(0, 0, 160, 120), "match_colours": False, "feather": 0}
    (saved,) = desk.inpaint(picture, box(200, 120, Rect(20, 20, 120, 80)), **spec)
    _request, start, mask = desk.engine.seen[1]
    assert start.rgb[mask.pixels[..., 0] == 255].mean() > 190 and start.rgb[0, 0, 0] == 40
    assert (saved.image.pixels[50, 80] == [200, 200, 200, 255]).all()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    margins=st.fixed_dictionaries({side: st.sampled_from([0, 0, 9, 40, 130]) for side in ("left", "top", "right")}),
    bottom=st.integers(1, 40),
    alpha=st.booleans(),
)
def test_outpainting_leaves_the_original_as_it_is(
    tmp_path: Path, margins: dict[str, int], bottom: int, alpha: bool
) -> None:
    desk = Desk(tmp_path)
    picture = noise(71, 58, alpha=alpha)
    (saved,) = desk.outpaint(picture, **margins, bottom=bottom)
    left, top = margins["left"], margins["top"]
    assert saved.image.size == Size(71 + left + margins["right"], 58 + top + bottom)
    place = Rect(left, top, 71, 58)
    assert np.array_equal(saved.image.pixels[place.slices], picture)
    report = saved.edit
    assert report is not None and (report.pixels_outside, report.changed_outside) == (71 * 58, 0)
    new = np.ones(saved.image.pixels.shape[:2], np.bool_)
    new[place.slices] = False
    assert (saved.image.pixels[new][:, 3] == 255).all()
    assert saved.request.task == "outpaint"


def test_steps_of_one_outpainting_use_other_noise(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.outpaint(noise(64, 64), right=100)
    seeds = [request.sampling.seed for request, _start, _mask in desk.engine.seen]
    assert len(seeds) > 1 and len(set(seeds)) == len(seeds) and seeds[0] == 7


@pytest.mark.parametrize("kind", ["fail_at", "cancel_at"])
def test_what_stops_a_part_stops_the_job(tmp_path: Path, kind: str) -> None:
    desk = Desk(tmp_path)
    setattr(desk.engine, kind, 1)
    saved = desk.inpaint(noise(64, 64), box(64, 64, Rect(0, 0, 30, 30)), count=3)
    assert len(saved) == 1 and len(desk.engine.seen) == 2
    last = desk.events[-1]
    if kind == "fail_at":
        assert isinstance(last, Failed) and last.kind is ErrorKind.OUT_OF_MEMORY
    else:
        assert isinstance(last, Cancelled)
    assert not list((tmp_path / "journal").glob("*"))


def test_a_frame_without_anything_masked_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    picture, mask = noise(96, 64), box(96, 64, Rect(70, 10, 20, 20))
    kept = desk.store.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
    spec = InpaintSpec(mask=kept, frame=Rect(0, 0, 64, 64))
    assert desk.run(request(desk.store, picture, Size(64, 64), 1, inpaint=spec)) == []
    last = desk.events[-1]
    assert isinstance(last, Failed) and last.kind is ErrorKind.BAD_INPUT and "frame" in last.message


def test_twenty_edits_in_a_row_leave_everything_else_as_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first = noise(160, 120)
    picture, masked = first, np.zeros((120, 160), np.bool_)
    rng = np.random.default_rng(3)
    for number in range(20):
        x, y, width, height = rng.integers(0, 130), rng.integers(0, 90), rng.integers(3, 30), rng.integers(3, 30)
        mask = box(160, 120, Rect(int(x), int(y), int(width), int(height)))
        mode = list(FillMode)[number % 4]
        (saved,) = desk.inpaint(picture, mask, mode=mode, strength=1.0 if mode is FillMode.REPLACE else 0.9)
        picture, masked = saved.image.pixels, masked | (mask > 0)
    assert np.array_equal(picture[~masked], first[~masked])
    assert (picture[masked] != first[masked]).any(axis=1).mean() > 0.9


@pytest.mark.parametrize(("native", "feather"), [(64, 4), (128, 8), (256, 16), (512, 16), (1024, 16)])
def test_the_usual_feather_is_narrow_for_small_models(native: int, feather: int) -> None:
    assert usual_feather(native) == feather
