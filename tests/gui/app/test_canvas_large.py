"""Large canvases in the hand: what would stop the window goes to another thread, and brings the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.canvas_state import MASK
from sdstudio.domain.geometry import Size
from tests.helpers.canvas_desk import LARGE, CanvasDesk, picture


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk.make(io, qtbot)


def circle(session: CanvasSession, radius: float) -> None:
    turns = [PointerEvent(600 + radius * math.cos(i / 10), 550 + radius * math.sin(i / 10)) for i in range(63)]
    session.press(turns[0])
    session.move(turns[1:])
    session.release(turns[-1])


def test_a_large_area_is_laid_in_the_other_thread_and_a_small_one_at_once(desk: CanvasDesk) -> None:
    document = desk.open(LARGE)
    session = desk.session
    session.choose_tool("lasso")
    told: list[object] = []
    session.work_changed.connect(told.append)
    circle(session, 150)
    assert not told and desk.mask()[550, 600] == 255
    session.undo()
    circle(session, 500)
    assert session.work is not None and session.work.can_cancel and not desk.mask().any()
    desk.stroke()
    assert "waits" in desk.notes[-1]
    desk.settle()
    mask = desk.mask()
    assert mask[550, 600] == 255 and mask[60, 600] == 255 and not mask[20, 600]
    assert document.history.undo_labels == ("Lasso",) and desk.changes[-1].layers == frozenset({MASK})
    assert session.mask_bounds.height in (999, 1000)
    assert session.mask_coverage == pytest.approx(np.count_nonzero(mask) / document.size.pixels)
    session.undo()
    assert not desk.mask().any()
    circle(session, 500)
    assert session.cancel()
    desk.settle()
    assert not desk.mask().any() and document.history.position == 0


def test_a_large_result_is_cut_into_tiles_in_the_other_thread(desk: CanvasDesk) -> None:
    document = desk.open(LARGE)
    session = desk.session
    session.accept_patch(picture(Size(600, 600)), 10, 10, "Result 1", None)
    assert session.work is not None
    desk.settle()
    assert [info.name for info in document.layers if info.id == "patch-1"] == ["Result 1"]
    session.toggle_target()
    desk.stroke()
    session.clear_paint()
    desk.settle()
    assert not document.paint.read(document.rect).any() and document.history.undo_labels[-1] == "Clear paint"


def test_what_the_history_forgets_is_let_go_bit_by_bit(desk: CanvasDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.canvas.history.RELEASED_AT_ONCE", 1)
    document = desk.open()
    for number in range(6):
        desk.stroke([(20, 20 + number), (200, 90)])
    items = len(document.history.undo_items)
    desk.session.go_to(0)
    desk.stroke()
    assert items == 6 and document.history._forgotten
    desk.wait(lambda: not document.history._forgotten)
    desk.session.undo()
    assert not desk.mask().any()
