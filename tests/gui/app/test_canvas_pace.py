"""Work for the disk goes between two frames of the hand."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import canvas_pace
from sdstudio.app.canvas_autosave import DELAY_MS, CanvasAutosave
from sdstudio.app.canvas_keeper import PIECE_S, CanvasKeeper
from sdstudio.app.canvas_pace import FRAME_S, HandPace
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import MASK, TILE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
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


def test_a_hand_that_never_rests_delays_what_it_drew_by_a_piece_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every frame follows the last one at once: each rest takes as long as it may. On a clock that only rests move."""
    now = [0.0]

    def rest() -> None:
        now[0] += FRAME_S

    clock = SimpleNamespace(monotonic=lambda: now[0])
    for module in ("canvas_journal", "canvas_write"):
        monkeypatch.setattr(f"sdstudio.storage.{module}.time", clock)
    side, noise = 6 * TILE, np.random.default_rng(1)
    document = CanvasDocument.from_image(ImageBuffer(noise.integers(0, 256, (side, side, 4), np.uint8)))
    keeper = CanvasKeeper(tmp_path, rest)
    try:
        keeper.write(document.snapshot())
        keeper.finish()
        document.begin("Brush")
        document.grid(MASK).write(Rect.of(Size(side, side)), noise.integers(0, 256, (side, side), np.uint8))
        begun = now[0]
        assert keeper.write(document.snapshot()).complete  # 36 tiles of the gesture under way
        waited = now[0] - begun
    finally:
        keeper.close()
    assert FRAME_S < waited <= PIECE_S + FRAME_S
    # What was being written when the hand changed something, and then the change itself: still less than a second.
    assert DELAY_MS / 1000 + 2 * (PIECE_S + FRAME_S) < 0.8


def test_a_hand_that_never_rests_does_not_put_the_writing_off(
    io: IoWorker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule, scheduled = CanvasAutosave._schedule, list[int]()

    def noted(autosave: CanvasAutosave, delay_ms: int) -> None:
        scheduled.append(delay_ms)
        schedule(autosave, delay_ms)

    monkeypatch.setattr(CanvasAutosave, "_schedule", noted)
    keeper_io = IoWorker()
    try:
        desk = CanvasDesk.make(io, qtbot)
        autosave = CanvasAutosave(desk.session, keeper_io, tmp_path / "canvas")
        desk.open()
        desk.wait(lambda: autosave.up_to_date)
        scheduled.clear()
        for number in range(30):
            desk.stroke([(20 + number, 20), (40 + number, 60)])
        assert scheduled == [DELAY_MS]
        desk.wait(lambda: autosave.up_to_date)
        autosave.close()
    finally:
        assert keeper_io.close(5000)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have this not by thread")
def test_a_thread_that_steps_back_leaves_the_window_alone() -> None:
    policies = list[int]()

    def work() -> None:
        canvas_pace.step_back()
        policies.append(os.sched_getscheduler(0))

    before = os.sched_getscheduler(0)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(GATE_TIMEOUT_S)
    assert policies == [os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have this not by thread")
def test_a_thread_that_may_not_step_back_works_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("not here")

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    with caplog.at_level(logging.INFO):
        canvas_pace.step_back()
    assert "not here" in caplog.text
