"""Out, percent, in, fit: the four buttons below everything that can be zoomed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.ui.actions import Actions
from sdstudio.ui.controls import FlatButton, IconButton
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT


class ZoomBox(QWidget):
    """Says which zoom is asked for; shows the one that is."""

    step_asked = Signal(int)
    fit_asked = Signal()
    actual_asked = Signal()

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zoom = FlatButton(theme, "100 %")
        self._out = IconButton(theme, "minus", self.tr("Zoom out"), flat=True, side=CHIP_HEIGHT, icon_size=16)
        self._in = IconButton(theme, "plus", self.tr("Zoom in"), flat=True, side=CHIP_HEIGHT, icon_size=16)
        self._fit = FlatButton(theme, self.tr("Fit"))
        for button in (self._zoom, self._fit):
            button.setFixedHeight(CHIP_HEIGHT)
        self._zoom.setFixedWidth(64)
        self._fit.setFixedWidth(40)
        actions.describe(self._out, "zoom_out", self.tr("Zoom out"))
        actions.describe(self._in, "zoom_in", self.tr("Zoom in"))
        actions.describe(self._zoom, "zoom_100", self.tr("Zoom"), self.tr("Show the picture's own pixels (100 %)"))
        actions.describe(self._fit, "zoom_fit", self.tr("Fit"), self.tr("Show the whole picture"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._out)
        row.addWidget(self._zoom)
        row.addWidget(self._in)
        row.addSpacing(4)
        row.addWidget(self._fit)
        self._out.clicked.connect(lambda: self.step_asked.emit(-1))
        self._in.clicked.connect(lambda: self.step_asked.emit(1))
        self._zoom.clicked.connect(self.actual_asked)
        self._fit.clicked.connect(self.fit_asked)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Left to right."""
        return self._out, self._zoom, self._in, self._fit

    def set_active(self, active: bool) -> None:
        for button in (self._out, self._zoom, self._in, self._fit):
            button.setEnabled(active)

    def show_zoom(self, zoom: float) -> None:
        """1.0 = 100 %."""
        words = self.tr("{percent} %").format(percent=max(1, round(zoom * 100)))
        if words != self._zoom.text():
            self._zoom.setText(words)
            self._zoom.setAccessibleDescription(words)
