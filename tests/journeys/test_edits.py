"""The journey of an edit in the real window at two scales: mask, fill, flip, accept, extend, blend anew, undo, save."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from sdstudio.domain.image import Pixels
from sdstudio.engine.fake import FakeEngineFactory
from sdstudio.storage.ora import load_ora
from tests.helpers.canvas_journey import digest, layer_digests
from tests.helpers.sources import ROOT
from tests.journeys.conftest import OpenStudios

PATIENCE_S = 400


def photograph(width: int, height: int) -> Pixels:
    """A sky, a hill and grain: smooth ground, an edge and texture."""
    y, x = np.mgrid[:height, :width]
    sky = np.dstack([90 + y, 140 + y // 2, np.full_like(y, 220)])
    hill = np.dstack([60 + x // 4, np.full_like(x, 120), 50 + x // 8])
    below = y > 0.6 * height + 8 * np.sin(x / 17)
    grain = np.random.default_rng(1).normal(0, 4, (height, width, 1))
    return (np.where(below[..., None], hill, sky) + grain).clip(0, 255).astype(np.uint8)


def travel(scale: float, engine: str, picture: Path, project: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.helpers.edit_journey", str(picture), str(project), engine]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QT_SCALE_FACTOR": str(scale)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, encoding="utf-8", timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.timeout(PATIENCE_S + 60)
@pytest.mark.parametrize(("scale", "engine"), [(1, "fake"), (1.25, "starter")])
def test_an_edit_from_mask_to_file(
    scale: float, engine: str, studios: OpenStudios, qtbot: QtBot, tmp_path: Path
) -> None:
    picture, project = tmp_path / "hill.png", tmp_path / "hill.ora"
    Image.fromarray(photograph(160, 128)).save(picture)
    told = travel(scale, engine, picture, project)
    assert told["ratio"] == scale
    assert told["wrong"] == []

    studio = studios(FakeEngineFactory())
    canvas = studio.context.canvas
    qtbot.waitUntil(lambda: canvas.document is not None and canvas.work is None)
    document = canvas.document
    assert document is not None
    assert layer_digests(document) == told["layers"]
    assert list(document.history.undo_labels) == told["undo"]
    assert digest(document.composite(document.rect)) == told["seen"]
    saved, notes = load_ora(project)
    assert not notes
    assert [layer.info.id for layer in saved.state.layers] == [info.id for info in document.layers]
