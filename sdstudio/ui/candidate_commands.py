"""What the actions of the candidates do, and what of them concerns the rest of the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit

from sdstudio.ui.window_parts import WindowParts

_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)


class CandidateCommands(QObject):
    """Most of it is one call of the candidates' owner."""

    def __init__(self, parts: WindowParts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._candidates = candidates = parts.context.candidates
        candidates.accepted.connect(self._on_accepted)
        candidates.changed.connect(self._on_changed)
        candidates.note.connect(parts.troubles.show_note)
        candidates.problem.connect(parts.troubles.show_error)
        self._open = False

    def table(self) -> dict[str, Callable[[], None]]:
        """The actions that are done here."""
        candidates = self._candidates
        return {
            "candidate_next": lambda: candidates.step(1),
            "candidate_previous": lambda: candidates.step(-1),
            "candidate_before": candidates.toggle_before,
            "candidate_compare": candidates.toggle_compare,
            "candidate_difference": lambda: candidates.set_difference(not candidates.difference),
            "candidate_accept": candidates.accept,
            "candidate_more": candidates.more_like_this,
            "candidate_soften": candidates.soften,
            "candidate_discard": candidates.discard,
        }

    def cancel(self) -> bool:
        """Esc from anywhere but where one writes: what is written there has nothing to do with them."""
        if isinstance(QApplication.focusWidget(), _FIELDS):
            return False
        return self._candidates.escape()

    def _on_changed(self) -> None:
        """They came: from the button that asked for them the keys go to the canvas."""
        was, self._open = self._open, self._candidates.open
        if self._open and not was and QApplication.focusWidget() is self._parts.left.bar.button:
            self._parts.canvas.page.focus_view()

    def _on_accepted(self, layer_id: str) -> None:
        """What was accepted is the layer that one would change next."""
        self._parts.right.layers.list.choose(layer_id)
