"""Rows of accepted results in the layers tab: words, edge, make again, soften, remove; with the mouse and keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.patch_edit import Blending
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.canvas.layer_list import LayerDelegate, LayerModel
from sdstudio.ui.canvas.layers_tab import LayersTab
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show
from tests.helpers.canvas_desk import SMALL, CanvasDesk
from tests.helpers.patches import record_of

LEFT = Qt.MouseButton.LeftButton
FRAME = Rect(60, 50, 128, 96)


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    desk = CanvasDesk.make(io, qtbot)
    desk.open(SMALL)
    return desk


@pytest.fixture
def tab(desk: CanvasDesk, theme: Theme, qtbot: QtBot) -> LayersTab:
    tab = LayersTab(desk.session, theme)
    tab.resize(300, 800)
    show(tab, qtbot)
    return tab


def accept(desk: CanvasDesk, name: str = "", mask: bool = True) -> None:
    record = record_of(3, FRAME, feather=12)
    layer = Blending(desk.document.state(), record).layer()
    known = layer.record if mask else replace(record, mask=None)
    desk.session.accept_patch(layer.pixels, layer.x, layer.y, name, known)
    desk.settle()


def row(tab: LayersTab, layer_id: str) -> tuple[str, str]:
    found = tab.list.layers.rows[tab.list.layers.row_of(layer_id)]
    return found.name, found.second


def place(tab: LayersTab, layer_id: str) -> QPoint:
    """The middle of its button for making it again."""
    index = tab.list.layers.index(tab.list.layers.row_of(layer_id))
    return LayerDelegate.again_rect(tab.list.visualRect(index)).center()


def test_a_row_says_what_it_is_and_how_it_was_made(desk: CanvasDesk, tab: LayersTab) -> None:
    accept(desk)
    accept(desk, "pear")
    accept(desk, "more", mask=False)
    assert row(tab, "patch-1") == ("a red apple", "fill · edge 12 px")
    assert row(tab, "patch-2")[0] == "pear"
    assert row(tab, "patch-3") == ("more", "fill")
    desk.session.set_layer("patch-1", visible=False)
    assert row(tab, "patch-1")[1] == "hidden · fill · edge 12 px"
    desk.session.undo()
    desk.session.refeather("patch-1", 40)
    desk.settle()
    assert row(tab, "patch-1")[1] == "fill · edge 40 px"
    desk.session.undo()
    assert row(tab, "patch-1")[1] == "fill · edge 12 px"


def test_each_layer_offers_what_it_can_do_and_no_row_moves(desk: CanvasDesk, tab: LayersTab) -> None:
    assert not tab.edge.isVisible() and not tab.foot.isVisible(), "without results they would only be in the way"
    accept(desk)
    accept(desk, mask=False)
    desk.session.accept_patch(ImageBuffer(np.full((9, 9, 4), 255, np.uint8)), 3, 3, "pasted", None)
    shown, places = {}, set()
    for name in ("picture", "patch-1", "patch-2", "patch-3", "paint", "mask"):
        tab.list.choose(name)
        foot = tab.foot
        parts = (tab.edge.slider, foot.again, foot.soften, foot.remove)
        shown[name] = "".join("-x"[part.isEnabled()] for part in parts)
        places.add((tab.list.pos().y(), tab.history.pos().y()))
    assert shown == {
        "picture": "----",
        "patch-1": "xxxx",
        "patch-2": "-x-x",
        "patch-3": "---x",
        "paint": "----",
        "mask": "----",
    }
    assert len(places) == 1 and tab.edge.isVisible() and tab.foot.isVisible()


def test_the_slider_shows_at_once_and_makes_one_item(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    tab.list.choose("patch-1")
    document = desk.document
    before = document.composite(document.rect)
    slider = tab.edge.slider.slider
    assert tab.edge.slider.value() == 12
    middle = slider.height() // 2
    qtbot.mousePress(slider, LEFT, pos=QPoint(slider.width() // 3, middle))
    desk.wait(lambda: not np.array_equal(document.composite(document.rect), before))
    qtbot.mouseMove(slider, QPoint(slider.width() // 2, middle))
    assert document.history.position == 1, "nothing is done yet"
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(slider.width() // 2, middle))
    desk.wait(lambda: document.history.position == 2)
    record = document.record("patch-1")
    assert record is not None and record.feather == tab.edge.slider.value() and 55 < record.feather < 73
    desk.session.undo()
    assert tab.edge.slider.value() == 12 and np.array_equal(document.composite(document.rect), before)


def test_escape_while_the_slider_is_held_leaves_all_as_it_was(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    tab.list.choose("patch-1")
    document, slider = desk.document, tab.edge.slider.slider
    before = document.composite(document.rect)
    middle = slider.height() // 2
    qtbot.mousePress(slider, LEFT, pos=QPoint(slider.width() // 3, middle))
    desk.wait(lambda: not np.array_equal(document.composite(document.rect), before))
    assert desk.session.cancel()
    qtbot.mouseMove(slider, QPoint(slider.width() // 2, middle))
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(slider.width() // 2, middle))
    desk.settle()
    assert document.history.position == 1 and np.array_equal(document.composite(document.rect), before)
    assert tab.edge.slider.value() == 12
    qtbot.mouseClick(slider, LEFT, pos=QPoint(slider.width() // 2, middle))
    desk.wait(lambda: document.history.position == 2)


def test_typing_and_keys_are_an_item_too(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    tab.list.choose("patch-1")
    number = tab.edge.slider.number
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "300")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    desk.wait(lambda: desk.document.history.position == 2)
    assert row(tab, "patch-1")[1] == "fill · edge 300 px"
    tab.edge.slider.slider.setFocus()
    qtbot.keyClick(tab.edge.slider.slider, Qt.Key.Key_Left)
    desk.wait(lambda: desk.document.history.position == 3)
    record = desk.document.record("patch-1")
    assert record is not None and record.feather < 300


def test_while_the_canvas_waits_the_slider_goes_back(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    tab.list.choose("patch-1")
    desk.session.mask_grow(3, preview=True)
    tab.edge.slider.number.setFocus()
    tab.edge.slider.number.selectAll()
    qtbot.keyClicks(tab.edge.slider.number, "50")
    qtbot.keyClick(tab.edge.slider.number, Qt.Key.Key_Return)
    assert desk.notes and desk.document.history.position == 1
    desk.session.cancel_preview()
    assert tab.edge.slider.value() == 12


def test_making_it_again_is_asked_for(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    accept(desk, "pear")
    tab.list.choose("patch-1")
    with qtbot.waitSignal(tab.make_again) as asked:
        qtbot.mouseClick(tab.list.viewport(), LEFT, pos=place(tab, "patch-2"))
    assert asked.args == ["patch-2"] and tab.list.chosen == "patch-1", "the button does not choose"
    with qtbot.waitSignal(tab.make_again) as asked:
        qtbot.mouseClick(tab.foot.again, LEFT)
    assert asked.args == ["patch-1"]
    with qtbot.assertNotEmitted(tab.make_again):
        qtbot.mouseClick(tab.list.viewport(), LEFT, pos=place(tab, "paint"))
    assert tab.list.chosen == "paint"


def test_softening(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    tab.list.choose("patch-1")
    qtbot.mouseClick(tab.foot.soften, LEFT)
    desk.wait(lambda: desk.document.history.undo_labels[-1] == "Soften seam")
    record = desk.document.record("patch-1")
    assert record is not None and tab.edge.slider.value() == record.feather


def test_removing_by_button_and_key_can_be_undone(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    ids = [row.id for row in tab.list.layers.rows]
    tab.list.choose("patch-1")
    qtbot.mouseClick(tab.foot.remove, LEFT)
    assert tab.list.layers.row_of("patch-1") < 0 and not tab.foot.isVisible() and not tab.edge.isVisible()
    desk.session.undo()
    assert [row.id for row in tab.list.layers.rows] == ids and desk.document.record("patch-1") is not None
    tab.list.choose("patch-1")
    tab.list.setFocus()
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
    override.ignore()
    QApplication.sendEvent(tab.list, override)
    assert override.isAccepted(), "the window's own Delete waits"
    qtbot.keyClick(tab.list, Qt.Key.Key_Delete)
    assert tab.list.layers.row_of("patch-1") < 0
    tab.list.choose("picture")
    override.ignore()
    QApplication.sendEvent(tab.list, override)
    assert not override.isAccepted()
    qtbot.keyClick(tab.list, Qt.Key.Key_Delete)
    assert desk.document.history.undo_labels == ("Accept result", "Remove layer")


def test_its_thumbnail_is_the_result_alone(desk: CanvasDesk, tab: LayersTab, qtbot: QtBot) -> None:
    accept(desk)
    thumbs = tab.list.layers
    index = thumbs.index(thumbs.row_of("patch-1"))
    qtbot.waitUntil(lambda: index.data(LayerModel.THUMB) is not None)
    image = index.data(LayerModel.THUMB)
    assert (image.width(), image.height()) == (80, 60), "its frame, not the canvas"
