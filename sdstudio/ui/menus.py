"""The menu bar, from the table of actions."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from sdstudio.ui.action_table import ACTION_ROWS, Menu
from sdstudio.ui.actions import Actions, translated

PICTURE_MENU = ("use_settings", "enlarge", "", "copy", "show_in_folder", "", "to_bin")
"""What one can do with a picture, in the menus that open on it; "" is a line."""


def fill_menu_bar(bar: QMenuBar, actions: Actions) -> None:
    for menu in Menu:
        _fill(bar.addMenu(translated(menu.value)), menu, actions)


def _fill(target: QMenu, menu: Menu, actions: Actions) -> None:
    target.setToolTipsVisible(True)
    for row in ACTION_ROWS:
        if row.menu is menu:
            if row.line and not target.isEmpty():
                target.addSeparator()
            target.addAction(actions[row.name])


def picture_menu(actions: Actions, parent: QWidget) -> QMenu:
    """The context menu of the picture that is shown. Deleted when it closes."""
    menu = QMenu(parent)
    for name in PICTURE_MENU:
        if name:
            menu.addAction(actions[name])
        else:
            menu.addSeparator()
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
