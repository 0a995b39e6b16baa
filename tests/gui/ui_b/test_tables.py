"""The tables from which menus, shortcuts and settings are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLineEdit, QWidget

from sdstudio.storage.settings import Settings
from sdstudio.ui.action_table import ACTION_ROWS, Menu
from sdstudio.ui.controls import LinkButton
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.settings_dialog import SETTING_ROWS
from sdstudio.ui.shortcuts_dialog import shortcut_rows


def test_no_two_actions_have_the_same_name_or_key() -> None:
    assert max(Counter(row.name for row in ACTION_ROWS).values()) == 1
    keys = [QKeySequence(key).toString() for row in ACTION_ROWS for key in row.keys]
    assert all(keys)
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_no_action_has_a_key_that_text_fields_take_for_themselves() -> None:
    """On X11 editors know some keys of Emacs. Copy and Del are meant for the field when one has the focus."""
    taken = {"Ctrl+A", "Ctrl+D", "Ctrl+E", "Ctrl+K", "Ctrl+U", "Ctrl+Shift+E", "Ctrl+V", "Ctrl+X", "Ctrl+Y", "Ctrl+Z"}
    assert taken.isdisjoint(key for row in ACTION_ROWS for key in row.keys)


def test_every_action_does_something(window: MainWindow) -> None:
    assert window.commands.names == {row.name for row in ACTION_ROWS}


def test_the_menu_bar_holds_every_action_once(window: MainWindow) -> None:
    shown = [
        action.objectName()
        for menu in window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[attr-defined]
        if not action.isSeparator()
    ]
    assert sorted(shown) == sorted(row.name for row in ACTION_ROWS)


def test_the_sheet_of_shortcuts_names_every_key() -> None:
    sheet = " ".join(keys for _, rows in shortcut_rows() for _, keys in rows)
    for row in ACTION_ROWS:
        for key in row.keys:
            if not key.endswith("Return"):
                assert QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) in sheet
    assert len(shortcut_rows()) >= len(Menu)


def test_settings_rows_name_real_settings() -> None:
    names = {field.name for field in fields(Settings)}
    assert {row.name for row in SETTING_ROWS} <= names


def test_every_control_has_a_name_for_screen_readers(window: MainWindow) -> None:
    for name in ("settings", "shortcuts", "about"):
        window.commands.run(name)
    kinds = (QAbstractButton, QLineEdit, QCheckBox)
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, kinds)
        and widget.objectName() not in ("qt_spinbox_lineedit", "qt_menubar_ext_button")
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and widget.focusPolicy().value
        and not (isinstance(widget, LinkButton) and widget.isHidden())  # gets its text when it is needed
    ]
    assert [(type(widget).__name__, widget.parent()) for widget in nameless] == []
    results = window.results
    for view in (window.canvas.view, window.canvas.strip, results.run_list, results.earlier_list, results.queue):
        assert view.accessibleName()


def test_names_without_text_have_a_tooltip(window: MainWindow) -> None:
    for part in (window.canvas, window.results, window.bottom):
        for button in part.findChildren(QAbstractButton):
            if not button.text():
                assert button.toolTip(), button.accessibleName()
