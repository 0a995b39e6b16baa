"""The switch for a model's own form for few steps; not there where the model has none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sdstudio.app.session import Session
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.controls import Chip, TextLabel, describe
from sdstudio.ui.theme import Theme


class QuickRow(QWidget):
    """Bound to the session in both directions. `says` is there while the steps are others than it was made for."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.switch = Chip(theme)
        describe(self.switch, self.tr("Quick"))
        self.says = TextLabel(theme, font="small", role="hint")
        self.says.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.says)
        self.switch.clicked.connect(session.choose_quick)
        session.state_changed.connect(self._follow)
        session.model_changed.connect(self._show_model)
        self._show_model(session.model)

    def _follow(self, names: frozenset[str]) -> None:
        if names & {"quick", "steps"}:
            self._show_state()

    def _show_model(self, info: ModelInfo) -> None:
        quick = info.presets.quick
        self.setVisible(quick is not None)
        if quick is not None:
            words = self.tr("Quick: {steps} steps").format(steps=quick.steps)
            self.switch.setText(words)
            self.switch.updateGeometry()
            describe(self.switch, words, self.tr("For a first look: few steps, with what makes them enough."))
        self._show_state()

    def _show_state(self) -> None:
        state, quick = self._session.state, self._session.model.presets.quick
        self.switch.setChecked(state.quick)
        words = quick.note(state.steps) if state.quick and quick is not None else ""
        self.says.setText(words)
        self.says.setVisible(bool(words))
