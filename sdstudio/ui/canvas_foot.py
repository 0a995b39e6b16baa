"""The line below the picture: what it is called, how large it is, how large it is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas_paint import Content
from sdstudio.ui.controls import ElidedLabel, FlatButton, SectionLine, TextLabel
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CHIP_HEIGHT
from sdstudio.ui.zoom_box import ZoomBox

FOOT_HEIGHT = 32
NAME_WIDTH_MOST = 360
NAME_WIDTH_LEAST = 48


class CanvasFoot(QWidget):
    """Shows a Content's facts; its buttons ask for another zoom, for a larger picture, or for the canvas."""

    enlarge_asked = Signal()
    edit_asked = Signal()

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(FOOT_HEIGHT)
        self._name = ElidedLabel(theme, mode=Qt.TextElideMode.ElideMiddle)
        self._name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._name.setMaximumWidth(NAME_WIDTH_MOST)
        self._size = TextLabel(theme, role="hint")
        self._enlarge = FlatButton(theme, self.tr("Enlarge 4×"))
        self._edit = FlatButton(theme, self.tr("Edit on the canvas"))
        self.zoom = ZoomBox(theme, actions)
        self._has_file = False
        self._dress_buttons(actions)
        self._lay_out()
        self.show_content(None)

    def _dress_buttons(self, actions: Actions) -> None:
        for button in (self._enlarge, self._edit):
            button.setFixedHeight(CHIP_HEIGHT)
        what = self.tr("Make this picture four times as wide and high, as a new file")
        actions.describe(self._enlarge, "enlarge", self.tr("Enlarge 4×"), what)
        what = self.tr("Put this picture on the canvas, to paint on and to mask")
        actions.describe(self._edit, "edit_result", self.tr("Edit on the canvas"), what)
        self._enlarge.clicked.connect(self.enlarge_asked)
        self._edit.clicked.connect(self.edit_asked)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._size)
        row.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        buttons.addWidget(self._edit)
        buttons.addWidget(self._enlarge)
        row.addLayout(buttons)
        row.addWidget(self.zoom)
        self._line = SectionLine(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), 1)
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where it is narrow the words become fewer; what goes is in the picture's menu too."""
        self._edit.setText(self.tr("Edit on the canvas"))
        taken = self.zoom.sizeHint().width() + self._size.sizeHint().width() + NAME_WIDTH_LEAST + 80
        edit, enlarge = self._edit.sizeHint().width(), self._enlarge.sizeHint().width()
        if taken + edit + enlarge > self.width():
            self._edit.setText(self.tr("Edit"))
            edit = self._edit.sizeHint().width()
        self._enlarge.setVisible(self._has_file and taken + edit + enlarge <= self.width())

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Left to right."""
        return self._edit, self._enlarge, *self.zoom.tab_stops()

    @property
    def edit_button(self) -> FlatButton:
        return self._edit

    @property
    def enlarge_button(self) -> FlatButton:
        return self._enlarge

    def show_content(self, content: Content | None) -> None:
        self.zoom.set_active(content is not None)
        self._has_file = content is not None and bool(content.path)
        self._edit.setVisible(self._has_file)
        if content is None:
            self._name.setText(self.tr("No picture yet"))
            self._size.clear()
            self.zoom.show_zoom(1.0)
            self._fit()
            return
        self._name.setText(content.name)
        self._size.setText(self.tr("{width} × {height}").format(width=content.width, height=content.height))
        self._fit()
