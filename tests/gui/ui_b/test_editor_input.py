"""Mouse, pen and keys on the canvas: every point counts, and nothing is ever stuck."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.ui.canvas.editor_hand import Doing
from sdstudio.ui.theme import Theme
from tests.helpers.canvas_desk import CanvasDesk
from tests.helpers.children import run_python
from tests.helpers.editor_board import (
    DOUBLE,
    LEFT,
    MIDDLE,
    MOVE,
    NONE,
    PRESS,
    RELEASE,
    RIGHT,
    EditorBoard,
    coordinates,
    pen,
)


@pytest.fixture
def board(io: IoWorker, theme: Theme, qtbot: QtBot) -> EditorBoard:
    board = EditorBoard(CanvasDesk.make(io, qtbot), theme)
    board.open(coordinates(300, 250))
    return board


def idle(board: EditorBoard) -> bool:
    return board.view.hand.doing is Doing.NOTHING and not board.session.busy and not board.view.hand.stroke.active


def test_a_drag_is_one_item_of_the_history(board: EditorBoard) -> None:
    board.drag((150, 100), (180, 120), (200, 100))
    assert board.mask().any()
    assert len(board.desk.document.history.undo_labels) == 1
    board.session.undo()
    assert not board.mask().any()
    assert idle(board)


def test_moves_of_one_turn_are_handed_on_together_and_in_order(
    board: EditorBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[PointerEvent]] = []
    real = board.session.move
    monkeypatch.setattr(board.session, "move", lambda events: (calls.append(list(events)), real(events)))
    board.mouse(PRESS, (150, 100))
    for step in range(40):
        board.mouse(MOVE, (150 + step, 100))
    assert not calls
    QApplication.processEvents()
    assert [len(events) for events in calls] == [40]
    places = [event.x for event in calls[0]]
    assert places == sorted(places)
    board.mouse(MOVE, (200, 100))
    board.mouse(RELEASE, (200, 100))
    assert [len(events) for events in calls] == [40, 1], "what waits goes before the release"


def test_pressure_and_the_eraser_tip_of_a_pen(board: EditorBoard) -> None:
    board.session.update_brush(size=40.0, size_by_pressure=True, smoothing=0.0)
    start, end = board.where(50, 100), board.where(250, 100)
    points = [(start[0] + (end[0] - start[0]) * step / 40, start[1], 0.1 + 0.9 * step / 40) for step in range(41)]
    board.pen_stroke(points)
    heights = (board.mask() >= 128).sum(axis=0)
    assert 2 <= heights[70] < heights[140] < heights[220] <= 42
    assert board.session.settings.tool == "brush"
    board.pen_stroke([(x, y, 1.0) for x, y, _ in points], eraser=True)
    assert (board.mask()[100, 60:240] == 0).all()
    assert board.desk.document.history.undo_labels == ("Brush", "Eraser")
    assert idle(board)


def test_a_pen_is_exact_between_the_pixels_of_the_screen(board: EditorBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[PointerEvent] = []
    monkeypatch.setattr(board.session, "press", seen.append)
    monkeypatch.setattr(board.session, "release", seen.append)
    at = board.where(100.3, 50.7)
    board.pen_stroke([(*at, 0.5)])
    assert (seen[0].x, seen[0].y, seen[0].pressure) == pytest.approx((100.3, 50.7, 0.5))
    board.drag(board.where(100.0, 50.0))
    assert (seen[2].x, seen[2].y, seen[2].pressure) == (100.5, 50.5, 1.0)


def test_pen_events_are_taken_so_that_qt_sends_no_mouse_events(board: EditorBoard) -> None:
    device = pen()
    assert board.pen(MOVE, (100, 100), 0.0, device, held=False)
    assert board.view.hand.pointer is not None, "a hovering pen moves the ring"
    assert board.pen(PRESS, (100, 100), 0.4, device)
    assert board.pen(MOVE, (120, 100), 0.4, device)
    board.mouse(MOVE, (10, 10), buttons=NONE)
    assert board.view.hand.doing is Doing.STROKE, "the mouse beside the pen changes nothing"
    assert board.pen(RELEASE, (120, 100), 0.0, device)
    assert idle(board)


def test_escape_takes_the_stroke_back(board: EditorBoard, qtbot: QtBot) -> None:
    board.mouse(PRESS, (150, 100))
    board.mouse(MOVE, (180, 100))
    QApplication.processEvents()
    assert board.mask().any()
    qtbot.keyClick(board.view, Qt.Key.Key_Escape)
    assert not board.mask().any()
    board.mouse(MOVE, (200, 100))
    board.mouse(RELEASE, (200, 100))
    assert not board.mask().any()
    assert idle(board)
    board.drag((150, 100), (160, 100))
    assert board.mask().any()


@pytest.mark.parametrize("loss", ["focus", "second button", "hidden", "release elsewhere", "document"])
def test_whatever_is_lost_ends_the_stroke(board: EditorBoard, loss: str) -> None:
    board.mouse(PRESS, (150, 100))
    board.mouse(MOVE, (180, 100))
    if loss == "focus":
        board.view.clearFocus()
    elif loss == "second button":
        board.mouse(PRESS, (180, 100), RIGHT, buttons=LEFT | RIGHT)
        board.mouse(MOVE, (220, 140), buttons=LEFT | RIGHT)
        board.mouse(RELEASE, (220, 140), LEFT, buttons=RIGHT)
        board.mouse(RELEASE, (220, 140), RIGHT, buttons=NONE)
    elif loss == "hidden":
        board.view.hide()
        board.view.show()
    elif loss == "release elsewhere":
        board.mouse(MOVE, (190, 100), buttons=NONE)
    else:
        board.open(coordinates(200, 200))
        board.mouse(RELEASE, (190, 100))
    QApplication.processEvents()
    assert idle(board)
    if loss == "document":
        assert not board.mask().any()
    else:
        assert board.mask().any(), "what was painted stays"
        assert len(board.desk.document.history.undo_labels) == 1
    count = len(board.desk.document.history.undo_labels)
    board.drag((150, 180), (160, 180))
    assert len(board.desk.document.history.undo_labels) == count + 1


def test_leaving_in_mid_stroke_goes_on_and_the_ring_goes_with_it(board: EditorBoard) -> None:
    board.mouse(PRESS, (20, 100))
    board.mouse(MOVE, (-30, 100))
    board.mouse(RELEASE, (-30, 100))
    assert idle(board)
    board.view.hand.leave()
    assert board.view.overlay is not None and board.view.overlay.ring_at is None


def test_space_in_a_stroke_does_not_pan(board: EditorBoard, qtbot: QtBot) -> None:
    corner = board.view.map.x, board.view.map.y
    board.mouse(PRESS, (150, 100))
    qtbot.keyPress(board.view, Qt.Key.Key_Space)
    board.mouse(MOVE, (180, 130))
    board.mouse(RELEASE, (180, 130))
    qtbot.keyRelease(board.view, Qt.Key.Key_Space)
    assert (board.view.map.x, board.view.map.y) == corner
    assert board.mask().any()


@pytest.mark.parametrize("end", ["double click", "enter", "double tap"])
def test_a_polygon_ends_with_a_double_click_or_enter(board: EditorBoard, qtbot: QtBot, end: str) -> None:
    board.session.update_settings(tool="polygon")
    device = pen()
    corners = [board.where(*point) for point in ((50, 50), (150, 50), (150, 150), (60, 200))]
    for corner in corners:
        if end == "double tap":
            board.pen(PRESS, corner, 0.5, device)
            board.pen(RELEASE, corner, 0.0, device)
        else:
            board.drag(corner)
        board.hover((corner[0] + 3, corner[1] + 3))
    QApplication.processEvents()
    assert board.session.outline is not None and not board.mask().any()
    qtbot.keyClick(board.view, Qt.Key.Key_Backspace)
    if end == "double click":
        board.mouse(DOUBLE, corners[2])
        board.mouse(RELEASE, corners[2])
    elif end == "double tap":
        for _ in range(2):
            board.pen(PRESS, corners[2], 0.5, device)
            board.pen(RELEASE, corners[2], 0.0, device)
    else:
        qtbot.keyClick(board.view, Qt.Key.Key_Return)
    assert idle(board)
    mask = board.mask()
    assert mask[60, 140] == 255 and mask[190, 70] == 0


def test_quick_double_clicks_with_the_brush_are_two_dabs(board: EditorBoard) -> None:
    board.drag((150, 100))
    board.mouse(DOUBLE, (150, 180))
    board.mouse(RELEASE, (150, 180))
    assert len(board.desk.document.history.undo_labels) == 2


def test_alt_and_right_drag_change_size_and_hardness(board: EditorBoard, qtbot: QtBot) -> None:
    board.session.update_brush(size=40.0, hardness=0.5)
    alt = Qt.KeyboardModifier.AltModifier
    board.mouse(PRESS, (150, 100), RIGHT, keys=alt)
    board.mouse(MOVE, (170, 60), buttons=RIGHT, keys=alt)
    brush = board.session.settings.brush_in_hand
    assert (brush.size, brush.hardness) == (80.0, 0.7)
    overlay = board.view.overlay
    assert overlay is not None and overlay.brush_words() == "80 px · 70 % hard"
    assert (board.shot()[94:106, 202:204] == 0x14).all(), "the pill beside the ring"
    assert overlay.ring_at == board.view.to_device(board.view.hand.anchor or QPoint())
    board.mouse(RELEASE, (170, 60), RIGHT, keys=alt)
    assert not board.mask().any() and idle(board)
    board.mouse(PRESS, (150, 100), RIGHT, keys=alt)
    board.mouse(MOVE, (170, 60), buttons=RIGHT, keys=alt)
    qtbot.keyClick(board.view, Qt.Key.Key_Escape)
    assert board.session.settings.brush_in_hand == brush


def test_the_right_button_asks_for_the_menu_and_paints_nothing(board: EditorBoard, qtbot: QtBot) -> None:
    board.drag((150, 100), (170, 100), button=RIGHT)
    with qtbot.waitSignal(board.view.menu_asked):
        place = QPoint(150, 100)
        QApplication.sendEvent(
            board.view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, board.view.mapToGlobal(place))
        )
    assert not board.mask().any()
    board.drag((150, 100), (170, 100), button=MIDDLE)
    assert not board.mask().any()


def test_the_pixel_under_the_pointer_is_told(board: EditorBoard) -> None:
    told: list[object] = []
    board.view.pointer_at.connect(told.append)
    for _ in range(2):
        board.hover(board.where(31, 17))
        QApplication.processEvents()
    board.view.hand.leave()
    assert told == [(31, 17), None]


SCALES = ["1", "1.25", "1.5", "2"]


@pytest.mark.parametrize("scale", SCALES)
def test_a_stroke_lands_on_the_very_pixels_under_the_pointer(scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: Qt reads the display's scale only once."""
    monkeypatch.setenv("QT_SCALE_FACTOR", scale)
    done: subprocess.CompletedProcess[str] = run_python(["-m", "tests.helpers.editor_child"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ratio {float(scale)}" in done.stdout
    assert done.stdout.count("lands") >= 12, done.stdout


def test_every_point_is_asked_for() -> None:
    code = (
        "from PySide6.QtCore import QCoreApplication, Qt\n"
        "from sdstudio.ui.application import use_every_point\n"
        "use_every_point()\n"
        "attributes = Qt.ApplicationAttribute\n"
        "assert not QCoreApplication.testAttribute(attributes.AA_CompressHighFrequencyEvents)\n"
        "assert not QCoreApplication.testAttribute(attributes.AA_CompressTabletEvents)\n"
    )
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr


def test_nothing_happens_without_a_document(board: EditorBoard, qtbot: QtBot) -> None:
    board.close()
    board.drag((150, 100), (170, 100))
    board.pen_stroke([(150, 100, 0.5), (170, 100, 0.5)])
    board.wheel((100, 100), angle=120)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Backspace, Qt.Key.Key_Left):
        qtbot.keyClick(board.view, key)
    assert idle(board)
    assert np.array_equal(board.shot()[2, 2], [0x3E] * 3)
