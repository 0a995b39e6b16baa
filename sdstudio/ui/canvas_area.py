"""The middle column: banner, first start or picture with its steps, foot."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from sdstudio.ui.banner import Banner
from sdstudio.ui.canvas_foot import CanvasFoot
from sdstudio.ui.canvas_view import PictureView
from sdstudio.ui.first_start import FirstStart
from sdstudio.ui.step_strip import STRIP_HEIGHT, StepStrip
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.zoom_view import AIR

STRIP_GAP = 16


class CanvasArea(QWidget):
    """Keeps the steps right below the picture, wherever that lies."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "canvas")
        self.banner = Banner(theme)
        self.first_start = FirstStart(theme)
        self.view = PictureView(theme)
        self.strip = StepStrip(theme, self.view)
        self.foot = CanvasFoot(theme)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.first_start)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self._stack, 1)
        column.addWidget(self.foot)
        self.setMinimumWidth(360)
        self.view.set_bottom_room(STRIP_HEIGHT + STRIP_GAP)
        self.strip.hide()
        self._connect()

    def _connect(self) -> None:
        self.view.picture_moved.connect(self._place_strip)
        self.view.zoom_changed.connect(self._on_zoom)
        self.view.content_changed.connect(self._on_content)
        self.foot.zoom_step_asked.connect(self.view.zoom_step)
        self.foot.fit_asked.connect(self.view.fit)
        self.foot.actual_asked.connect(lambda: self.view.set_zoom(1.0))

    def show_first_start(self, shown: bool) -> None:
        self._stack.setCurrentWidget(self.first_start if shown else self.view)

    @property
    def first_start_shown(self) -> bool:
        return self._stack.currentWidget() is self.first_start

    def show_steps(self, shown: bool) -> None:
        """The steps' place is kept free in any case, so that nothing moves when they come and go."""
        self.strip.setVisible(shown)
        self._place_strip()

    def _on_content(self) -> None:
        content = self.view.content
        self.foot.show_content(content)
        self._on_zoom(self.view.viewport.zoom)
        if content is not None:
            self.show_first_start(False)

    def _on_zoom(self, zoom: float) -> None:
        if self.view.content is not None:
            self.foot.show_zoom(zoom)

    def _place_strip(self) -> None:
        if self.strip.isHidden():
            return
        picture = self.view.picture_rect().toAlignedRect()
        inside = self.view.rect().adjusted(AIR, 0, -AIR, 0)
        left, right = max(picture.left(), inside.left()), min(picture.right() + 1, inside.right() + 1)
        if right - left < 160:
            left, right = inside.left(), inside.right() + 1
        top = min(picture.bottom() + STRIP_GAP, self.view.height() - STRIP_HEIGHT - 8)
        self.strip.setGeometry(QRect(left, max(0, top), right - left, STRIP_HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_strip()

    def set_view_focus(self) -> None:
        self.view.setFocus(Qt.FocusReason.ShortcutFocusReason)
