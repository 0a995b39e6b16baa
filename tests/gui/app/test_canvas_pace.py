"""Work for the disk goes between two frames of the hand."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import canvas_pace
from sdstudio.app.canvas_autosave import CanvasAutosave
from sdstudio.app.canvas_pace import HandPace
from sdstudio.app.io_worker import IoWorker
from tests.helpers.app_fixtures import GATE_TIMEOUT_S
from tests.helpers.canvas_desk import CanvasDesk


def test_others_rest_until_the_frame_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas_pace, "FRAME_S", GATE_TIMEOUT_S)
    pace, rested = HandPace(), threading.Event()
    pace.rest()  # no frame is under way
    pace.begin()
    other = threading.Thread(target=lambda: (pace.rest(), rested.set()))
    other.start()
    try:
        assert not rested.wait(0.05)
    finally:
        pace.end()
        other.join(GATE_TIMEOUT_S)
    assert rested.is_set()


def test_a_frame_that_nobody_ends_holds_nobody_up_for_long() -> None:
    pace = HandPace()
    pace.begin()
    assert pace.under_way
    pace.rest()
    assert not pace.under_way


def test_the_autosave_asks_before_it_packs_a_tile(
    io: IoWorker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[int]()
    monkeypatch.setattr(HandPace, "rest", lambda _pace: asked.append(1))
    keeper_io = IoWorker()
    try:
        desk = CanvasDesk.make(io, qtbot)
        autosave = CanvasAutosave(desk.session, keeper_io, tmp_path / "canvas")
        desk.open()
        desk.wait(lambda: autosave.up_to_date)
        asked.clear()
        desk.stroke([(20, 20), (40, 60)])
        desk.wait(lambda: autosave.up_to_date)
        assert len(asked) >= 2  # before anything, and before the stroke's tile
        autosave.close()
    finally:
        assert keeper_io.close(5000)
