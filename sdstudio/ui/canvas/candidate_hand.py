"""The keys of the candidates, wherever on the canvas's page the focus is, and the hand on the line between."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent

from sdstudio.app.candidates import Candidates
from sdstudio.ui.canvas.candidate_overlay import CandidateOverlay

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
_LINE_STEP = 0.05
"""Of what the model saw, with Shift and an arrow."""


class CandidateHand(QObject):
    """Left and Right to the next, 1 to 9 to one of them, the backslash key held for before, Enter to accept, Esc to
    leave. Shift with the arrows moves the line. Without candidates all of them mean what they always do."""

    def __init__(self, candidates: Candidates, overlay: CandidateOverlay, parent: QObject) -> None:
        super().__init__(parent)
        self._candidates = candidates
        self._overlay = overlay
        self._dragging = False

    def wants(self, event: QKeyEvent) -> bool:
        """Whether the key means something here; asked before shortcuts of the window."""
        if not self._candidates.open:
            return False
        key, keys = event.key(), event.modifiers()
        if key == Qt.Key.Key_Backslash:
            return not keys & Qt.KeyboardModifier.ControlModifier
        if key in _STEPS and keys & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.ShiftModifier:
            return self._overlay.comparing
        if keys not in _PLAIN:
            return False
        number = _number(event)
        return key in _STEPS or key in _ENTER or key == Qt.Key.Key_Escape or 0 < number <= len(self._candidates.items)

    def key(self, event: QKeyEvent) -> bool:
        """False where it means nothing here."""
        if not self.wants(event):
            return False
        key, candidates = Qt.Key(event.key()), self._candidates
        if key == Qt.Key.Key_Backslash:
            if not event.isAutoRepeat():
                candidates.hold_before(True)
        elif key in _STEPS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            candidates.set_compare((candidates.compare or 0.0) + _STEPS[key] * _LINE_STEP)
        elif key in _STEPS:
            candidates.step(_STEPS[key])
        elif key in _ENTER:
            candidates.accept()
        elif key == Qt.Key.Key_Escape:
            candidates.escape()
        else:
            candidates.choose(_number(event) - 1)
        return True

    def key_up(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Backslash or event.isAutoRepeat():
            return False
        self._candidates.hold_before(False)
        return True

    def leave(self) -> None:
        """The focus goes elsewhere: a key that is let go there is not told here."""
        self._dragging = False
        self._candidates.hold_before(False)

    def over(self, position: QPointF) -> bool:
        return self._overlay.over_line(position)

    def press(self, position: QPointF) -> bool:
        self._dragging = self._overlay.over_line(position)
        return self._dragging

    def move(self, position: QPointF) -> bool:
        if self._dragging:
            self._overlay.drag_line(position)
        return self._dragging

    def release(self) -> bool:
        was, self._dragging = self._dragging, False
        return was


def _number(event: QKeyEvent) -> int:
    """1 to 9; 0 for any other key."""
    number = event.key() - Qt.Key.Key_0.value
    return number if 1 <= number <= 9 else 0
