"""The state of the canvas decides what Generate does, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.edit_tasks import Facts, margins_of, plan_of, task_of
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.models import ModelInfo, ModelPresets
from sdstudio.domain.request import ModelSpec
from tests.helpers.edit_desk import EditDesk

LARGE_MODEL = ModelInfo(
    spec=ModelSpec(name="Everyday", path="/models/everyday", hash="fedcba9876"),
    presets=ModelPresets(size=Size(512, 768)),
)
FACTS = Facts(
    size=Size(1024, 768),
    blank=False,
    painted=NO_PIXELS,
    native=512,
    mode=FillMode.FILL,
    grow=0,
    context=64,
    strength=0.9,
    image_strength=0.75,
    frame=None,
    each_island=False,
)


@pytest.fixture
def desk(context: AppContext, qtbot: QtBot) -> EditDesk:
    """The model's own size is 64 x 64."""
    return EditDesk(context, qtbot)


def test_without_a_canvas_in_front_a_picture_of_its_own_is_made(desk: EditDesk) -> None:
    assert (desk.plan.task, desk.plan.on_canvas, desk.plan.words) == ("text", False, "Generate")
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    assert desk.plan.task == "inpaint"
    desk.planner.set_canvas_active(False)
    assert (desk.plan.task, desk.plan.on_canvas, desk.plan.words) == ("text", False, "Generate")


