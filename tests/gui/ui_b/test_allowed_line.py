"""The line that results keep within."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.canvas.document import Change
from sdstudio.domain.canvas_state import MASK
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.canvas.allowed_line import BLACK, WHITE, AllowedLine
from sdstudio.ui.main_window import MainWindow
from tests.helpers.edit_desk import EditDesk


@pytest.fixture
def desk(window: MainWindow, context: AppContext, qtbot: QtBot) -> EditDesk:
    desk = EditDesk(context, qtbot)
    desk.open(Size(400, 300))
    return desk


def line(window: MainWindow) -> AllowedLine:
    assert window.canvas.page.view.allowed is not None
    return window.canvas.page.view.allowed


def words(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


def test_there_is_none_where_the_masks_own_edge_says_it(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    desk.mask(Rect(100, 100, 60, 40))
    window.canvas.page.view.set_zoom(1.0)
    with qtbot.waitSignal(line(window).answered):
        pass
    assert line(window).shown is None


@pytest.mark.parametrize("zoom", [1.0, 2.0, 0.5])
def test_it_runs_where_a_grown_mask_ends(window: MainWindow, desk: EditDesk, qtbot: QtBot, zoom: float) -> None:
    desk.mask(Rect(170, 130, 60, 40))
    window.canvas.page.view.set_zoom(zoom)
    desk.settings.update(grow=20)
    qtbot.waitUntil(lambda: line(window).shown is not None)
    at, image = line(window).shown or pytest.fail("no line")
    drawn = words(image)
    rows, columns = np.nonzero(drawn == WHITE)
    view = window.canvas.page.view.map
    left, top = view.to_document(columns.min() + at.x + 0.5, rows.min() + at.y + 0.5)
    right, bottom = view.to_document(columns.max() + at.x + 0.5, rows.max() + at.y + 0.5)
    slack = 2 / zoom
    assert (left, top, right, bottom) == pytest.approx((150, 110, 249, 189), abs=slack)
    assert (drawn == BLACK).any()
    desk.settings.update(grow=0)
    assert line(window).shown is None


def test_soft_edges_count_in_full(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    document = desk.document
    soft = np.zeros((300, 400), np.uint8)
    soft[100:140, 100:160] = 255
    soft[90:100, 100:160] = 3
    document.begin("Fill")
    document.mask.write(Rect(0, 0, 400, 300), soft)
    desk.canvas._changed(Change(document.commit(), frozenset({MASK})))
    window.canvas.page.view.set_zoom(1.0)
    qtbot.waitUntil(lambda: line(window).shown is not None)
    at, image = line(window).shown or pytest.fail("no line")
    rows, _columns = np.nonzero(words(image) == WHITE)
    _x, top = window.canvas.page.view.map.to_document(0.5, rows.min() + at.y + 0.5)
    assert int(top) == 90
