"""Model files dropped on the Models dialog: used where they are, copied, converted or left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.models_dialog import ModelsDialog
from sdstudio.ui.models_intake import IntakeState
from tests.helpers import model_families as families
from tests.helpers.model_files import write_checkpoint, write_safetensors
from tests.helpers.models_desk import Key, press, titles


def drop(target: QWidget, *paths: Path) -> bool:
    """Whether it was taken."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), action, data, button, keys)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(400, 300), action, data, button, keys))
    return enter.isAccepted()


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return write_safetensors(tmp_path / "downloads" / "fresh.safetensors", families.small_sd(1))


def test_a_dropped_file_is_used_where_it_is(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot
) -> None:
    assert drop(dialog, fresh)
    bar = dialog.intake
    assert (bar.state, bar.title.text()) == (IntakeState.QUESTION, "“fresh.safetensors”")
    assert bar.hint.text() == "Where it is: adds the folder “downloads” to the list."
    bar.use.click()
    qtbot.waitUntil(lambda: "fresh" in titles(dialog))
    assert str(fresh.parent) in stocked.settings.settings.model_folders
    current = dialog.pane.list.current
    assert current is not None and current.file.path == str(fresh)
    assert drop(dialog, fresh)
    bar.use.click()
    assert bar.title.text() == "“fresh.safetensors” is in the list already."


def test_a_dropped_file_is_copied(dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot) -> None:
    assert drop(dialog, fresh)
    dialog.intake.copy.click()
    own = stocked.paths.models / "fresh.safetensors"
    qtbot.waitUntil(lambda: dialog.intake.state is IntakeState.OUTCOME)
    qtbot.waitUntil(lambda: "fresh" in titles(dialog))
    assert own.read_bytes() == fresh.read_bytes()
    assert dialog.intake.title.text() == "“fresh.safetensors” is in the list now."
    current = dialog.pane.list.current
    assert current is not None and current.file.path == str(own)
    press(dialog, qtbot, Key.Key_Escape)
    assert dialog.intake.state is IntakeState.IDLE and dialog.isVisible(), "Esc first takes the message away"


def test_a_file_that_is_copied_twice_is_there_once(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot
) -> None:
    for words in ("now", "already"):
        assert drop(dialog, fresh)
        dialog.intake.copy.click()
        qtbot.waitUntil(lambda: dialog.intake.state is IntakeState.OUTCOME)
        assert dialog.intake.title.text() == f"“fresh.safetensors” is in the list {words}."
        qtbot.waitUntil(lambda: "fresh" in titles(dialog))
    assert [path.name for path in stocked.paths.models.glob("fresh*")] == ["fresh.safetensors"]


@pytest.mark.parametrize("way", ["use", "copy"])
def test_of_what_cannot_be_used_it_is_said_at_once(
    way: str, dialog: ModelsDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    empty = tmp_path / "down" / "empty.safetensors"
    empty.parent.mkdir()
    empty.write_bytes(b"")
    assert drop(dialog, empty)
    getattr(dialog.intake, way).click()
    qtbot.waitUntil(lambda: dialog.intake.title.text() == "“empty.safetensors” is in the list, but cannot be used.")
    assert "an empty file" in dialog.intake.hint.text()
    assert dialog.pane.list.current is not None and dialog.pane.list.current.file.name == "empty"
    press(dialog, qtbot, Key.Key_Escape)
    assert dialog.intake.state is IntakeState.IDLE


def test_a_long_copy_shows_how_far_it_is_and_is_cancelled(
    dialog: ModelsDialog, stocked: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    large = write_safetensors(tmp_path / "down" / "large.safetensors", families.sd1())
    drop(dialog, large)
    dialog.intake.copy.click()
    qtbot.waitUntil(lambda: "of 2.1 GB" in dialog.intake.title.text())
    assert dialog.intake.state is IntakeState.BUSY and dialog.intake.bar.isVisible()
    assert not drop(dialog, large), "one thing after the other"
    dialog.intake.cancel.click()
    qtbot.waitUntil(lambda: dialog.intake.state is IntakeState.IDLE)
    assert sorted(path.name for path in stocked.paths.models.iterdir()) == [
        *("evil.ckpt", "ink.safetensors", "two.safetensors", "wash.safetensors")
    ]


def test_what_is_no_model_is_not_taken(dialog: ModelsDialog, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert not drop(dialog, tmp_path / "a.txt")
    assert dialog.intake.state is IntakeState.IDLE


def test_a_harmless_checkpoint_is_converted(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    write_checkpoint(stocked.paths.models / "old.ckpt", families.lora(768))
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        stocked.catalog.refresh()
    dialog.pane.want(str(stocked.paths.models / "old.ckpt"))
    dialog.pane.show_details(True)
    assert dialog.pane.details.convert.isVisible()
    dialog.pane.details.convert.click()
    qtbot.waitUntil(lambda: (stocked.paths.models / "old.safetensors").exists())
    qtbot.waitUntil(lambda: dialog.intake.state is IntakeState.OUTCOME)
    dialog.pane.want(str(stocked.paths.models / "evil.ckpt"))
    assert not dialog.pane.details.convert.isVisible()


def test_files_dropped_on_the_window_open_the_dialog(window: MainWindow, fresh: Path, qtbot: QtBot) -> None:
    assert drop(window, fresh)
    dialog = window.commands.dialog("models")
    assert isinstance(dialog, ModelsDialog) and dialog.intake.state is IntakeState.QUESTION
