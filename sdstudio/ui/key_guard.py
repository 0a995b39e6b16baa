"""Text fields keep the keys of writing and leave the window's own alone."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from sdstudio.ui.actions import Actions
from sdstudio.ui.keymap import moves_about

_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_WRITING = (
    QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo, QKeySequence.StandardKey.Copy,
    QKeySequence.StandardKey.Cut, QKeySequence.StandardKey.Paste, QKeySequence.StandardKey.SelectAll,
    QKeySequence.StandardKey.Delete,
)  # fmt: skip


class KeyGuard(QObject):
    """On X11 editors know some keys of Emacs (Ctrl+E, Ctrl+D …) that mean an action here; those go to the action.
    Single letters, and what everybody knows from writing, stay the field's."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._actions = actions
        for field in window.findChildren(QWidget):
            if isinstance(field, _FIELDS):
                field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if any(event.matches(key) for key in _WRITING) or not self._is_ours(event):
            return False
        event.ignore()
        return True

    def _is_ours(self, event: QKeyEvent) -> bool:
        pressed = QKeySequence(event.keyCombination())
        text = pressed.toString(QKeySequence.SequenceFormat.PortableText)
        if ("Ctrl+" not in text and "Alt+" not in text) or moves_about(text):
            return False
        return any(pressed in action.shortcuts() for action in self._actions.all() if action.isEnabled())
