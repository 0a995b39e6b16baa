"""The generation frame on the canvas, by hand."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.canvas.frame_options import ExtendGroup
from sdstudio.ui.main_window import MainWindow
from tests.helpers.edit_desk import EditDesk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(window: MainWindow, context: AppContext, qtbot: QtBot) -> EditDesk:
    """A picture of 320 x 200 in the window; the model's own size is 64 x 64."""
    desk = EditDesk(context, qtbot)
    desk.open(Size(320, 200))
    window.canvas.page.choose_tool("frame")
    return desk


def at(window: MainWindow, x: float, y: float) -> QPointF:
    view = window.canvas.page.view
    return view.to_logical(*view.map.to_device(x, y))


def drag(window: MainWindow, start: tuple[float, float], *stops: tuple[float, float], alt: bool = False) -> None:
    view = window.canvas.page.view
    keys = Qt.KeyboardModifier.AltModifier if alt else Qt.KeyboardModifier.NoModifier
    QTest.mousePress(view, LEFT, keys, at(window, *start).toPoint())
    for stop in stops:
        QTest.mouseMove(view, at(window, *stop).toPoint())
    if stops:
        QTest.mouseRelease(view, LEFT, keys, at(window, *stops[-1]).toPoint())


def test_without_a_mask_the_frame_is_the_picture_and_its_edge_can_be_taken(window: MainWindow, desk: EditDesk) -> None:
    assert window.frame_controls.layer.frame == Rect(0, 0, 320, 200)
    drag(window, (320, 100), (250, 100), (232, 104))
    assert desk.settings.frame == Rect(0, 0, 232, 200)
    assert desk.plan.frame == Rect(0, 0, 232, 200) and desk.plan.words == "Redraw the frame"


def test_beyond_the_edge_it_extends_the_picture(window: MainWindow, desk: EditDesk) -> None:
    window.canvas.page.view.set_zoom(0.5)
    drag(window, (320, 100), (360, 100), (416, 100))
    assert desk.settings.frame == Rect(0, 0, 416, 200)
    assert desk.plan.task == "outpaint" and desk.plan.words == "Extend to the right"


def test_escape_brings_it_back_and_a_double_click_lets_it_choose_itself(window: MainWindow, desk: EditDesk) -> None:
    desk.settings.frame = Rect(64, 64, 128, 64)
    drag(window, (128, 96), (160, 96))
    moved = desk.settings.frame
    assert moved == Rect(96, 64, 128, 64)
    view = window.canvas.page.view
    QTest.mousePress(view, LEFT, Qt.KeyboardModifier.NoModifier, at(window, 160, 96).toPoint())
    QTest.mouseMove(view, at(window, 200, 120).toPoint())
    assert desk.settings.frame != moved
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert desk.settings.frame == moved
    QTest.mouseRelease(view, LEFT, Qt.KeyboardModifier.NoModifier, at(window, 200, 120).toPoint())
    QTest.mouseDClick(view, LEFT, Qt.KeyboardModifier.NoModifier, at(window, 150, 96).toPoint())
    assert desk.settings.frame is None


def test_a_press_beside_the_frame_does_nothing(window: MainWindow, desk: EditDesk) -> None:
    desk.settings.frame = Rect(64, 64, 64, 64)
    drag(window, (250, 150), (280, 180))
    assert desk.settings.frame == Rect(64, 64, 64, 64)
    assert desk.canvas.mask_empty


def test_the_arrows_extend_and_the_whole_frame_stays_in_sight(window: MainWindow, desk: EditDesk) -> None:
    extend = window.canvas.page.options.groups["extend"]
    assert isinstance(extend, ExtendGroup)
    desk.settings.extend_by = 128
    for side in ("right", "bottom"):
        QTest.mouseClick(extend.buttons[side], LEFT)
    assert desk.settings.frame == Rect(0, 0, 448, 328)
    view = window.canvas.page.view
    corner = at(window, 448, 328)
    assert view.rect().contains(corner.toPoint())
    assert desk.plan.words == "Extend the picture"


def test_its_size_can_be_typed(window: MainWindow, desk: EditDesk) -> None:
    options = window.canvas.page.options
    options.groups["frame_size"].changed.emit((128, 96))
    frame = desk.settings.frame
    assert frame is not None and (frame.width, frame.height) == (128, 96)
    assert Rect(0, 0, 320, 200).contains(frame)
    options.groups["frame_auto"].changed.emit(None)
    assert desk.settings.frame is None


def test_it_is_drawn_and_gone_again_without_a_trace(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    view = window.canvas.page.view
    qtbot.waitUntil(lambda: view.scene.sharp)
    window.canvas.page.choose_tool("hand")
    before = view.grab().toImage()
    desk.settings.frame = Rect(64, 64, 128, 64)
    window.frame_controls.layer.follow()
    assert view.grab().toImage() != before
    desk.settings.frame = None
    qtbot.waitUntil(lambda: window.frame_controls.layer.frame is None)
    assert view.grab().toImage() == before
