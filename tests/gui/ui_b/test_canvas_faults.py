"""Faults that random input and use under a real screen have found, each in its shortest form."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.errors import StorageError
from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas.option_bar import OptionBar
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.theme import Theme
from sdstudio.ui.zoom_view import PILL_ROOM
from tests.helpers.canvas_window import mouse, open_picture, picture_file, session_of, stroke


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> OptionBar:
    bar = OptionBar(theme, Actions(QApplication.instance()))
    qtbot.addWidget(bar)
    bar.resize(800, 40)
    with qtbot.waitExposed(bar):
        bar.show()
    return bar


def test_quick_changes_of_the_tool_leave_no_window_behind(bar: OptionBar) -> None:
    """A layout shows its new widgets a turn later: by then they had no parent any more, and became windows."""
    for tools in (("ellipse", "brush"), ("lasso", "fill"), ("wand", "eraser")):
        for tool in tools:
            bar.show_settings(ToolSettings(tool=tool), tool)
        QApplication.processEvents()
        shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
        assert shown == [bar]


def test_the_hand_can_be_chosen_in_the_middle_of_a_lasso(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    page = window.canvas.page
    page.choose_tool("lasso")
    mouse(window, QEvent.Type.MouseButtonPress)
    page.choose_tool("hand")
    assert session_of(window).busy
    assert page.view.cursor().shape() == Qt.CursorShape.BitmapCursor


def test_what_could_not_be_opened_is_forgotten_when_something_else_is_tried(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """An animation's note had waited behind the errors of all pictures before it."""
    banner, session = window.canvas.banner, session_of(window)
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(b"")
        with qtbot.waitSignal(session.problem):
            session.open_file(tmp_path / name)
    assert banner.message is not None and "two.png" in banner.message.title
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "navy", "white")]
    frames[0].save(tmp_path / "three.gif", save_all=True, append_images=frames[1:])
    with qtbot.waitSignal(session.note):
        session.open_file(tmp_path / "three.gif")
    assert banner.message is not None and "animation" in banner.message.title
    banner.close_message()
    assert not banner.isVisible()


def test_nothing_to_paste_is_said_before_older_errors(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"")
    with qtbot.waitSignal(session_of(window).problem):
        session_of(window).open_file(tmp_path / "one.png")
    QGuiApplication.clipboard().setText("<p>words</p>")
    window.commands.run("paste")
    message = window.canvas.banner.message
    assert message is not None and message.title == "There is no picture on the clipboard."


def test_that_changes_are_kept_again_takes_the_place_of_the_trouble(window: MainWindow, qtbot: QtBot) -> None:
    """It had waited behind the error, which stayed on the screen as if nothing had changed."""
    open_picture(window, qtbot)
    session, banner = session_of(window), window.canvas.banner

    def titles() -> list[str]:
        seen = []
        while banner.message is not None:
            seen.append(banner.message.title)
            banner.close_message()
        return seen

    session.problem.emit(StorageError("The disk is full.", topic="kept"))
    session.problem.emit(StorageError("The mask could not be saved."))
    session.problem.emit(StorageError("The disk is still full.", topic="kept"))
    session.note_on.emit("kept", "It goes on again.")
    assert titles() == ["The mask could not be saved.", "It goes on again."]
    session.problem.emit(StorageError("The disk is full.", topic="kept"))
    session.note_on.emit("kept", "It goes on again.")
    assert banner.isVisible() and banner.message is not None and banner.message.kind == "info"
    assert titles() == ["It goes on again."] and not banner.isVisible()


def test_saved_is_said_of_the_canvas_that_was_saved(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    open_picture(window, qtbot)
    session = session_of(window)
    with qtbot.waitSignal(session.saved):
        session.save(tmp_path / "still life.ora")
    assert "still life.ora" in window.canvas.page.foot.texts[2]
    with qtbot.waitSignal(session.document_changed):
        session.open_file(picture_file(tmp_path))
    qtbot.waitUntil(lambda: "still life.ora" not in window.canvas.page.foot.texts[2])


def test_no_banner_moves_the_picture_under_a_stroke(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    banner, view = window.canvas.banner, window.canvas.page.view
    mouse(window, QEvent.Type.MouseButtonPress)
    size = view.size()
    session_of(window).note.emit("Something else has ended.")
    QApplication.processEvents()
    assert view.size() == size
    assert not banner.isVisible()
    mouse(window, QEvent.Type.MouseButtonRelease)
    assert banner.isVisible()
    assert banner.message is not None and banner.message.title == "Something else has ended."


def test_a_banner_moves_neither_the_picture_nor_the_tools(window: MainWindow, qtbot: QtBot) -> None:
    """It lies over the canvas: what one was about to draw on, or to press, stays where it is."""
    open_picture(window, qtbot)
    page, banner = window.canvas.page, window.canvas.banner
    parts = (page.view, page.strip, page.options, page.foot)

    def places() -> list[object]:
        QApplication.processEvents()
        corners = [part.mapTo(window, part.rect().topLeft()) for part in parts]
        return [page.view.picture_rect(), *corners, *(part.size() for part in parts)]

    before = places()
    window.troubles.show_error(StorageError("The disk is full.", meaning="Nothing is lost.", hint="Make room on it."))
    assert places() == before and banner.isVisible()
    top = page.view.mapTo(window.canvas, page.view.rect().topLeft())
    assert banner.geometry().topLeft() == top and banner.width() == page.view.width()
    assert banner.height() >= banner.heightForWidth(banner.width())
    window.resize(window.width() + 90, window.height())
    QApplication.processEvents()
    assert banner.width() == page.view.width()
    banner.close_message()
    window.resize(window.width() - 90, window.height())
    assert places() == before


def test_a_banner_hides_neither_what_is_said_of_the_mask_nor_the_result(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    page, banner = window.canvas.page, window.canvas.banner
    stroke(window)
    page.set_look("edge")
    window.troubles.show_note("Something else has ended.")
    QApplication.processEvents()
    view_top = page.view.mapTo(window.canvas, page.view.rect().topLeft()).y()
    assert banner.y() >= view_top + PILL_ROOM
    page.set_look("tint")
    assert banner.y() == view_top
    window.canvas.show_result()
    QApplication.processEvents()
    below = window.canvas.view if window.canvas.view.isVisible() else window.canvas.first_start
    assert below.mapTo(window.canvas, below.rect().topLeft()).y() == banner.geometry().bottom() + 1
    window.canvas.show_canvas()
    QApplication.processEvents()
    assert banner.y() == view_top


def test_a_mask_of_another_size_replaces_a_stroke_that_began_meanwhile(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    open_picture(window, qtbot)
    session = session_of(window)
    with qtbot.waitSignal(session.ask_mask_size) as asked:
        session.mask_from_file(picture_file(tmp_path, colour="white"))
    mouse(window, QEvent.Type.MouseButtonPress)
    assert session.busy
    asked.args[0].scale()
    assert not session.busy
    assert session.document is not None
    assert session.document.history.undo_labels == ("Mask from file",)
