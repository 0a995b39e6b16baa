"""Model files dropped on the Models dialog: used where they are, copied, converted or left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.models_dialog import ModelsDialog
from sdstudio.ui.models_intake import IntakeState
from tests.helpers import model_families as families
from tests.helpers.model_files import write_checkpoint, write_safetensors
from tests.helpers.models_desk import Key, press, titles

MOVE = Qt.DropAction.MoveAction


def drop(target: QWidget, *paths: Path) -> bool:
    """Whether it was taken: from a program that would rather have its files moved."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, button, keys = Qt.DropAction.CopyAction | MOVE, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), actions, data, button, keys)
    move = QDragMoveEvent(QPoint(404, 300), actions, data, button, keys)
    dropped = QDropEvent(QPointF(404, 300), actions, data, button, keys)
    for event in (enter, move, dropped):
        event.setDropAction(MOVE)
        event.setAccepted(event is not enter)
        QApplication.sendEvent(target, event)
        if not enter.isAccepted():
            return False
        assert event.isAccepted() and event.dropAction() is Qt.DropAction.CopyAction, "after a move they may be deleted"
    return True


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


# -- folders and several at once --------------------------------------------------------------------------------------


def current(dialog: ModelsDialog) -> str:
    model = dialog.pane.list.current
    return model.file.path if model is not None else ""


def use(dialog: ModelsDialog, *paths: Path) -> str:
    """Dropped, and used where they are: what is said then."""
    assert drop(dialog, *paths)
    dialog.intake.use.click()
    assert dialog.intake.state is IntakeState.OUTCOME
    return dialog.intake.title.text()


def test_a_dropped_folder_is_added_and_its_first_model_shown(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot
) -> None:
    assert drop(dialog, fresh.parent)
    assert dialog.intake.hint.text() == "Where it is: adds the folder “downloads” to the list."
    dialog.intake.use.click()
    assert dialog.intake.title.text() == "Added to the list: “downloads”"
    qtbot.waitUntil(lambda: current(dialog) == str(fresh))
    dialog.pane.list.choose(str(stocked.paths.models / "ink.safetensors"))
    write_safetensors(fresh.with_name("new.safetensors"), families.small_sd(1, 9))
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        stocked.catalog.refresh()
    assert current(dialog).endswith("ink.safetensors"), "a later look leaves the chosen row alone"


def test_a_folder_is_added_once_however_it_comes(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot
) -> None:
    inner = write_safetensors(fresh.parent / "fine" / "inner.safetensors", families.small_sd(1, 9))
    use(dialog, fresh.parent)
    qtbot.waitUntil(lambda: "inner" in titles(dialog))
    added = stocked.settings.settings.model_folders
    for folder, shown in ((fresh.parent, fresh), (inner.parent, inner), (stocked.paths.models, None)):
        assert use(dialog, folder) == f"“{folder.name}” is in the list already."
        assert shown is None or current(dialog) == str(shown)
    assert use(dialog, fresh, inner) == "All 2 are in the list already."
    assert stocked.settings.settings.model_folders == added, "one inside of another would only be an empty row"


def test_of_several_the_new_ones_are_added_and_other_files_left(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    more = write_safetensors(tmp_path / "more" / "more.safetensors", families.small_sd(1, 9))
    note = tmp_path / "texts" / "a.txt"
    note.parent.mkdir()
    note.write_text("x")
    assert drop(dialog, stocked.paths.models / "ink.safetensors", note, fresh, more.parent)
    assert dialog.intake.title.text() == "3 files and folders"
    dialog.intake.use.click()
    assert dialog.intake.title.text() == "Added to the list: “downloads”, “more”"
    qtbot.waitUntil(lambda: {"fresh", "more"} <= set(titles(dialog)))
    assert stocked.settings.settings.model_folders[1:] == (str(fresh.parent), str(more.parent))
    assert current(dialog) == str(fresh), "the first that was not there before"


def test_a_folder_that_was_taken_off_can_be_dropped_again(
    dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot
) -> None:
    use(dialog, fresh.parent)
    qtbot.waitUntil(lambda: "fresh" in titles(dialog))
    stocked.models.remove_folder(fresh.parent)
    assert use(dialog, fresh.parent) == "Added to the list: “downloads”", "even before the next look"
    qtbot.waitUntil(lambda: not stocked.catalog.looking)
    assert "fresh" in titles(dialog)


def test_an_unplugged_folder_comes_back(dialog: ModelsDialog, stocked: AppContext, fresh: Path, qtbot: QtBot) -> None:
    def second() -> str:
        return next(row.second for row in dialog.folders.rows if row.path == str(fresh.parent))

    use(dialog, fresh.parent)
    qtbot.waitUntil(lambda: "fresh" in titles(dialog))
    away = fresh.parent.rename(fresh.parent.with_name("unplugged"))
    stocked.catalog.refresh()
    qtbot.waitUntil(lambda: second() == "not connected")
    assert "fresh" not in titles(dialog)
    away.rename(fresh.parent)
    stocked.catalog.refresh()
    qtbot.waitUntil(lambda: second() == "1 model")
    assert "fresh" in titles(dialog)


def test_files_dropped_on_the_search_are_the_dialogs(dialog: ModelsDialog) -> None:
    assert not dialog.pane.search.acceptDrops()


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
