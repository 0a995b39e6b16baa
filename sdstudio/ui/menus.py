"""The menu bar, from the table of actions."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from sdstudio.ui.action_table import ACTION_ROWS, Menu
from sdstudio.ui.actions import Actions, translated
from sdstudio.ui.mnemonics import with_mnemonics

PICTURE_MENU = ("edit_result", "use_settings", "enlarge", "", "copy", "show_in_folder", "", "to_bin")
"""What one can do with a picture, in the menus that open on it; "" is a line."""

CANVAS_MENU = ("undo", "redo", "", "mask_invert", "mask_clear", "mask_all", "", "copy", "paste", "export")


def fill_menu_bar(bar: QMenuBar, actions: Actions) -> None:
    for menu in Menu:
        _fill(bar.addMenu(translated(menu.value)), menu, actions)


def _fill(target: QMenu, menu: Menu, actions: Actions) -> None:
    target.setToolTipsVisible(True)
    subs: dict[str, QMenu] = {}
    for row in ACTION_ROWS:
        if row.menu is not menu:
            continue
        if row.line and not target.isEmpty():
            target.addSeparator()
        place = target
        if row.sub:
            if row.sub not in subs:
                subs[row.sub] = target.addMenu(translated(row.sub))
                subs[row.sub].setToolTipsVisible(True)
            place = subs[row.sub]
        place.addAction(actions[row.name])
    for filled in (target, *subs.values()):
        _mark(filled)


def _mark(menu: QMenu) -> None:
    entries = [action for action in menu.actions() if not action.isSeparator()]
    for action, text in zip(entries, with_mnemonics([action.text() for action in entries]), strict=True):
        action.setText(text)


def picture_menu(actions: Actions, parent: QWidget, names: tuple[str, ...] = PICTURE_MENU) -> QMenu:
    """The context menu of the picture that is shown. Deleted when it closes."""
    menu = QMenu(parent)
    for name in names:
        if name:
            menu.addAction(actions[name])
        else:
            menu.addSeparator()
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
