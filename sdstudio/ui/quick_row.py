"""The switch for a model's own form for few steps; not there where the model has none."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from sdstudio.app.session import Session
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.controls import Chip, describe
from sdstudio.ui.theme import Theme


class QuickRow(QWidget):
    """Bound to the session in both directions."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.switch = Chip(theme)
        describe(self.switch, self.tr("Quick"))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.switch)
        line.addStretch(1)
        self.switch.clicked.connect(session.choose_quick)
        session.state_changed.connect(self._follow)
        session.model_changed.connect(self._show_model)
        self._show_model(session.model)

    def _follow(self, names: frozenset[str]) -> None:
        if "quick" in names:
            self.switch.setChecked(self._session.state.quick)

    def _show_model(self, info: ModelInfo) -> None:
        quick = info.presets.quick
        self.setVisible(quick is not None)
        if quick is not None:
            words = self.tr("Quick: {steps} steps").format(steps=quick.steps)
            self.switch.setText(words)
            self.switch.updateGeometry()
            describe(self.switch, words, self.tr("For a first look: few steps, with what makes them enough."))
        self.switch.setChecked(self._session.state.quick)