def test_a_picture_is_redrawn_and_a_mask_filled(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    assert (desk.plan.task, desk.plan.words, desk.plan.strength) == ("image", "Redraw the picture", 0.75)
    assert desk.plan.frame == Rect(0, 0, 128, 96)
    desk.mask(Rect(40, 30, 20, 20))
    assert (desk.plan.task, desk.plan.words, desk.plan.strength) == ("inpaint", "Fill the mask", 0.9)
    assert desk.plan.frame.contains(Rect(40, 30, 20, 20))
    desk.canvas.undo()
    assert desk.plan.task == "image"


@pytest.mark.parametrize(
    ("mode", "words", "strength"),
    [
        (FillMode.FILL, "Fill the mask", 0.9),
        (FillMode.CHANGE, "Redraw, keep the shape", 0.6),
        (FillMode.REPLACE, "Replace what is masked", 1.0),
        (FillMode.REMOVE, "Remove what is masked", 0.9),
    ],
)
def test_each_mode_says_what_it_does(desk: EditDesk, mode: FillMode, words: str, strength: float) -> None:
    desk.open()
    desk.mask(Rect(40, 30, 20, 20))
    desk.settings.mode = mode
    assert (desk.plan.words, desk.plan.strength, desk.plan.mode) == (words, strength, mode)


@pytest.mark.parametrize("colour", [None, (255, 255, 255), (10, 20, 30)])
@pytest.mark.parametrize("size", [Size(64, 64), Size(600, 300)])
def test_a_blank_canvas_gets_a_picture_and_paint_makes_it_one(
    desk: EditDesk, colour: tuple[int, int, int] | None, size: Size
) -> None:
    desk.blank(size, colour)
    assert (desk.plan.task, desk.plan.on_canvas, desk.plan.words) == ("text", True, "Fill the canvas")
    assert desk.plan.frame == Rect.of(size)
    desk.settings.frame = Rect(0, 0, 40, 40)
    assert (desk.plan.words, desk.plan.frame) == ("Fill the frame", Rect(0, 0, 40, 40))
    desk.settings.frame = None
    desk.paint(Rect(4, 4, 8, 8))
    assert desk.plan.task == "image"
    desk.canvas.undo()
    assert desk.plan.task == "text"


@pytest.mark.parametrize(
    ("frame", "margins", "words"),
    [
        (Rect(64, 0, 128, 96), Margins(right=64), "Extend to the right"),
        (Rect(-8, 0, 136, 96), Margins(left=8), "Extend to the left"),
        (Rect(0, -10, 128, 106), Margins(top=10), "Extend at the top"),
        (Rect(0, 0, 128, 97), Margins(bottom=1), "Extend at the bottom"),
        (Rect(-5, 0, 140, 96), Margins(left=5, right=7), "Extend to both sides"),
        (Rect(0, -5, 128, 106), Margins(top=5, bottom=5), "Extend at top and bottom"),
        (Rect(-1, -1, 130, 98), Margins(1, 1, 1, 1), "Extend all round"),
        (Rect(0, 0, 130, 98), Margins(right=2, bottom=2), "Extend the picture"),
    ],
)
def test_a_frame_beyond_the_edge_extends(desk: EditDesk, frame: Rect, margins: Margins, words: str) -> None:
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    desk.settings.frame = frame
    assert (desk.plan.task, desk.plan.margins, desk.plan.words) == ("outpaint", margins, words)
    whole = Rect.of(Size(128, 96))
    assert desk.plan.frame.united(whole) == frame.united(whole)


def test_a_frame_that_misses_the_mask_is_a_problem(desk: EditDesk) -> None:
    desk.open(Size(256, 96))
    desk.mask(Rect(200, 30, 20, 20))
    desk.settings.frame = Rect(0, 0, 64, 64)
    assert "shows nothing of what is masked" in desk.plan.problem
    assert (desk.plan.task, desk.plan.on_canvas, desk.plan.plans) == ("inpaint", True, ())
    desk.settings.frame = Rect(160, 0, 64, 64)
    assert (desk.plan.problem, desk.plan.frame) == ("", Rect(160, 0, 64, 64))


def test_a_large_picture_is_not_redrawn_as_a_whole(desk: EditDesk) -> None:
    desk.open(Size(2304, 2048))
    assert "too large to be redrawn" in desk.plan.problem
    assert (desk.plan.words, desk.plan.seconds, desk.plan.detail) == ("Redraw the picture", None, "")
    desk.settings.frame = Rect(0, 0, 64, 64)
    assert (desk.plan.problem, desk.plan.words) == ("", "Redraw the frame")


def test_a_frame_belongs_to_its_canvas(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    desk.settings.frame = Rect(0, 0, 64, 64)
    desk.open(Size(128, 96))
    assert desk.settings.frame is None
    desk.settings.frame = Rect(0, 0, 200, 96)
    desk.mask(Rect(40, 30, 20, 20))
    assert desk.settings.frame is not None
    desk.canvas.resize_canvas(Rect(0, 0, 200, 96))
    assert desk.settings.frame is None
    assert desk.plan.task == "inpaint"


def test_the_plan_follows_a_stroke_and_is_told_once_a_turn(desk: EditDesk, qtbot: QtBot) -> None:
    desk.open(Size(600, 400))
    qtbot.waitUntil(lambda: desk.plans[-1:] == [desk.plan])
    desk.plans.clear()
    desk.canvas.update_settings(tool="brush", target="mask")
    desk.canvas.press(PointerEvent(50, 50))
    for number in range(20):
        desk.canvas.move([PointerEvent(50 + number * 25, 50 + number * 15, time_ms=8.0 * number)])
    assert not desk.plans, "told when the event loop turns"
    assert desk.plan.task == "inpaint"
    live = desk.plan.frame
    assert live.contains(Rect(60, 60, 400, 250)), "while the hand still paints"
    QCoreApplication.processEvents()
    assert desk.plans == [desk.plan]
    desk.canvas.release(PointerEvent(525, 335, time_ms=200))
    assert live.contains(desk.canvas.mask_bounds)
    assert desk.plan.frame.contains(desk.canvas.mask_bounds)


def test_islands_are_counted_and_framed_one_by_one(desk: EditDesk) -> None:
    desk.settings.update(context=8)
    desk.open(Size(400, 96))
    desk.mask(Rect(10, 30, 20, 20), Rect(370, 30, 20, 20), Rect(380, 40, 12, 12))
    desk.islands_counted()
    assert desk.plan.islands == 2
    assert len(desk.plan.plans) == 1, "one around all, until each is wanted"
    desk.settings.islands = True
    assert [plan.frame.width for plan in desk.plan.plans] == [64, 64]
    assert desk.plan.frame == Rect(0, 0, 400, desk.plan.frame.height).moved(0, desk.plan.frame.y)
    assert desk.plan.detail.startswith("2 frames, made at up to 64 × 64")
    desk.settings.frame = Rect(0, 0, 64, 64)
    assert len(desk.plan.plans) == 1
    desk.settings.frame = None
    desk.mask(Rect(10, 30, 380, 20))
    desk.islands_counted()
    assert desk.plan.islands == 1


def test_grow_counts_as_allowed(desk: EditDesk) -> None:
    desk.open(Size(300, 300))
    desk.mask(Rect(100, 100, 40, 40))
    desk.settings.update(context=0, grow=30)
    assert desk.plan.plans[0].allowed_bounds == Rect(70, 70, 100, 100)


def test_the_models_own_size_decides(desk: EditDesk) -> None:
    desk.open(Size(1000, 800))
    desk.mask(Rect(100, 100, 40, 40))
    assert max(desk.plan.made.width, desk.plan.made.height) <= 168
    desk.context.session.choose_model(LARGE_MODEL)
    assert desk.planner.native == 768
    assert desk.plan.made.width >= 768
    assert desk.settings.extend_by == 384


def test_cost_is_told_for_all_pictures_as_soon_as_something_like_it_was_measured(desk: EditDesk, qtbot: QtBot) -> None:
    desk.open(Size(64, 64))
    desk.mask(Rect(20, 20, 20, 20))
    assert desk.plan.seconds is None
    assert desk.plan.detail == "sees 64 × 64"
    desk.context.session.update(steps=10, count=2)
    text = desk.context.session.draft_request()
    desk.context.step_times.learn(text, 10.0)
    desk.planner.refresh()
    assert desk.plan.seconds == pytest.approx(18.0), "9 of 10 steps for each of 2 pictures"
    assert desk.plan.detail == "sees 64 × 64, about 18 s"
    desk.settings.mode = FillMode.REPLACE
    assert desk.plan.seconds == pytest.approx(20.0)
    desk.planner.set_canvas_active(False)
    assert desk.plan.seconds == pytest.approx(20.0)


# The function alone


def test_what_goes_before_what() -> None:
    beyond = Rect(512, 0, 768, 768)
    painted = Rect(10, 10, 50, 50)
    assert task_of(replace(FACTS, size=None, painted=painted, frame=beyond)) == "text"
    assert task_of(FACTS) == "image"
    assert task_of(replace(FACTS, painted=painted)) == "inpaint"
    assert task_of(replace(FACTS, painted=painted, frame=beyond)) == "outpaint"
    assert task_of(replace(FACTS, blank=True)) == "text"
    assert task_of(replace(FACTS, blank=True, frame=beyond)) == "text"
    assert task_of(replace(FACTS, blank=True, painted=painted)) == "inpaint"
    assert margins_of(Rect(2000, 0, 64, 64), Size(1024, 768)) is None, "nothing of the picture is in it"


def test_the_words_of_the_frame() -> None:
    plan = plan_of(replace(FACTS, painted=Rect(400, 300, 300, 300)))
    assert (plan.plans[0].refined, plan.made) == (None, Size(512, 512))
    large = plan_of(FACTS)
    assert (large.made, large.plans[0].refined) == (Size(512, 384), Size(1024, 768))


def test_what_cannot_be_is_said() -> None:
    huge = replace(FACTS, size=Size(8192, 8192))
    assert "too large to be redrawn" in plan_of(huge).problem
    assert not plan_of(replace(huge, frame=Rect(0, 0, 512, 512))).problem
    assert not plan_of(replace(huge, painted=Rect(0, 0, 5, 5))).problem
    assert plan_of(replace(FACTS, frame=Rect(0, 0, 20000, 768))).problem
    assert plan_of(replace(huge, frame=Rect(0, 0, 8192 + 8200, 512))).problem
