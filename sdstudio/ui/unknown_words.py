"""Says kindly when a small model has not learnt what a prompt asks for."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from sdstudio.app.session import Session
from sdstudio.ui.controls import TextLabel
from sdstudio.ui.theme import Theme

REST_MS = 700
"""A word that is still being typed is no unknown word."""
_NAMED_MOST = 3


class UnknownWords(TextLabel):
    """Below the prompt; not there while all words are known, or the model is none of the small ones."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, role="hint", parent=parent)
        self._session = session
        self.setWordWrap(True)
        self.setContentsMargins(0, 6, 0, 0)
        self.hide()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._say)
        session.state_changed.connect(self._on_state)
        session.model_changed.connect(lambda _: self._say())
        self._say()

    def _on_state(self, names: frozenset[str]) -> None:
        if "positive" in names:
            # What was put right is taken back at once; what may be wrong is said when the hand rests.
            if not self.isHidden() and not self._words():
                self._say()
            self._rest.start()

    def _say(self) -> None:
        words = self._words()
        if words != self.text():
            self.setText(words)
        self.setVisible(bool(words))

    def _words(self) -> str:
        model, prompt = self._session.model, self._session.state.positive
        unknown = model.words.unknown(prompt) if model.words is not None else ()
        if model.words is None or not unknown:
            return ""
        named = ", ".join(f"“{word}”" for word in unknown[:_NAMED_MOST]) + (" …" if len(unknown) > _NAMED_MOST else "")
        if model.words.names_a_thing(prompt):
            words = self.tr("The {model} model has not learnt {words} and will draw the rest.")
        else:
            words = self.tr(
                "The {model} model knows about {count} things and has not learnt {words}. Full-size models know far "
                "more: add one."
            )
        return words.format(model=model.name, words=named, count=f"{model.words.about_count:,}")
