"""From Generate on the canvas to finished pictures: what goes along, which requests come of it, what is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.edit_build import ground_of, prepare
from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.region_mask import region_at
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.canvas.region_proof import prove
from sdstudio.domain.edits import FillMode
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.pictures import read_texts
from tests.helpers.edit_desk import EditDesk


@pytest.fixture
def desk(ready_context: AppContext, qtbot: QtBot) -> EditDesk:
    """The model's own size is 64 x 64."""
    return EditDesk(ready_context, qtbot)


def loaded_mask(desk: EditDesk, request: GenerationRequest) -> Pixels:
    assert request.inpaint is not None
    return desk.context.images.load(request.inpaint.mask.sha256).pixels[..., 0]


def test_a_mask_becomes_a_job_that_changes_nothing_else(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    before = desk.pixels()
    desk.settings.mode = FillMode.CHANGE
    desk.settings.update(strength=0.5, feather=4, grow=3, context=8, match_colours=False)
    desk.context.session.update(positive="a pear", count=2)
    plan = desk.plan
    saved = desk.generate(2)
    job, request = desk.jobs[0], desk.jobs[0].request
    spec = request.inpaint
    assert spec is not None and desk.edits.job(job.job_id) is job
    assert (job.task, job.mode, job.replaces, job.source) == ("inpaint", FillMode.CHANGE, None, Rect(0, 0, 128, 96))
    assert (request.strength, request.size, request.prompt.positive) == (0.5, plan.made, "a pear")
    assert (spec.feather, spec.grow, spec.context, spec.match_colours) == (4, 3, 8, False)
    assert (spec.frame, spec.refined, spec.mode) == (plan.frame, plan.plans[0].refined, FillMode.CHANGE)
    assert np.array_equal(desk.loaded(request), before)
    assert job.mask is not None and np.array_equal(loaded_mask(desk, request), job.mask)
    assert int((job.mask > 0).sum()) == 400
    region = region_at(job.mask, job.source, Size(128, 96), 3)
    for each in saved:
        assert each.edit is not None and each.edit.changed_outside == 0
        assert each.image.size == Size(job.place.width, job.place.height)
        assert prove(before, each.image.pixels, [region]).changed_outside == 0
        assert not np.array_equal(each.image.pixels, before), "and inside something has"
    assert [each.request.sampling.seed - saved[0].request.sampling.seed for each in saved] == [0, 1]
    assert np.array_equal(desk.pixels(), before), "the canvas waits until a result is accepted"


def test_started_comes_before_anything_is_told_of_the_job(desk: EditDesk) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    order: list[str] = []
    desk.edits.started.connect(lambda job: order.append(f"started {job.job_id}"))
    desk.context.queue.waiting_changed.connect(lambda items: order.extend(f"waits {item.job_id}" for item in items))
    desk.generate()
    job_id = desk.jobs[0].job_id
    assert order[:2] == [f"started {job_id}", f"waits {job_id}"]


def test_the_canvas_is_taken_as_it_is_when_generate_is_pressed(desk: EditDesk) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    before = desk.pixels()
    desk.edits.generate()
    desk.paint(Rect(0, 0, 128, 20))
    desk.canvas.mask_clear()
    desk.qtbot.waitUntil(lambda: bool(desk.saved))
    assert np.array_equal(desk.loaded(desk.jobs[0].request), before)
    assert not np.array_equal(desk.pixels(), before)
    state = desk.jobs[0].snapshot.state
    assert np.array_equal(LayerStack(state, lambda *_: None).composite(Rect(0, 0, 128, 96)), before)
    assert desk.jobs[0].snapshot.undo == ()


def test_a_job_in_the_middle_of_a_stroke_has_the_stroke(desk: EditDesk) -> None:
    desk.open()
    desk.canvas.update_settings(tool="brush", target="mask")
    desk.canvas.press(PointerEvent(64, 48))
    desk.generate()
    assert desk.jobs[0].mask is not None and desk.jobs[0].mask[48, 64] > 0
    desk.canvas.release(PointerEvent(64, 48))


def test_each_island_becomes_a_job_of_its_own(desk: EditDesk) -> None:
    desk.open(Size(400, 96))
    desk.settings.update(context=8)
    desk.settings.islands = True
    desk.mask(Rect(10, 30, 20, 20), Rect(370, 30, 20, 20))
    desk.islands_counted()
    saved = desk.generate(2)
    masks = [loaded_mask(desk, job.request) for job in desk.jobs]
    assert [int((mask > 0).sum()) for mask in masks] == [400, 400]
    assert not (masks[0] & masks[1]).any()
    assert [job.plan.frame for job in desk.jobs if job.plan] == [plan.frame for plan in desk.plan.plans]
    assert [each.edit.pixels_outside for each in saved if each.edit] == [400 * 96 - 400] * 2


def test_of_a_large_canvas_only_the_frame_goes_along(desk: EditDesk) -> None:
    size = Size(2304, 2048)
    rng = np.random.default_rng(1)
    pixels = np.full((2048, 2304, 4), 255, np.uint8)
    pixels[..., :3] = rng.integers(0, 256, (2048, 2304, 1))
    desk.open(image=ImageBuffer(pixels))
    desk.mask(Rect(1000, 1000, 20, 20))
    desk.settings.update(context=8)
    frame = desk.plan.frame
    saved = desk.generate()
    job = desk.jobs[0]
    assert job.source == job.place == frame.grown(32) and job.plan is not None and job.plan.frame == frame
    assert np.array_equal(desk.loaded(job.request), pixels[job.source.slices])
    spec = job.request.inpaint
    assert spec is not None and spec.frame == frame.moved(-job.source.x, -job.source.y)
    after = np.array(pixels)
    after[job.place.slices] = saved[0].image.pixels
    assert job.mask is not None
    assert prove(pixels, after, [region_at(job.mask, job.source, size)]).changed_outside == 0


def test_an_extension_of_a_picture(desk: EditDesk) -> None:
    desk.open(Size(64, 64))
    before = desk.pixels()
    desk.settings.extend_by = 72
    desk.settings.extend("right", Size(64, 64))
    desk.settings.extend("top", Size(64, 64))
    plan = desk.plan
    saved = desk.generate()[0]
    job = desk.jobs[0]
    assert (job.task, job.margins, job.plan, job.mask) == ("outpaint", Margins(right=72, top=72), None, None)
    assert (job.source, job.place) == (Rect(0, 0, 64, 64), Rect(0, -72, 136, 136))
    assert job.request.size == plan.made
    assert saved.image.size == Size(136, 136)
    assert np.array_equal(saved.image.pixels[72:, :64], before)
    assert saved.edit is not None and saved.edit.changed_outside == 0
    assert {piece.frame.moved(0, -72) for piece in saved.edit.pieces} == {each.frame for each in plan.plans}


@pytest.mark.parametrize(
    ("side", "source", "place"),
    [
        ("right", Rect(2176, 0, 128, 2048), Rect(2176, 0, 192, 2048)),
        ("left", Rect(0, 0, 128, 2048), Rect(-64, 0, 192, 2048)),
        ("top", Rect(0, 0, 2304, 128), Rect(0, -64, 2304, 192)),
        ("bottom", Rect(0, 1920, 2304, 128), Rect(0, 1920, 2304, 192)),
    ],
)
def test_a_large_canvas_is_extended_from_its_edge(desk: EditDesk, side: str, source: Rect, place: Rect) -> None:
    desk.blank(Size(2304, 2048), (200, 100, 50))
    desk.paint(Rect(2000, 100, 50, 50))
    desk.settings.extend_by = 64
    desk.settings.extend(side, Size(2304, 2048))
    order = desk.planner.order()
    ground = ground_of(desk.document.snapshot(), desk.context.images)
    (found,) = prepare(order, ground)
    assert (found.source, found.place) == (source, place)
    frames = [plan.frame for plan in desk.plan.plans]
    assert found.request.size == desk.plan.made and all(place.contains(frame) for frame in frames)


def test_a_small_picture_is_redrawn_without_a_mask(desk: EditDesk) -> None:
    desk.open(Size(64, 64))
    desk.settings.image_strength = 0.5
    saved = desk.generate()[0]
    job = desk.jobs[0]
    assert (job.task, job.mask, job.place) == ("image", None, Rect(0, 0, 64, 64))
    assert (job.request.task, job.request.strength, job.request.size) == ("image", 0.5, Size(64, 64))
    assert saved.edit is None and saved.image.size == Size(64, 64)


def test_a_picture_larger_than_the_models_size_is_redrawn_in_two_passes(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    saved = desk.generate()[0]
    job = desk.jobs[0]
    spec = job.request.inpaint
    assert job.task == "image" and spec is not None
    assert (spec.mode, spec.refined, job.request.strength) == (FillMode.CHANGE, Size(128, 96), 0.75)
    assert job.mask is not None and (job.mask == 255).all()
    assert saved.edit is not None and (saved.edit.pixels_outside, saved.edit.seam) == (0, 0)


def test_a_frame_inside_a_picture_is_redrawn_alone(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    before = desk.pixels()
    desk.settings.frame = Rect(32, 16, 64, 64)
    assert desk.plan.words == "Redraw the frame"
    saved = desk.generate()[0]
    job = desk.jobs[0]
    spec = job.request.inpaint
    assert spec is not None and spec.feather == 4 and job.mask is not None
    outside = np.ones((96, 128), np.bool_)
    outside[16:80, 32:96] = False
    assert np.array_equal(saved.image.pixels[outside], before[outside])
    assert np.array_equal(job.mask == 0, outside)


@pytest.mark.parametrize(("size", "task"), [(Size(64, 64), "text"), (Size(128, 96), "inpaint")])
def test_a_blank_canvas_is_filled(desk: EditDesk, size: Size, task: str) -> None:
    desk.blank(size, None)
    saved = desk.generate()[0]
    job = desk.jobs[0]
    assert (job.task, job.request.task, job.place) == ("text", task, Rect.of(size))
    assert saved.image.size == size and saved.image.opaque
    if task == "inpaint":
        assert job.request.inpaint is not None and job.request.inpaint.mode is FillMode.REPLACE
        assert job.request.strength == 1.0


def test_the_files_own_words_go_along(desk: EditDesk, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    info = PngInfo()
    info.add_text("Author", "a person")
    Image.new("RGB", (128, 96), "navy").save(path, pnginfo=info)
    with desk.qtbot.waitSignal(desk.canvas.document_changed):
        desk.canvas.open_file(path)
    desk.planner.set_canvas_active(True)
    desk.mask(Rect(40, 30, 20, 20))
    saved = desk.generate()[0]
    assert read_texts(Path(saved.path))["Author"] == "a person"


def test_a_problem_is_told_and_nothing_is_queued(desk: EditDesk) -> None:
    desk.open(Size(256, 96))
    desk.mask(Rect(200, 30, 20, 20))
    desk.settings.frame = Rect(0, 0, 64, 64)
    desk.edits.generate()
    assert "shows nothing" in str(desk.problems[0])
    assert not desk.jobs and desk.context.queue.current is None


def test_a_full_disk_is_a_problem(desk: EditDesk) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    folder = desk.context.paths.images
    folder.mkdir(parents=True, exist_ok=True)
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    desk.edits.generate()
    desk.qtbot.waitUntil(lambda: bool(desk.problems))
    assert not desk.jobs


def test_fields_that_cannot_be_are_refused_at_once(desk: EditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))

    def refuse() -> GenerationRequest:
        raise InvalidRequest("steps", "No.")

    monkeypatch.setattr(desk.context.session, "build_request", refuse)
    with pytest.raises(InvalidRequest):
        desk.edits.generate()


def test_old_jobs_are_forgotten(desk: EditDesk) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    for _ in range(18):
        desk.edits.generate()
    desk.qtbot.waitUntil(lambda: len(desk.jobs) == 18, timeout=20_000)
    kept = [job.job_id for job in desk.jobs if desk.edits.job(job.job_id) is not None]
    assert kept == [job.job_id for job in desk.jobs[2:]]
    desk.edits.forget(kept[-1])
    assert desk.edits.job(kept[-1]) is None
    desk.context.queue.clear_waiting()
