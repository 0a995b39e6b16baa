"""The brush's outline while the wheel turns, and when it rests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.ui.canvas.brush_ring import BrushRing, Ring
from sdstudio.ui.theme import Theme
from tests.helpers.canvas_desk import CanvasDesk
from tests.helpers.editor_board import EditorBoard, flat


@pytest.fixture
def board(io: IoWorker, theme: Theme, qtbot: QtBot) -> EditorBoard:
    board = EditorBoard(CanvasDesk.make(io, qtbot), theme)
    board.open(flat(300, 250, (200, 200, 200, 255)))
    board.session.update_brush(size=60.0, hardness=0.5)
    return board


def test_while_the_wheel_turns_the_ring_is_plain_and_whole_again_when_it_rests(
    board: EditorBoard, qtbot: QtBot
) -> None:
    at = (200, 150)
    overlay = board.view.overlay
    assert overlay is not None
    board.hover(at)
    board.wheel(at, angle=120)
    assert overlay._ring.plain
    with qtbot.waitSignal(overlay.stale, check_params_cb=lambda _: not overlay._ring.plain):
        pass
    turned = board.shot()
    board.view.hand.leave()
    board.shot()
    board.hover(at)
    assert np.array_equal(board.shot(), turned), "as if it had not turned at all"


def test_a_plain_ring_lacks_the_dotted_circle_alone(theme: Theme) -> None:
    ring = BrushRing()
    ring.set_ring(Ring(100.0, 0.5, False, 1.0))
    whole = painted(ring)
    ring.plain = True
    outer = painted(ring)
    assert (outer[60, :30] == whole[60, :30]).all(), "the outer circle, 50 pixels from the middle"
    assert outer[60, 7:14].any()
    assert whole[60, 32:38].any() and not outer[60, 32:38].any(), "the dotted one, 25 pixels from it"
    assert outer[60, 60].any(), "the cross"


def painted(ring: BrushRing) -> npt.NDArray[np.uint32]:
    """With its middle at (60, 60)."""
    image = QImage(120, 120, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    with QPainter(image) as painter:
        ring.paint(painter, 60.0, 60.0)
    return np.frombuffer(image.constBits(), np.uint32).reshape(120, 120).copy()
