"""A button that shows a key, and takes the next key that is pressed as the new one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from sdstudio.ui.controls import Chip
from sdstudio.ui.theme import Theme

_MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyField(Chip):
    """`pressed_key` carries "Ctrl+E", or "" for Backspace: no key at all. Esc leaves it as it is."""

    pressed_key = Signal(str)
    recording = Signal(bool)

    def __init__(self, theme: Theme, action: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", parent)
        self._shown = ""
        self._action = action
        self.setAutoDefault(True)  # Enter means this field, not the dialog's Close
        self.clicked.connect(self._on_clicked)

    def show_keys(self, words: str) -> None:
        self._shown = words
        self._show(words or self.tr("no key"))

    def _show(self, words: str) -> None:
        self.setText(words)
        self.setAccessibleName(self.tr("Key of {action}: {key}").format(action=self._action, key=words))
        self.updateGeometry()

    def _on_clicked(self, on: bool) -> None:
        self._show(self.tr("press a key") if on else self._shown or self.tr("no key"))
        self.recording.emit(on)

    def _end(self) -> None:
        if self.isChecked():
            self.setChecked(False)
            self.show_keys(self._shown)
            self.recording.emit(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._end()

    def event(self, event: QEvent) -> bool:
        """While it waits for a key, every key is meant for it: shortcuts, Tab and Enter too."""
        if self.isChecked() and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
        return super().event(event)

    def _take(self, event: QKeyEvent) -> None:
        if event.key() in _MODIFIERS:
            return
        plain = not event.modifiers()
        self._end()
        if plain and event.key() == Qt.Key.Key_Escape:
            return
        if plain and event.key() == Qt.Key.Key_Backspace:
            self.pressed_key.emit("")
            return
        self.pressed_key.emit(key_text(event))


def key_text(event: QKeyEvent) -> str:
    """A pressed key as it is kept. Signs that need Shift on some keyboard are kept as the sign alone: "{"."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    text = event.text()
    if len(text) == 1 and text.isprintable() and not text.isalnum() and not text.isspace():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    keys = QKeySequence(modifiers.value | event.key())
    return keys.toString(QKeySequence.SequenceFormat.PortableText)
