"""How pictures come to the canvas and leave it: results, drops, the clipboard, and the question in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.picture_texts import read_texts
from sdstudio.ui.canvas.export_dialog import ExportDialog
from sdstudio.ui.canvas.question_dialogs import UnsavedDialog
from sdstudio.ui.main_window import MainWindow
from tests.gui.ui_b.conftest import made, open_window, window
from tests.helpers.canvas_window import dialog_of, open_picture, picture_file, session_of, stroke

__all__ = ["made", "open_window", "window"]

Made = Callable[..., list[str]]
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


# Ways in


@pytest.mark.parametrize("way", ["button", "keys", "enter", "menu"])
def test_a_result_goes_to_the_canvas(window: MainWindow, made: Made, way: str, qtbot: QtBot) -> None:
    (path,) = made(positive="a red apple")
    window.context.session.update(positive="something else")
    with qtbot.waitSignal(session_of(window).document_changed):
        if way == "button":
            qtbot.mouseClick(window.canvas.foot.edit_button, LEFT)
        elif way == "keys":
            window.left.prompt.positive.setFocus()
            qtbot.keyClick(window.left.prompt.positive, Qt.Key.Key_E, CTRL)
        elif way == "enter":
            window.canvas.view.setFocus()
            qtbot.keyClick(window.canvas.view, Qt.Key.Key_Return)
        else:
            menu = window.commands.list_menu([path])
            next(action for action in menu.actions() if action.text() == "Edit on the canvas").trigger()
    assert window.canvas.canvas_shown
    assert session_of(window).name == Path(path).name
    assert not session_of(window).modified
    assert window.context.session.state.positive == "something else", "only the picture was wanted"


def drop(target: QWidget, data: QMimeData) -> None:
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, LEFT, none)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), copy, data, LEFT, none))


def file_urls(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_of_several_dropped_files_the_first_is_opened_and_the_rest_said(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    files = [picture_file(tmp_path, name) for name in ("a.png", "b.png", "c.png")]
    with qtbot.waitSignal(session_of(window).document_changed):
        drop(window, file_urls(*files))
    assert session_of(window).name == "a.png"
    message = window.canvas.banner.message
    assert message is not None
    assert message.title == "The canvas holds one picture: “a.png”. Not opened: b.png, c.png."


def test_pixels_without_a_file_can_be_dropped(window: MainWindow, qtbot: QtBot) -> None:
    data = QMimeData()
    image = QImage(12, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    data.setImageData(image)
    with qtbot.waitSignal(session_of(window).document_changed):
        drop(window, data)
    document = session_of(window).document
    assert document is not None and document.size == Size(12, 8)


@pytest.mark.parametrize("kind", ["text", "html", "nothing"])
def test_a_clipboard_without_a_picture_is_said_calmly(window: MainWindow, kind: str) -> None:
    data = QMimeData()
    if kind == "text":
        data.setText("words")
    elif kind == "html":
        data.setHtml("<img src='https://example.invalid/a.png'><b>words</b>")
    QGuiApplication.clipboard().setMimeData(data)
    window.commands.run("paste")
    message = window.canvas.banner.message
    assert message is not None and message.kind == "info"
    assert message.title == "There is no picture on the clipboard."
    assert session_of(window).document is None


@pytest.mark.parametrize("kind", ["image", "png", "file"])
def test_a_picture_on_the_clipboard_is_pasted(window: MainWindow, kind: str, tmp_path: Path, qtbot: QtBot) -> None:
    path = picture_file(tmp_path)
    data = file_urls(path) if kind == "file" else QMimeData()
    if kind == "png":
        data.setData("image/png", path.read_bytes())
    elif kind == "image":
        data.setImageData(QImage(str(path)))
    QGuiApplication.clipboard().setMimeData(data)
    with qtbot.waitSignal(session_of(window).document_changed):
        window.commands.run("paste")
    document = session_of(window).document
    assert document is not None and document.size == Size(40, 30)
    assert tuple(document.composite(document.rect)[0, 0]) == (0, 0, 128, 255)
    assert session_of(window).name == ("a.png" if kind == "file" else "Pasted picture")


# Unsaved work


def test_dropping_on_unsaved_work_asks(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    before = session_of(window).document
    drop(window, file_urls(picture_file(tmp_path)))
    dialog = dialog_of(window, UnsavedDialog, qtbot)
    assert isinstance(dialog, UnsavedDialog)
    assert dialog.heading.text() == "Save “Still life” first?"
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert session_of(window).document is before
    drop(window, file_urls(picture_file(tmp_path)))
    dialog = dialog_of(window, UnsavedDialog, qtbot)
    assert isinstance(dialog, UnsavedDialog)
    with qtbot.waitSignal(session_of(window).document_changed):
        qtbot.mouseClick(dialog.discard, LEFT)
    assert session_of(window).name == "a.png"


def test_save_before_closing_asks_where_and_then_closes(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    window.commands.run("close_canvas")
    dialog = dialog_of(window, UnsavedDialog, qtbot)
    assert isinstance(dialog, UnsavedDialog)
    qtbot.mouseClick(dialog.primary, LEFT)
    files = dialog_of(window, QFileDialog, qtbot)
    assert isinstance(files, QFileDialog)
    target = tmp_path / "kept.ora"
    with qtbot.waitSignal(session_of(window).document_changed):
        files.fileSelected.emit(str(target))
    assert target.is_file()
    assert session_of(window).document is None
    files.close()


def test_leaving_the_file_dialog_leaves_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    window.commands.run("close_canvas")
    dialog = dialog_of(window, UnsavedDialog, qtbot)
    assert isinstance(dialog, UnsavedDialog)
    qtbot.mouseClick(dialog.primary, LEFT)
    dialog_of(window, QFileDialog, qtbot).reject()
    assert session_of(window).document is not None and session_of(window).modified


def test_the_program_never_asks_at_its_end(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    with qtbot.waitSignal(window.closing):
        window.close()
    assert not any(dialog.isVisible() for dialog in window.findChildren(QDialog))


def test_a_result_is_exported_with_the_settings_that_made_it(
    window: MainWindow, made: Made, tmp_path: Path, qtbot: QtBot
) -> None:
    made(positive="a red apple", seed=5, seed_locked=True)
    with qtbot.waitSignal(session_of(window).document_changed):
        window.commands.run("edit_result")
    files = window.commands.canvas_files
    qtbot.waitUntil(lambda: files.record is not None)
    window.commands.run("export")
    dialog = dialog_of(window, ExportDialog, qtbot)
    assert isinstance(dialog, ExportDialog) and dialog.settings.isVisible()
    qtbot.mouseClick(dialog.primary, LEFT)
    chooser = dialog_of(window, QFileDialog, qtbot)
    assert isinstance(chooser, QFileDialog)
    target = tmp_path / "kept.png"
    with qtbot.waitSignal(session_of(window).saved):
        chooser.fileSelected.emit(str(target))
    chooser.close()
    record = read_metadata(read_texts(target)).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    assert (record.request.prompt.positive, record.request.sampling.seed) == ("a red apple", 5)
