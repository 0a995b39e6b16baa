"""Candidates: from the click over previews and proofs to a layer of the document, or to nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import candidate_prepare
from sdstudio.app.candidate_ground import Ground
from sdstudio.app.candidates import BEFORE
from sdstudio.app.context import AppContext
from sdstudio.canvas.patch_edit import PatchLayer
from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.fake import StepGate
from tests.helpers.app_fixtures import HeldFactory
from tests.helpers.candidate_desk import BOX, CandidateDesk


@pytest.fixture
def desk(ready_context: AppContext, qtbot: QtBot) -> CandidateDesk:
    return CandidateDesk(ready_context, qtbot)


def test_accepting_gives_what_was_shown_as_one_layer_and_one_undo(desk: CandidateDesk) -> None:
    desk.open()
    before = desk.composite()
    candidates = desk.made(3)
    assert [item.done for item in candidates.items] == [True] * 3
    assert candidates.place == 2
    candidates.choose(1)
    part = candidates.items[1].parts[0]
    steps = desk.canvas.document.history.position
    candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    document = desk.canvas.document
    assert document.history.position == steps + 1
    patches = [info for info in document.layers if info.kind is LayerKind.PATCH]
    assert [(info.id, info.name) for info in patches] == [(desk.accepted[0], "a red apple on a table")]
    after = desk.composite()
    shown = part.shown.pixels
    place = part.shown_at.intersected(document.rect)
    inside = shown[place.moved(-part.shown_at.x, -part.shown_at.y).slices]
    allowed = inside[..., 3] > 0
    assert np.array_equal(after[place.slices][allowed], inside[allowed])
    outside = np.ones(after.shape[:2], np.bool_)
    outside[BOX.slices] = False
    assert np.array_equal(after[outside], before[outside])
    assert not np.array_equal(after[BOX.slices], before[BOX.slices])
    assert not candidates.open and candidates.place == BEFORE
    assert not desk.context.canvas.mask_empty
    desk.context.canvas.undo()
    assert np.array_equal(desk.composite(), before) and not candidates.open


def test_the_proof_is_counted_in_the_document(desk: CandidateDesk) -> None:
    desk.open()
    item = desk.made().items[0]
    assert item.pixels_outside == 300 * 280 - BOX.pixels
    assert item.changed_outside == 0
    assert item.seam == item.parts[0].saved.edit.seam  # type: ignore[union-attr]


def test_the_seeds_are_those_of_the_pictures(desk: CandidateDesk) -> None:
    desk.open()
    items = desk.made(2).items
    assert [item.parts[0].layer.record.request.sampling.seed for item in items] == [7, 8]
    desk.candidates.choose(0)
    desk.candidates.more_like_this()
    desk.wait(lambda: len(desk.candidates.items) == 4)
    desk.settle()
    seeds = [item.parts[0].layer.record.request.sampling.seed for item in desk.candidates.items]
    assert seeds == [7, 8, 9, 10]


def test_flipping_goes_round(desk: CandidateDesk) -> None:
    desk.open()
    candidates = desk.made(3)
    places = []
    for by in (1, 1, 1, -1, -1):
        candidates.step(by)
        places.append(candidates.place)
    assert places == [0, 1, 2, 1, 0]
    candidates.choose(BEFORE)
    assert candidates.before_shown and candidates.finished is None
    candidates.step(1)
    assert candidates.place == 0
    candidates.hold_before(True)
    assert candidates.before_shown and candidates.place == 0
    candidates.hold_before(False)
    assert not candidates.before_shown


def test_previews_lie_in_their_frame_and_the_newest_is_followed(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.gate = gate = StepGate()
    desk.open()
    desk.generate(2)
    candidates = desk.candidates
    assert candidates.open and [item.waiting for item in candidates.items] == [True, True]
    desk.wait(lambda: candidates.ground(next(iter(desk.context.edit_jobs._jobs))) is not None)
    gate.allow(2)
    desk.wait(lambda: bool(candidates.items[0].previews))
    seen = candidates.items[0].previews[0]
    assert candidates.place == 0
    assert seen.frame.contains(BOX) and seen.ground.bounds == BOX and seen.frame == seen.ground.seen
    gate.allow(4)
    desk.wait(lambda: candidates.place == 1 and candidates.items[0].done)
    assert candidates.place == 1
    candidates.choose(0)
    gate.open()
    desk.settle()
    assert candidates.place == 0  # what was chosen stays


def test_escape_takes_one_thing_at_a_time(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.gate = gate = StepGate()
    desk.open()
    before = desk.composite()
    desk.generate(3)
    gate.allow(5)
    candidates = desk.candidates
    desk.wait(lambda: candidates.items[0].done)
    candidates.choose(0)
    candidates.set_difference(True)
    assert candidates.escape() and not candidates.difference
    candidates.toggle_compare()
    assert candidates.escape() and candidates.compare is None
    assert candidates.escape()
    desk.wait(lambda: not candidates.running)
    gate.open()
    assert [item.done for item in candidates.items] == [True]
    assert candidates.escape() and not candidates.open and desk.discarded
    assert not candidates.escape()
    assert np.array_equal(desk.composite(), before)


def test_the_same_mask_adds_another_one_begins_anew(desk: CandidateDesk) -> None:
    desk.open()
    assert len(desk.made(2).items) == 2
    assert len(desk.made(3).items) == 5
    assert desk.candidates.place == 4
    desk.canvas.mask_box(Rect(10, 10, 30, 30))
    assert len(desk.made(1).items) == 1
    assert desk.candidates.place == 0


def test_no_more_than_sixteen_are_kept(desk: CandidateDesk) -> None:
    desk.open()
    desk.made(9, steps=1)
    first = desk.candidates.items[0]
    desk.made(9, steps=1)
    assert len(desk.candidates.items) == 16
    assert first not in desk.candidates.items


def test_what_waits_in_the_queue_may_be_taken_out(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.gate = gate = StepGate()
    desk.open()
    desk.generate()
    desk.generate()
    desk.wait(lambda: len(desk.context.queue.waiting) == 1)
    assert len(desk.candidates.items) == 2
    desk.context.queue.remove(desk.context.queue.waiting[0].job_id)
    assert len(desk.candidates.items) == 1
    gate.open()
    desk.settle()


def test_a_run_for_another_place_waits_until_the_first_has_ended(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.gate = gate = StepGate()
    desk.open()
    desk.generate(2)
    desk.canvas.mask_box(Rect(10, 10, 30, 30))
    desk.generate()
    first = desk.candidates.items[0].click
    assert len(desk.candidates.items) == 2
    gate.open()
    desk.wait(lambda: bool(desk.candidates.items) and desk.candidates.items[0].click != first)
    desk.settle()
    assert len(desk.candidates.items) == 1


def test_strokes_made_meanwhile_stay(desk: CandidateDesk) -> None:
    desk.open()
    desk.made()
    session = desk.context.canvas
    session.update_settings(target="paint", colour=(255, 255, 0))
    desk.canvas.stroke([(10, 10), (40, 20)])
    painted = desk.composite()
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    after = desk.composite()
    differs = (after != painted).any(axis=2)
    differs[BOX.slices] = False
    assert not differs.any()


def test_another_size_is_refused_until_it_is_undone(desk: CandidateDesk) -> None:
    desk.open()
    desk.made()
    session = desk.context.canvas
    session.resize_canvas(Rect(0, 0, 310, 280))
    desk.canvas.settle()
    assert desk.candidates.open and not desk.candidates.fits and desk.candidates.before_shown
    desk.candidates.accept()
    assert desk.notes and not desk.accepted
    session.undo()
    desk.candidates.accept()
    desk.wait(lambda: bool(desk.accepted))


def test_another_document_ends_them(desk: CandidateDesk) -> None:
    desk.open()
    desk.made()
    desk.canvas.open(Size(80, 60))
    assert not desk.candidates.open and desk.discarded


def test_what_waits_for_its_turn_does_not_come_to_another_document(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.gate = gate = StepGate()
    desk.open()
    desk.generate()
    desk.canvas.mask_box(Rect(10, 10, 30, 30))
    desk.generate()
    desk.canvas.open(Size(300, 280))
    assert not desk.candidates.open
    gate.open()
    desk.wait(lambda: desk.context.queue.current is None and not desk.context.queue.waiting)
    assert not desk.candidates.open


def test_a_patch_outside_the_mask_is_not_taken_without_a_question(
    desk: CandidateDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the compositing, put in from outside: one row more than allowed."""
    honest = candidate_prepare._layer

    def faulty(ground: Ground, saved: PictureSaved) -> PatchLayer:
        layer = honest(ground, saved)
        pixels = np.full_like(layer.pixels.pixels, 255)
        return replace(layer, pixels=ImageBuffer(pixels), y=layer.y + 1)

    monkeypatch.setattr(candidate_prepare, "_layer", faulty)
    desk.open()
    item = desk.made().items[0]
    assert item.changed_outside == BOX.width
    stray = item.parts[0].stray
    assert stray is not None and int(stray.sum()) == BOX.width
    desk.candidates.accept()
    assert desk.doubted == [item] and not desk.accepted
    desk.candidates.accept(anyway=True)
    desk.wait(lambda: bool(desk.accepted))


