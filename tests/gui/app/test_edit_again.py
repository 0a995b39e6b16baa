"""Accepted changes made again: mask and frame of then, prompt and seed of now, on what lies below."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.canvas_state import CanvasState, LayerInfo, LayerKind, LayerState
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.patches import PatchRecord
from tests.helpers.edit_desk import EditDesk


@pytest.fixture
def desk(ready_context: AppContext, qtbot: QtBot) -> EditDesk:
    """The model's own size is 64 x 64."""
    return EditDesk(ready_context, qtbot)


def with_patch(desk: EditDesk, record: PatchRecord) -> str:
    """On the canvas, as if it had been accepted; the picture below it stays what it is."""
    state = desk.document.state()
    info = LayerInfo(id="patch-1", kind=LayerKind.PATCH, name="pear")
    cover = dict(state.layers[0].tiles)
    patch = LayerState(info=info, tiles=cover, record=record)
    layers = (state.layers[0], patch, *state.layers[1:])
    desk.document.apply_state("Accept result", CanvasState(size=state.size, layers=layers))
    return info.id


def record_of(desk: EditDesk) -> PatchRecord:
    job, saved = desk.jobs[-1], desk.saved[-1]
    assert job.plan is not None and job.mask is not None and saved.edit is not None
    frame = job.plan.frame
    mask = np.array(job.mask[frame.moved(-job.source.x, -job.source.y).slices])
    return PatchRecord(
        request=saved.request,
        frame=frame,
        made=saved.edit.pieces[0].image,
        mask=mask,
        feather=9,
        grow=5,
        match_colours=False,
    )


def test_an_accepted_change_is_made_again_with_another_prompt(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    below = desk.pixels()
    desk.mask(Rect(40, 30, 20, 20))
    desk.settings.mode = FillMode.REPLACE
    desk.generate()
    layer = with_patch(desk, record_of(desk))
    desk.canvas.mask_clear()
    desk.paint(Rect(0, 0, 128, 96))
    desk.settings.mode = FillMode.FILL
    desk.context.session.update(positive="a plum")
    desk.edits.make_again(layer)
    desk.qtbot.waitUntil(lambda: len(desk.saved) == 2)
    first, again = desk.jobs
    spec = again.request.inpaint
    assert spec is not None and first.mask is not None and again.mask is not None
    assert (again.replaces, again.mode, again.request.strength) == (layer, FillMode.REPLACE, 1.0)
    assert (spec.feather, spec.grow, spec.match_colours) == (9, 5, False)
    assert again.request.prompt.positive == "a plum"
    assert np.array_equal(again.mask, first.mask)
    assert np.array_equal(desk.loaded(again.request), below), "what lies below, without the paint above"
    assert again.plan is not None and first.plan is not None and again.plan.frame == first.plan.frame
    assert desk.saved[-1].edit is not None and desk.saved[-1].edit.changed_outside == 0


def test_an_extension_is_made_again_from_the_old_edge(desk: EditDesk) -> None:
    desk.open(Size(64, 64))
    desk.settings.extend_by = 64
    desk.settings.extend("left", Size(64, 64))
    saved = desk.generate()[0]
    desk.canvas.resize_canvas(Rect(-64, 0, 128, 64))
    record = PatchRecord(
        request=saved.request,
        frame=Rect(0, 0, 128, 64),
        made=saved.image,
        mask=None,
        feather=0,
        grow=0,
        match_colours=True,
    )
    layer = with_patch(desk, record)
    desk.edits.make_again(layer)
    desk.qtbot.waitUntil(lambda: len(desk.saved) == 2)
    again = desk.jobs[-1]
    assert (again.source, again.place) == (Rect(64, 0, 64, 64), Rect(0, 0, 128, 64))
    assert again.margins == Margins(left=64)
    assert again.request.image == desk.jobs[0].request.image


def test_what_was_cut_off_cannot_be_made_again(desk: EditDesk) -> None:
    desk.open(Size(400, 96))
    desk.mask(Rect(370, 30, 20, 20))
    desk.settings.update(context=8)
    desk.generate()
    record = record_of(desk)
    desk.canvas.resize_canvas(Rect(0, 0, 128, 96))
    layer = with_patch(desk, replace(record, frame=record.frame.moved(300, 0)))
    desk.edits.make_again(layer)
    desk.qtbot.waitUntil(lambda: bool(desk.problems))
    assert "outside of the canvas" in str(desk.problems[0])
    desk.edits.make_again("picture")
    assert "does not say" in str(desk.problems[1])


def test_one_more_of_the_same_with_another_seed(desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    desk.generate()
    first = desk.jobs[0]
    desk.edits.again(first, first.request.with_seed(5))
    desk.qtbot.waitUntil(lambda: len(desk.saved) == 2)
    again = desk.jobs[1]
    assert again.job_id == desk.saved[1].job_id != first.job_id
    assert (again.place, again.snapshot, again.request) == (first.place, first.snapshot, first.request.with_seed(5))
    assert not np.array_equal(desk.saved[0].image.pixels, desk.saved[1].image.pixels)
