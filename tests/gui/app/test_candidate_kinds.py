"""Candidates of every kind of edit: extensions, islands, painted hints, a whole picture."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.geometry import Rect, Size
from tests.helpers.candidate_desk import CandidateDesk


@pytest.fixture
def desk(ready_context: AppContext, qtbot: QtBot) -> CandidateDesk:
    return CandidateDesk(ready_context, qtbot)


def test_an_extension_keeps_every_pixel_and_is_one_undo(desk: CandidateDesk) -> None:
    desk.open(Size(96, 80), None)
    before = desk.composite()
    desk.context.edit_settings.extend("right", Size(96, 80))
    desk.wait(lambda: desk.context.edit_planner.plan.task == "outpaint")
    item = desk.made().items[0]
    part = item.parts[0]
    assert part.ground.bounds.x == 96 and item.pixels_outside == 96 * 80 and item.changed_outside == 0
    steps = desk.canvas.document.history.position
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    after = desk.composite()
    assert desk.canvas.document.history.position == steps + 1
    assert after.shape[1] == 96 + part.ground.bounds.width
    assert np.array_equal(after[:80, :96], before) and (after[..., 3] == 255).all()
    made = part.shown.pixels[:80, 96 - part.shown_at.x :][:, : after.shape[1] - 96]
    assert np.array_equal(after[:, 96:], made)
    desk.context.canvas.undo()
    assert np.array_equal(desk.composite(), before)


def test_an_extension_to_the_left_lies_where_it_will_be(desk: CandidateDesk) -> None:
    desk.open(Size(96, 80), None)
    before = desk.composite()
    desk.context.edit_settings.extend("left", Size(96, 80))
    desk.context.edit_settings.extend("top", Size(96, 80))
    desk.wait(lambda: desk.context.edit_planner.plan.task == "outpaint")
    part = desk.made().items[0].parts[0]
    left, top = -part.ground.job.place.x, -part.ground.job.place.y
    assert left > 0 and top > 0 and part.ground.resize == Rect(-left, -top, 96 + left, 80 + top)
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    assert np.array_equal(desk.composite()[top:, left:], before)


def test_islands_of_one_click_are_one_candidate(desk: CandidateDesk) -> None:
    desk.open(Size(300, 280), Rect(20, 20, 30, 30))
    session = desk.context.canvas
    session.update_settings(combine="add")
    desk.canvas.mask_box(Rect(220, 200, 40, 30))
    desk.context.edit_settings.islands = True
    desk.wait(lambda: len(desk.context.edit_planner.plan.plans) == 2)
    before = desk.composite()
    items = desk.made(2).items
    assert [len(item.parts) for item in items] == [2, 2]
    assert items[0].pixels_outside == 300 * 280 - 30 * 30 - 40 * 30
    desk.candidates.choose(0)
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    differs = (desk.composite() != before).any(axis=2)
    assert differs[20:50, 20:50].any() and differs[200:230, 220:260].any()
    differs[20:50, 20:50] = differs[200:230, 220:260] = False
    assert not differs.any()


def test_paint_that_was_a_hint_does_not_cover_the_result(desk: CandidateDesk) -> None:
    desk.open()
    session = desk.context.canvas
    session.update_settings(target="paint", colour=(255, 255, 0))
    session.update_brush(size=24.0)
    desk.canvas.stroke([(120, 110), (140, 120)])
    candidates = desk.made()
    part = candidates.items[0].parts[0]
    candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    shown = part.shown.pixels
    kept = shown[..., 3] > 0
    assert np.array_equal(desk.canvas.document.composite(part.shown_at)[kept], shown[kept])


def test_a_redrawn_picture_has_nothing_outside_to_prove(desk: CandidateDesk) -> None:
    desk.open(Size(128, 96), None)
    item = desk.made().items[0]
    assert item.pixels_outside == 0 and item.changed_outside == 0
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