def test_difference_shows_what_changed_and_nothing_else(desk: CandidateDesk) -> None:
    desk.open()
    before = desk.composite()
    candidates = desk.made()
    part = candidates.items[0].parts[0]
    candidates.set_difference(True)
    desk.wait(lambda: candidates.difference_of(part) is not None)
    image = candidates.difference_of(part)
    assert image is not None
    place = part.shown_at
    inside = np.zeros((place.height, place.width), np.bool_)
    inside[BOX.moved(-place.x, -place.y).slices] = True
    assert not image.rgb[~inside].any()
    shown = part.shown.pixels[inside][:, :3].astype(int)
    old = before[BOX.slices].reshape(-1, 4)[:, :3].astype(int)
    assert np.array_equal(image.rgb[inside], np.minimum(np.abs(shown - old) * 4, 255))


def test_softening_changes_the_edge_and_nothing_outside(desk: CandidateDesk) -> None:
    desk.open(Size(300, 280), Rect(80, 70, 130, 120))
    desk.context.edit_settings.update(feather=0)
    candidates = desk.made()
    old = candidates.items[0].parts[0]
    candidates.soften()
    assert candidates.softening
    desk.wait(lambda: not candidates.softening)
    new = candidates.items[0].parts[0]
    assert not desk.notes and new.softened and not candidates.items[0].stands_out
    assert new.seam < old.seam and new.proof.changed_outside == 0 and old.proof == new.proof
    candidates.accept()
    desk.wait(lambda: bool(desk.accepted))
    record = desk.canvas.document.record(desk.accepted[0])
    assert record is new.layer.record
    kept = new.shown.pixels[..., 3] > 0
    rect = new.shown_at
    assert np.array_equal(desk.canvas.document.composite(rect)[kept], new.shown.pixels[kept])


def test_a_job_that_fails_leaves_nothing_behind(desk: CandidateDesk, engine: HeldFactory) -> None:
    engine.script.failures = {0: RuntimeError("no")}
    desk.open()
    shown: list[bool] = []
    desk.candidates.changed.connect(lambda: shown.append(desk.candidates.open))
    desk.generate(2)
    desk.wait(lambda: not desk.candidates.open)
    assert shown[0] and not shown[-1]
