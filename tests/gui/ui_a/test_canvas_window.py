"""The canvas in the whole window: pages, ways in and out, keys, titles, questions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from sdstudio.domain.geometry import Size
from sdstudio.engine.fake import StepGate
from sdstudio.ui.main_window import MainWindow
from tests.gui.ui_b.conftest import made, open_window, window
from tests.helpers.app_fixtures import HeldFactory
from tests.helpers.canvas_window import open_picture, picture_file, session_of, stroke

__all__ = ["made", "open_window", "window"]

Made = Callable[..., list[str]]
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


# Pages


def test_the_tabs_come_with_a_canvas_and_go_with_it(window: MainWindow, qtbot: QtBot) -> None:
    area = window.canvas
    assert area.tab_row.isHidden() and not area.canvas_shown
    with qtbot.waitSignal(session_of(window).document_changed):
        session_of(window).new_blank(Size(32, 32), (255, 255, 255))
    assert area.tab_row.isVisible() and area.canvas_shown and area.page.isVisible()
    with qtbot.waitSignal(session_of(window).document_changed):
        window.commands.run("close_canvas")
    assert area.tab_row.isHidden() and not area.canvas_shown and not area.page.isVisible()


def test_a_run_does_not_take_the_canvas_away(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    engine.script.gate = gate = StepGate()
    window.commands.run("generate")
    gate.allow(2)
    qtbot.waitUntil(lambda: window.canvas.view.content is not None)
    assert window.canvas.canvas_shown
    gate.open()
    qtbot.waitUntil(lambda: window.context.queue.current is None and bool(window.presenter.path))
    assert window.canvas.canvas_shown
    view = window.results.run_list
    index = view.model().index(0, 0)
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
    assert not window.canvas.canvas_shown
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_F8)
    assert window.canvas.canvas_shown


def test_zoom_and_copy_mean_the_page_that_is_shown(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    made()
    open_picture(window, qtbot)
    window.commands.run("zoom_100")
    assert window.canvas.page.view.viewport.zoom == 1.0 and window.canvas.view.viewport.fit
    window.commands.run("copy")
    assert QGuiApplication.clipboard().image().size().toTuple() == (64, 48)
    window.canvas.show_result()
    window.canvas.page.view.fit()
    window.commands.run("zoom_100")
    assert window.canvas.view.viewport.zoom == 1.0 and window.canvas.page.view.viewport.fit


def test_actions_follow_the_page(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    actions = window.actions_table
    on_canvas = ("undo", "mask_clear", "mask_invert", "tool_brush", "resize_canvas", "clear_paint")
    assert not any(actions[name].isEnabled() for name in (*on_canvas, "save", "export", "close_canvas", "switch_page"))
    made()
    assert actions["edit_result"].isEnabled() and actions["to_bin"].isEnabled()
    open_picture(window, qtbot)
    assert all(actions[name].isEnabled() for name in ("tool_brush", "mask_invert", "save", "export", "switch_page"))
    absent = ("undo", "redo", "mask_clear", "edit_result", "to_bin", "use_settings", "clear_paint")
    assert not any(actions[name].isEnabled() for name in absent)
    stroke(window)
    assert actions["undo"].isEnabled() and actions["mask_clear"].isEnabled()
    assert actions["undo"].text() == "&Undo: brush"
    window.commands.run("undo")
    assert actions["redo"].isEnabled() and not actions["undo"].isEnabled() and not actions["mask_clear"].isEnabled()
    window.canvas.show_result()
    assert not actions["redo"].isEnabled() and actions["to_bin"].isEnabled()


# Titles


def test_name_and_dot_tell_what_is_open_and_unsaved(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    assert window.windowTitle() == "SD Studio"
    with qtbot.waitSignal(session_of(window).document_changed):
        window.open_files([picture_file(tmp_path, "pear.png")])
    assert window.windowTitle() == "pear.png – SD Studio"
    assert window.canvas.page.foot.texts[:2] == ("pear.png", "40 × 30")
    stroke(window)
    assert window.windowTitle() == "pear.png • – SD Studio"
    assert window.canvas.tab_row.tabs.tabText(1) == "Canvas •"
    assert window.canvas.page.foot.texts[0] == "pear.png •"
    qtbot.waitUntil(lambda: window.canvas.page.foot.texts[2].startswith("mask covers "))
    window.commands.run("undo")
    assert window.windowTitle() == "pear.png – SD Studio"
    qtbot.waitUntil(lambda: window.canvas.page.foot.texts[2] == "")
    with qtbot.waitSignal(session_of(window).document_changed):
        window.commands.run("close_canvas")
    assert window.windowTitle() == "SD Studio"


# Keys


def test_single_keys_choose_tools_but_never_while_typing(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    page, prompt = window.canvas.page, window.left.prompt.positive
    prompt.setFocus()
    qtbot.keyClick(prompt, Qt.Key.Key_A, CTRL)
    qtbot.keyClicks(prompt, "belprogwihzmxq")
    assert window.context.session.state.positive == "belprogwihzmxq"
    assert page.tool == "brush" and session_of(window).settings.target == "mask"
    page.view.setFocus()
    for key, tool in zip(
        "ELPROGWIHZB",
        ("eraser", "lasso", "polygon", "rectangle", "ellipse", "fill", "wand", "picker", "hand", "zoom", "brush"),
        strict=True,
    ):
        qtbot.keyClick(page.view, key)
        assert page.tool == tool
        assert window.actions_table[f"tool_{tool}"].isChecked()
    qtbot.keyClick(page.view, "h")
    assert page.view.view_tool == "hand"
    qtbot.keyClick(page.view, "b")
    assert page.view.view_tool == ""


def test_brush_keys(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    view, session = window.canvas.page.view, session_of(window)
    view.setFocus()
    size, hardness = session.settings.brush.size, session.settings.brush.hardness
    qtbot.keyClick(view, Qt.Key.Key_BracketRight)
    assert session.settings.brush.size > size
    qtbot.keyClick(view, "{")
    assert session.settings.brush.hardness < hardness
    qtbot.keyClick(view, "x")
    assert session.settings.tool == "eraser"
    qtbot.keyClick(view, "m")
    assert session.settings.target == "paint" and window.canvas.page.strip.targets["paint"].isChecked()
    qtbot.keyClick(view, "q")
    assert session.settings.quick_mask and window.actions_table["quick_mask"].isChecked()


def test_del_clears_the_mask_on_the_canvas_and_bins_a_result_elsewhere(
    window: MainWindow, made: Made, qtbot: QtBot
) -> None:
    (path,) = made()
    open_picture(window, qtbot)
    stroke(window)
    window.canvas.page.view.setFocus()
    qtbot.keyClick(window.canvas.page.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: session_of(window).mask_empty)
    assert Path(path).exists()
    window.canvas.show_result()
    window.canvas.view.setFocus()
    with qtbot.waitSignal(window.files_bin.moved):
        qtbot.keyClick(window.canvas.view, Qt.Key.Key_Delete)


def test_undo_in_a_text_field_is_the_fields_own(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    prompt = window.left.prompt.positive
    prompt.setFocus()
    qtbot.keyClicks(prompt, "abc")
    qtbot.keyClick(prompt, Qt.Key.Key_Z, CTRL)
    assert session_of(window).can_undo
    window.canvas.page.view.setFocus()
    qtbot.keyClick(window.canvas.page.view, Qt.Key.Key_Z, CTRL)
    assert not session_of(window).can_undo and session_of(window).can_redo


def test_a_changed_key_holds_in_the_window(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    window.context.settings.update(keys=(("generate", ("F5",)), ("tool_lasso", ("N",))))
    assert window.canvas.page.strip.buttons["lasso"].toolTip() == "Lasso  N"
    assert window.left.bar.button.key_hint == "F5"
    window.canvas.page.view.setFocus()
    qtbot.keyClick(window.canvas.page.view, "n")
    assert window.canvas.page.tool == "lasso"


def test_the_paint_layer_says_whether_there_is_paint(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    session = session_of(window)
    session.update_settings(target="paint")

    def words() -> str:
        rows = window.right.layers.list.layers.rows
        return next(row.second for row in rows if row.id == "paint")

    assert words() == "empty"
    stroke(window)
    assert words() == "visible"
    session.undo()
    assert words() == "empty"
