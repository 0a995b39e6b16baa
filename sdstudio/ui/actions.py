"""The rows of the table of actions as QActions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from sdstudio.ui.action_table import ACTION_ROWS, CONTEXT, ActionRow, Needs
from sdstudio.ui.controls import describe
from sdstudio.ui.keymap import USUAL, Keys, KeyTable


def translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)


class Actions(QObject):
    """The rows as QActions. `chosen` carries the row's name."""

    chosen = Signal(str)
    keys_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._keys: dict[str, Keys] = dict(USUAL)
        self._hints: list[tuple[QWidget, str, str, str]] = []
        self._actions: dict[str, QAction] = {}
        groups: dict[str, QActionGroup] = {}
        for row in ACTION_ROWS:
            action = self._make(row)
            if row.group:
                group = groups.setdefault(row.group, QActionGroup(self))
                group.addAction(action)
            self._actions[row.name] = action

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def all(self) -> list[QAction]:
        return list(self._actions.values())

    def set_state(self, present: frozenset[Needs]) -> None:
        """Enables each action whose need is met."""
        for row in ACTION_ROWS:
            self._actions[row.name].setEnabled(row.needs is Needs.NOTHING or row.needs in present)

    @property
    def keys(self) -> Mapping[str, Keys]:
        return self._keys

    def set_keys(self, table: KeyTable) -> None:
        """Other keys, for menus and tooltips too."""
        if self._keys == table:
            return
        self._keys = dict(table)
        for name, action in self._actions.items():
            action.setShortcuts([QKeySequence(key) for key in self._keys[name]])
        for hint in self._hints:
            self._describe(*hint)
        self.keys_changed.emit()

    def describe(self, widget: QWidget, row: str, name: str, hint: str = "") -> None:
        """Name and tooltip of a control that does what a row does; the tooltip ends with the row's key."""
        self._hints.append((widget, row, name, hint))
        self._describe(widget, row, name, hint)

    def _describe(self, widget: QWidget, row: str, name: str, hint: str) -> None:
        describe(widget, name, hint, next(iter(self._keys[row]), ""))

    def _make(self, row: ActionRow) -> QAction:
        action = QAction(translated(row.text), self)
        action.setObjectName(row.name)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setCheckable(row.checkable)
        if row.hint:
            action.setToolTip(translated(row.hint))
        if row.name == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        action.triggered.connect(lambda _checked=False, name=row.name: self.chosen.emit(name))
        return action
