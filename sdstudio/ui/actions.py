"""The rows of the table of actions as QActions."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from sdstudio.ui.action_table import ACTION_ROWS, CONTEXT, ActionRow, Needs


def translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)


def key_words(keys: tuple[str, ...]) -> str:
    """The first key as the system writes it: "Ctrl+O"."""
    return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


class Actions(QObject):
    """The rows as QActions. `chosen` carries the row's name."""

    chosen = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
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
