"""The window when the program is started a second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_questions import UnsavedQuestion
from sdstudio.app.single_instance import Call, Doorkeeper
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.second_start import SecondStart
from tests.helpers.canvas_window import mouse, open_picture, picture_file, session_of


@pytest.fixture
def keeper(window: MainWindow) -> Doorkeeper:
    keeper = Doorkeeper()
    SecondStart(window, keeper)
    return keeper


def test_it_comes_to_the_front_and_opens_the_file(
    window: MainWindow, keeper: Doorkeeper, qtbot: QtBot, tmp_path: Path
) -> None:
    window.showMinimized()
    with qtbot.waitSignal(session_of(window).document_changed):
        keeper.called.emit(Call((str(picture_file(tmp_path)),)))
    assert window.isVisible() and not window.isMinimized()


def test_unsaved_changes_are_asked_about(window: MainWindow, keeper: Doorkeeper, qtbot: QtBot, tmp_path: Path) -> None:
    open_picture(window, qtbot)
    session = session_of(window)
    mouse(window, QEvent.Type.MouseButtonPress)
    mouse(window, QEvent.Type.MouseButtonRelease)
    document = session.document
    assert session.modified
    with qtbot.waitSignal(session.ask_unsaved) as asked:
        keeper.called.emit(Call((str(picture_file(tmp_path)),)))
    question: UnsavedQuestion = asked.args[0]
    assert session.document is document
    question.cancel()
    assert session.document is document and session.modified


def test_a_stroke_is_not_cut_off(window: MainWindow, keeper: Doorkeeper, qtbot: QtBot, tmp_path: Path) -> None:
    open_picture(window, qtbot)
    session = session_of(window)
    mouse(window, QEvent.Type.MouseButtonPress)
    keeper.called.emit(Call((str(picture_file(tmp_path)),)))
    QApplication.processEvents()
    assert session.busy and session.work is None
    with qtbot.waitSignal(session.ask_unsaved) as asked:
        mouse(window, QEvent.Type.MouseButtonRelease)
    assert session.document is not None and session.document.history.undo_labels
    asked.args[0].cancel()
