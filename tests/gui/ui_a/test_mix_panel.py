"""The list of pictures that are mixed: there for unCLIP models alone; dropped, pasted, weighed, taken away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.additions import MixedImage
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.mix_panel import MixPanel
from sdstudio.ui.mix_row import MixRowView
from tests.gui.ui_a.test_dock import type_into
from tests.helpers.added_models import write_models

LEFT = Qt.MouseButton.LeftButton
PLAIN_KEYS = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(dock: LeftDock, context: AppContext, qtbot: QtBot) -> MixPanel:
    """Of an unCLIP model."""
    write_models(context.paths.models)
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    choose(context, "variations")
    return dock.mix


def choose(context: AppContext, name: str) -> None:
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == name))


def picture(folder: Path, name: str, shade: int) -> str:
    Image.fromarray(np.full((30, 40, 3), shade, np.uint8)).save(folder / name)
    return str(folder / name)


def files(*paths: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def drop(panel: MixPanel, data: QMimeData) -> bool:
    """Whether it was taken."""
    action, place = Qt.DropAction.CopyAction, QPoint(40, 20)
    enter = QDragEnterEvent(place, action, data, LEFT, PLAIN_KEYS)
    enter.ignore()
    QApplication.sendEvent(panel, enter)
    if enter.isAccepted():
        QApplication.sendEvent(panel, QDropEvent(QPointF(place), action, data, LEFT, PLAIN_KEYS))
    return enter.isAccepted()


def rows(panel: MixPanel) -> list[MixRowView]:
    return list(panel.rows.values())


def chosen(context: AppContext) -> list[tuple[str, float]]:
    return [(each.name, each.weight) for each in context.session.state.mix]


def fill(panel: MixPanel, context: AppContext, folder: Path, qtbot: QtBot, count: int) -> None:
    for number in range(count):
        with qtbot.waitSignal(context.mix.added):
            assert drop(panel, files(picture(folder, f"{number}.png", 50 * number)))


def test_only_models_that_vary_have_it(panel: MixPanel, dock: LeftDock, context: AppContext) -> None:
    assert dock.mix_fold.open and panel.says.text() == "The next pictures are like those that you drop here."
    choose(context, "instruct")
    assert not dock.mix_fold.open
    choose(context, "variations")
    assert dock.mix_fold.open


def test_files_are_dropped(panel: MixPanel, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    fill(panel, context, tmp_path, qtbot, 2)
    assert [view.name.text() for view in rows(panel)] == ["0.png", "1.png"]
    assert QApplication.focusWidget() is rows(panel)[1].weight.number
    assert panel.says.text() == "A picture of what is seen in these, and of the prompt."
    with qtbot.waitSignal(context.mix.added):
        assert drop(panel, files(picture(tmp_path, "again.png", 0)))
    assert len(rows(panel)) == 2 and QApplication.focusWidget() is rows(panel)[0].weight.number
    text = QMimeData()
    text.setText("a cat")
    assert not drop(panel, text) and not drop(panel, files(str(tmp_path / "model.safetensors")))


def test_its_thumbnail_is_the_picture(panel: MixPanel, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(context.mix.added):
        drop(panel, files(picture(tmp_path, "grey.png", 180)))
    shot = rows(panel)[0].thumb.grab().toImage()
    assert abs(shot.pixelColor(shot.width() // 2, shot.height() // 2).red() - 180) <= 1
    context.mix.set_weight(context.session.state.mix[0].key, 0)
    paler = rows(panel)[0].thumb.grab().toImage()
    assert paler.pixelColor(shot.width() // 2, shot.height() // 2).red() < 150


def test_ctrl_v_in_it_is_for_it(panel: MixPanel, dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    image = QImage(20, 10, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    panel.add.setFocus()
    with qtbot.waitSignal(context.mix.added):
        QTest.keyClick(panel.add, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert chosen(context) == [("Pasted picture", 1.0)]
    QGuiApplication.clipboard().setText("a cat")
    QTest.keyClick(panel.add, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert panel.error.isVisible() and panel.error.text == "There is no picture on the clipboard."
    context.mix.remove(context.session.state.mix[0].key)
    assert panel.error.isHidden()


def test_weights_by_typing_and_their_words(panel: MixPanel, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    fill(panel, context, tmp_path, qtbot, 1)
    view = rows(panel)[0]
    assert view.why.isHidden()
    for typed, weight, words in (
        ("0", 0.0, "At 0 it is left out."),
        ("-0.5", -0.5, "Below 0 it leads away from what is seen in it."),
        ("3", 3.0, ""),
    ):
        type_into(view.weight.number, typed)
        QTest.keyClick(view.weight.number, Qt.Key.Key_Return)
        assert chosen(context) == [("0.png", weight)] and view.why.text() == words
        assert view.name.isEnabled() == bool(weight)


def test_the_keyboard_stays_in_the_list(panel: MixPanel, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    fill(panel, context, tmp_path, qtbot, 3)
    for left in (2, 1):
        rows(panel)[-1].remove.click()
        assert len(rows(panel)) == left and QApplication.focusWidget() is rows(panel)[-1].remove
    rows(panel)[0].remove.click()
    assert rows(panel) == [] and QApplication.focusWidget() is panel.add


def test_what_is_not_here_says_so(panel: MixPanel, context: AppContext, qtbot: QtBot) -> None:
    image = ImageInput(sha256="ab" * 32, width=40, height=30)
    request = replace(context.session.draft_request(), mix=(MixedImage(image=image, weight=0.5),))
    with qtbot.waitSignal(context.mix.changed):
        context.session.restore(request)
    (view,) = rows(panel)
    assert view.name.text() == "Picture of 40 × 30" and not view.name.isEnabled()
    assert view.why.text() == "Not on this computer any more, so it is left out."
    assert not view.weight.isVisible() and view.again.isVisible()
    with qtbot.waitSignal(panel.replace_asked) as asked:
        view.again.click()
    assert asked.args == ["ab" * 32]


def test_the_canvas_counts_one(panel: MixPanel, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    context.edit_planner.set_canvas_active(True)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 4), np.uint8)
    with qtbot.waitSignal(context.canvas.document_changed):
        context.canvas.open_image(ImageBuffer(noise))
    qtbot.waitUntil(lambda: panel.says.text().startswith("Further pictures"))
    fill(panel, context, tmp_path, qtbot, 1)
    assert panel.says.text() == "With the picture on the canvas, which counts 1."


def test_all_of_it_is_seen(panel: MixPanel, dock: LeftDock, context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    """The box around it grows with what rows say."""
    fill(panel, context, tmp_path, qtbot, 3)
    for picture_ in context.session.state.mix:
        context.mix.set_weight(picture_.key, -1)
    panel.show_error(InvalidRequest("mix", "The weights cancel each other out.", hint="Change one."))
    last, box = rows(panel)[-1], dock.mix_fold
    qtbot.waitUntil(lambda: last.why.isVisible() and last.mapTo(box, last.rect().bottomLeft()).y() < box.height())
    assert all(view.thumb.geometry().bottom() <= view.height() for view in rows(panel))


def test_weights_that_cancel_out_are_told_there(panel: MixPanel, dock: LeftDock, context: AppContext) -> None:
    assert dock.show_error(InvalidRequest("mix", "The weights cancel each other out.", hint="Change one."))
    assert panel.error.isVisible() and panel.error.text == "The weights cancel each other out. Change one."
    assert not dock.bar.blocked
    choose(context, "instruct")
    assert panel.error.isHidden()


def test_its_stops_are_between_the_loras_and_the_model(
    panel: MixPanel, dock: LeftDock, context: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    fill(panel, context, tmp_path, qtbot, 1)
    view = rows(panel)[0]
    qtbot.waitUntil(view.isVisible)
    panel.add.setFocus()
    for stop in (view.remove, view.weight.slider, view.weight.number, dock.settings.model):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is stop
