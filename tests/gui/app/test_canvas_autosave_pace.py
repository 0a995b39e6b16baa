"""The autosave writes no more often than its thread can."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_autosave import CanvasAutosave
from sdstudio.app.canvas_keeper import CanvasKeeper, Piece
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.canvas_state import CanvasSnapshot
from tests.helpers.app_fixtures import GATE_TIMEOUT_S
from tests.helpers.canvas_desk import CanvasDesk


def test_writes_do_not_pile_up(io: IoWorker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is written the next waits, and then the latest state alone is written."""
    monkeypatch.setattr("sdstudio.app.canvas_autosave.DELAY_MS", 0)
    gate, begun, write = threading.Event(), list[int](), CanvasKeeper.write

    def held(keeper: CanvasKeeper, snapshot: CanvasSnapshot | None) -> Piece:
        begun.append(-1 if snapshot is None else len(snapshot.undo))
        assert gate.wait(GATE_TIMEOUT_S)
        return write(keeper, snapshot)

    monkeypatch.setattr(CanvasKeeper, "write", held)
    keeper_io = IoWorker()
    try:
        desk = CanvasDesk.make(io, qtbot)
        autosave = CanvasAutosave(desk.session, keeper_io, tmp_path / "canvas")
        desk.open()
        desk.wait(lambda: bool(begun))
        for number in range(30):
            desk.stroke([(20 + number, 20), (40 + number, 60)])
            QCoreApplication.processEvents()
        assert begun == [0]
        gate.set()
        desk.wait(lambda: autosave.up_to_date)
        assert begun == [0, 30]
        autosave.close()
    finally:
        gate.set()
        assert keeper_io.close(5000)
