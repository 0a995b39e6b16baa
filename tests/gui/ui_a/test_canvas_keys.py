"""Keys that can be changed: the table, the field that takes a key, the sheet, and what the settings file keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.settings_store import SettingsStore
from sdstudio.storage.settings import Settings, load_settings
from sdstudio.ui.action_table import ACTION_ROWS
from sdstudio.ui.actions import Actions
from sdstudio.ui.controls import Button
from sdstudio.ui.keymap import USUAL, key_table, only_changed, read_key, users_of, with_key
from sdstudio.ui.shortcuts_dialog import ShortcutsDialog
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show


def test_nothing_changed_means_the_usual_keys() -> None:
    assert key_table(()) == (USUAL, [])
    assert only_changed(USUAL, ()) == ()


def test_changed_keys_come_back_from_what_is_kept() -> None:
    table = with_key(with_key(USUAL, "tool_brush", ("N",)), "save", ("F2", "Ctrl+Alt+S"))
    kept = only_changed(table, ())
    assert kept == (("save", ("F2", "Ctrl+Alt+S")), ("tool_brush", ("N",)))
    assert key_table(kept) == (table, [])


def test_two_actions_may_swap_their_keys() -> None:
    table = with_key(USUAL, "tool_brush", ("E",))
    assert table["tool_eraser"] == ()
    table = with_key(table, "tool_eraser", ("B",))
    assert key_table(only_changed(table, ())) == (table, [])


def test_a_key_is_taken_from_whoever_had_it_on_the_same_page_only() -> None:
    assert users_of("Ctrl+S", "export", USUAL) == ["save"]
    assert users_of("Del", "tool_brush", USUAL) == ["mask_clear"]
    assert users_of("Del", "enlarge", USUAL) == ["to_bin"]
    assert set(users_of("Del", "open", USUAL)) == {"to_bin", "mask_clear"}
    table = with_key(USUAL, "tool_brush", ("Del",))
    assert table["mask_clear"] == ("Ctrl+D",)
    assert table["to_bin"] == ("Del",)


@pytest.mark.parametrize("text", ["", "Ctrl", "Shift", "nonsense", "Space", "Tab", "Return", "Up", "Ctrl+K, Ctrl+S"])
def test_what_cannot_be_a_key(text: str) -> None:
    assert read_key(text) == ""


@pytest.mark.parametrize(("text", "kept"), [("ctrl+e", "Ctrl+E"), ("{", "{"), ("F5", "F5"), ("Ctrl+Up", "Ctrl+Up")])
def test_what_can_be_a_key(text: str, kept: str) -> None:
    assert read_key(text) == kept


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (("flambé", ("F5",)), "no action “flambé”"),
        (("save", ("Ctrl+nonsense",)), "no key for “save”"),
        (("tool_lasso", ("B",)), "used by “tool_brush” already"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_and_left_aside(entry: tuple[str, tuple[str, ...]], part: str) -> None:
    table, notes = key_table((entry, ("tool_wand", ("N",))))
    assert len(notes) == 1 and part in notes[0]
    assert table == dict(USUAL) | {"tool_wand": ("N",)}


def test_entries_of_a_later_version_stay_in_the_file() -> None:
    later = (("later", ("F5",)),)
    assert only_changed(with_key(USUAL, "save", ("F2",)), later) == (("later", ("F5",)), ("save", ("F2",)))


@pytest.fixture
def store(tmp_path: Path, io: IoWorker) -> SettingsStore:
    return SettingsStore(tmp_path / "settings.toml", io)


@pytest.fixture
def actions(qapp: QObject) -> Actions:
    return Actions(qapp)


@pytest.fixture
def sheet(store: SettingsStore, actions: Actions, theme: Theme, qtbot: QtBot) -> ShortcutsDialog:
    dialog = ShortcutsDialog(store, actions, theme)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    show(dialog, qtbot)
    return dialog


def press(sheet: ShortcutsDialog, name: str, qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    field = sheet.fields[name]
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    assert field.text() == "press a key"
    field.setFocus()
    qtbot.keyClick(field, key, modifier)


NONE = Qt.KeyboardModifier.NoModifier


def test_the_sheet_has_a_field_for_every_action(sheet: ShortcutsDialog) -> None:
    assert sheet.fields.keys() == {row.name for row in ACTION_ROWS}
    assert sheet.fields["open"].text() == "Ctrl+O"
    assert sheet.fields["models_folder"].text() == "no key"


def test_a_new_key_holds_at_once_and_is_kept(
    sheet: ShortcutsDialog, actions: Actions, store: SettingsStore, tmp_path: Path, qtbot: QtBot
) -> None:
    button = Button(sheet.theme, "B", sheet)
    actions.describe(button, "tool_brush", "Brush")
    assert button.toolTip() == "Brush  B"
    press(sheet, "tool_brush", qtbot, Qt.Key.Key_N, NONE)
    assert actions["tool_brush"].shortcuts() == [QKeySequence("N")]
    assert button.toolTip() == "Brush  N"
    assert sheet.fields["tool_brush"].text() == "N"
    assert store.settings.keys == (("tool_brush", ("N",)),)
    path = tmp_path / "settings.toml"
    qtbot.waitUntil(lambda: path.exists() and load_settings(path)[0].keys == store.settings.keys)
    assert "[keys]" in path.read_text("utf-8")
    assert sheet.resets["tool_brush"].isVisible() and not sheet.resets["tool_lasso"].isVisible()
    qtbot.mouseClick(sheet.resets["tool_brush"], Qt.MouseButton.LeftButton)
    assert store.settings.keys == () and actions["tool_brush"].shortcuts() == [QKeySequence("B")]


def test_a_key_of_another_action_is_said_before_it_is_taken(
    sheet: ShortcutsDialog, actions: Actions, store: SettingsStore, qtbot: QtBot
) -> None:
    press(sheet, "tool_lasso", qtbot, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert sheet.note.text() == "Ctrl+S is the key of “Save the canvas”."
    assert store.settings.keys == ()
    qtbot.mouseClick(sheet.leave_it, Qt.MouseButton.LeftButton)
    assert actions.keys["tool_lasso"] == ("L",) and not sheet.take_over.isVisible()
    press(sheet, "tool_lasso", qtbot, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(sheet.take_over.hasFocus)
    qtbot.keyClick(sheet.take_over, Qt.Key.Key_Return)
    assert sheet.isVisible()
    assert actions.keys["tool_lasso"] == ("Ctrl+S",) and actions.keys["save"] == ()
    assert sheet.fields["save"].text() == "no key"
    qtbot.mouseClick(sheet.reset_all, Qt.MouseButton.LeftButton)
    assert actions.keys == USUAL and store.settings.keys == ()


def test_keys_that_move_about_are_refused_in_words(sheet: ShortcutsDialog, actions: Actions, qtbot: QtBot) -> None:
    press(sheet, "tool_brush", qtbot, Qt.Key.Key_Space, NONE)
    assert "needed for moving about" in sheet.note.text()
    assert actions.keys == USUAL


def test_escape_leaves_the_key_and_backspace_takes_it_away(
    sheet: ShortcutsDialog, actions: Actions, qtbot: QtBot
) -> None:
    press(sheet, "tool_brush", qtbot, Qt.Key.Key_Escape, NONE)
    assert actions.keys == USUAL and sheet.isVisible()
    press(sheet, "tool_brush", qtbot, Qt.Key.Key_Backspace, NONE)
    assert actions.keys["tool_brush"] == ()


def test_a_sign_above_another_is_kept_as_the_sign(sheet: ShortcutsDialog, actions: Actions, qtbot: QtBot) -> None:
    field = sheet.fields["harder"]
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    field.setFocus()
    qtbot.keyClick(field, "*", Qt.KeyboardModifier.ShiftModifier)
    assert actions.keys["harder"] == ("*",)


def test_a_wrong_table_in_the_file_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('theme = "light"\n[keys]\nsave = 3\n')
    settings, notes = load_settings(path)
    assert settings == Settings(theme="light")
    assert "keys" in notes[0]
    path.write_text('[keys]\nsave = "F2"\ntool_brush = ["N", "F3"]\n')
    assert load_settings(path)[0].keys == (("save", ("F2",)), ("tool_brush", ("N", "F3")))
