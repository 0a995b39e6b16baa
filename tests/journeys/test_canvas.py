"""The artist's journey at three scales: open, paint, undo, erase, lasso, grow, save, killed in mid-stroke, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument
from sdstudio.engine.fake import FakeEngineFactory
from sdstudio.storage.ora import load_ora
from tests.helpers.canvas_journey import SIZE, layer_digests, path_point
from tests.helpers.editor_board import coordinates
from tests.helpers.sources import ROOT
from tests.journeys.conftest import OpenStudios

PATIENCE_MS = 60_000
POINTS_LEAST = 30
"""The stroke is cut off in its movement, when so much of it is on the disk that its loss would be seen."""


@contextmanager
def child(scale: float, picture: Path, project: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.helpers.canvas_journey", str(picture), str(project)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QT_SCALE_FACTOR": str(scale)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def journey_until_killed(scale: float, picture: Path, project: Path) -> tuple[dict[str, Any], int]:
    """What the program said of itself, and the last point of the stroke that it has surely kept."""
    told: dict[str, Any] = {}
    kept = 0
    with child(scale, picture, project) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            found = json.loads(line)
            if not told:
                told = found
            kept = found.get("kept", kept)
            if kept >= POINTS_LEAST and found.get("at", 0) > kept:
                break
        process.kill()  # SIGKILL: no way to tidy up
        assert told, process.stderr.read()
    return told, kept


def restored(session: CanvasSession, qtbot: QtBot) -> CanvasDocument:
    qtbot.waitUntil(lambda: session.document is not None and session.work is None, timeout=PATIENCE_MS)
    assert session.document is not None
    return session.document


@pytest.mark.parametrize("scale", [1, 1.25, 2])
def test_all_is_there_after_a_kill_in_mid_stroke(
    scale: float, studios: OpenStudios, qtbot: QtBot, tmp_path: Path
) -> None:
    picture, project = tmp_path / "still life.png", tmp_path / "still life.ora"
    Image.fromarray(coordinates(*SIZE).pixels).save(picture)
    told, kept = journey_until_killed(scale, picture, project)
    assert told["ratio"] == scale
    assert told["wrong"] == []
    assert told["lands"] >= 3, "hardly a stroke could be compared with what is under the pointer"

    studio = studios(FakeEngineFactory())
    session = studio.context.canvas
    document = restored(session, qtbot)
    *before, last = document.history.undo_labels
    assert before == told["undo"]
    assert last == "Brush (interrupted)"
    assert studio.window.canvas.canvas_shown
    mask = document.mask.read(document.rect)
    missing = [point for point in map(path_point, range(kept + 1)) if mask[point[1], point[0]] < 128]
    assert not missing, "a part of the stroke that had been kept is gone"
    session.undo()
    assert layer_digests(document) == told["layers"]
    for _ in before:
        session.undo()
    assert session.mask_empty
    session.go_to(len(before))
    assert layer_digests(document) == told["layers"]
    saved = CanvasDocument.from_snapshot(load_ora(project)[0])
    assert layer_digests(saved) == told["saved"]
    assert session.path == str(project)
