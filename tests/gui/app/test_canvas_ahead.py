"""A stroke that is kept while it goes on: what it writes to next is copied beside the hand."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import canvas_hand
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.spare import SpareTiles
from tests.helpers.app_fixtures import MakeContext
from tests.helpers.canvas_desk import CanvasDesk


def test_the_tiles_that_a_snapshot_froze_under_the_brush_are_copied_ahead(
    make_context: MakeContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    desk = CanvasDesk(context.canvas, qtbot)
    context.autosave.restore()
    desk.open()
    made = SpareTiles()
    monkeypatch.setattr(canvas_hand, "spare_tiles", made)
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
