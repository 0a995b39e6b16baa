"""A stroke that is kept while it goes on: what it writes to next is copied beside the hand."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.geometry import Rect, Size
from tests.helpers.app_fixtures import MakeContext
from tests.helpers.canvas_desk import CanvasDesk


def test_the_tiles_that_a_snapshot_froze_under_the_brush_are_copied_ahead(
    make_context: MakeContext, qtbot: QtBot
) -> None:
    context = make_context()
    desk = CanvasDesk(context.canvas, qtbot)
    context.autosave.restore()
    desk.open()
    made = desk.document.spare
    context.canvas.press(PointerEvent(100, 100))
    context.canvas.move([PointerEvent(150, 100)])
    assert not made._copies
    desk.wait(lambda: bool(made._copies))
    (frozen,) = desk.document.mask.frozen([(0, 0)])
    assert list(made._copies) == [frozen.serial]
    assert np.array_equal(made.copied(frozen), frozen.pixels)
    context.canvas.release(PointerEvent(150, 100))
    desk.wait(lambda: context.autosave.up_to_date)
    assert not made._copies, "no hand, nothing to look ahead for"


def test_the_tiles_that_the_hand_is_on_its_way_to_are_copied_ahead(make_context: MakeContext, qtbot: QtBot) -> None:
    """On a large canvas, where another stroke lies already."""
    desk = CanvasDesk(make_context().canvas, qtbot)
    desk.open(Size(2048, 2048))
    canvas, document = desk.session, desk.document
    document.begin("mask")
    document.mask.write(Rect(0, 0, 1024, 512), np.random.default_rng(1).integers(0, 256, (512, 1024), np.uint8))
    document.commit()
    made = document.spare
    canvas.update_settings(tool="eraser")
    canvas.press(PointerEvent(10, 100))
    canvas.move([PointerEvent(60, 100)])
    canvas.move([PointerEvent(140, 100)])
    canvas.pace.end()
    coming, further = document.mask.frozen([(1, 0), (3, 0)])
    desk.wait(lambda: coming.serial in made._copies)
    assert further.serial not in made._copies
    canvas.move([PointerEvent(300, 100)])
    assert not document.mask.frozen([(1, 0)])
    canvas.release(PointerEvent(300, 100))
