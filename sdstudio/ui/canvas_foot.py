"""The line below the picture: what it is called, how large it is, how large it is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.ui.canvas_paint import Content
from sdstudio.ui.controls import ElidedLabel, FlatButton, IconButton, SectionLine, TextLabel, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CHIP_HEIGHT

FOOT_HEIGHT = 32
NAME_WIDTH_MOST = 360


class CanvasFoot(QWidget):
    """Shows a Content's facts; its buttons ask for another zoom."""

    zoom_step_asked = Signal(int)
    fit_asked = Signal()
    actual_asked = Signal()
    enlarge_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(FOOT_HEIGHT)
        self._name = ElidedLabel(theme, mode=Qt.TextElideMode.ElideMiddle)
        self._name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._name.setMaximumWidth(NAME_WIDTH_MOST)
        self._size = TextLabel(theme, role="hint")
        self._zoom = FlatButton(theme, "100 %")
        self._out = IconButton(theme, "minus", self.tr("Zoom out"), flat=True, side=CHIP_HEIGHT, icon_size=16)
        self._in = IconButton(theme, "plus", self.tr("Zoom in"), flat=True, side=CHIP_HEIGHT, icon_size=16)
        self._fit = FlatButton(theme, self.tr("Fit"))
        self._enlarge = FlatButton(theme, self.tr("Enlarge 4×"))
        self._dress_buttons()
        self._lay_out()
        self.show_content(None)

    def _dress_buttons(self) -> None:
        for button in (self._zoom, self._fit, self._enlarge):
            button.setFixedHeight(CHIP_HEIGHT)
        self._zoom.setFixedWidth(64)
        self._fit.setFixedWidth(40)
        describe(self._out, self.tr("Zoom out"), key="Ctrl+-")
        describe(self._in, self.tr("Zoom in"), key="Ctrl++")
        describe(self._zoom, self.tr("Zoom"), self.tr("Show the picture's own pixels (100 %)"), "1")
        describe(self._fit, self.tr("Fit"), self.tr("Show the whole picture"), "0")
        what = self.tr("Make this picture four times as wide and high, as a new file")
        describe(self._enlarge, self.tr("Enlarge 4×"), what, "Ctrl+4")
        self._enlarge.clicked.connect(self.enlarge_asked)
        self._out.clicked.connect(lambda: self.zoom_step_asked.emit(-1))
        self._in.clicked.connect(lambda: self.zoom_step_asked.emit(1))
        self._zoom.clicked.connect(self.actual_asked)
        self._fit.clicked.connect(self.fit_asked)

    def _lay_out(self) -> None:
        column = QWidget()
        row = QHBoxLayout(column)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._size)
        row.addStretch(1)
        row.addWidget(self._enlarge)
        zoom = QHBoxLayout()
        zoom.setSpacing(2)
        for button in (self._out, self._zoom, self._in):
            zoom.addWidget(button)
        zoom.addSpacing(4)
        zoom.addWidget(self._fit)
        row.addLayout(zoom)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(column)
        self._line = SectionLine(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), 1)
        super().resizeEvent(event)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Left to right."""
        return self._enlarge, self._out, self._zoom, self._in, self._fit

    def show_content(self, content: Content | None) -> None:
        for button in (self._out, self._zoom, self._in, self._fit):
            button.setEnabled(content is not None)
        self._enlarge.setVisible(content is not None and bool(content.path))
        if content is None:
            self._name.setText(self.tr("No picture yet"))
            self._size.clear()
            self.show_zoom(1.0)
            return
        self._name.setText(content.name)
        self._size.setText(self.tr("{width} × {height}").format(width=content.width, height=content.height))

    def show_zoom(self, zoom: float) -> None:
        """1.0 = 100 %."""
        words = self.tr("{percent} %").format(percent=max(1, round(zoom * 100)))
        if words != self._zoom.text():
            self._zoom.setText(words)
            self._zoom.setAccessibleDescription(words)
