"""The tables from which menus, shortcuts and settings are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLineEdit, QMenu, QWidget

from sdstudio.storage.settings import Settings
from sdstudio.ui.action_table import ACTION_ROWS, Menu
from sdstudio.ui.controls import LinkButton
from sdstudio.ui.keymap import USUAL, users_of
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.mnemonics import with_mnemonics
from sdstudio.ui.settings_dialog import SETTING_ROWS
from sdstudio.ui.shortcuts_dialog import ShortcutsDialog, action_sections


def test_no_two_actions_have_the_same_name_or_key() -> None:
    assert max(Counter(row.name for row in ACTION_ROWS).values()) == 1
    assert all(QKeySequence(key).toString() for row in ACTION_ROWS for key in row.keys)
    for row in ACTION_ROWS:
        for key in row.keys:
            assert users_of(key, row.name, USUAL) == [], key


def test_a_key_can_mean_two_things_only_on_two_pages() -> None:
    """Del: a result to the bin, or the mask away; never both at the same moment."""
    keys = Counter(QKeySequence(key).toString() for row in ACTION_ROWS for key in row.keys)
    assert [key for key, count in keys.items() if count > 1] == ["Del"]
    assert {row.name for row in ACTION_ROWS if "Del" in row.keys} == {"to_bin", "mask_clear"}


def test_every_action_does_something(window: MainWindow) -> None:
    assert window.commands.names == {row.name for row in ACTION_ROWS}


def test_every_entry_of_a_menu_has_a_letter_of_its_own(window: MainWindow) -> None:
    menus = [action.menu() for action in window.menuBar().actions()]
    for menu in menus:
        assert isinstance(menu, QMenu)
        texts = [action.text() for action in menu.actions() if not action.isSeparator()]
        letters = [QKeySequence.mnemonic(text).toString() for text in texts]
        assert all(letters), f"none in {menu.title()}: {texts}"
        assert max(Counter(letters).values()) == 1, f"twice in {menu.title()}: {texts}"


def test_letters_are_those_that_words_begin_with_where_they_can_be() -> None:
    texts = ["Zoom in", "Zoom out", "Undo: &brush", "Fit", "Fill", "Fi", "zz", "Big"]
    assert with_mnemonics(texts) == ["&Zoom in", "Zoom &out", "Undo: &brush", "&Fit", "F&ill", "Fi", "zz", "Bi&g"]


def leaves(menu: QMenu) -> list[str]:
    """The actions of a menu and of those inside it."""
    names = []
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            names += leaves(inner)
        elif not action.isSeparator():
            names.append(action.objectName())
    return names


def test_the_menu_bar_holds_every_action_once(window: MainWindow) -> None:
    shown = [name for action in window.menuBar().actions() for name in leaves(action.menu())]  # type: ignore[arg-type]
    assert sorted(shown) == sorted(row.name for row in ACTION_ROWS)


def test_the_sheet_of_shortcuts_names_every_key(window: MainWindow) -> None:
    window.commands.run("shortcuts")
    sheet = window.commands.dialog("shortcuts")
    assert isinstance(sheet, ShortcutsDialog)
    for row in ACTION_ROWS:
        for key in row.keys:
            if not key.endswith("Return"):
                words = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
                assert words in sheet.fields[row.name].text()
    assert len(action_sections()) == len(Menu)


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
    for part in (window.canvas, window.right, window.bottom):
        for button in part.findChildren(QAbstractButton):
            qts_own = button.objectName().startswith("Scroll")  # of a row of tabs; never shown
            if not button.text() and not qts_own:
                assert button.toolTip(), button.accessibleName()
