"""The picture in the middle, and the picture as it forms."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from sdstudio.ui.canvas_paint import Content, PicturePainter, paint_pill, to_device_pixels
from sdstudio.ui.theme import Theme
from sdstudio.ui.zoom_view import PILL_ROOM, ZoomView

PILL_HEIGHT = 20
PILL_WIDTH = 320
"""More than any pill needs."""
FRAME = 3


class PictureView(ZoomView):
    """Paints one Content. Knows no jobs and no files: what is shown is decided by its owner."""

    content_changed = Signal()
    menu_asked = Signal(QPoint)
    edit_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._theme = theme
        self._painter = PicturePainter()
        self._content: Content | None = None
        self._look_back: Content | None = None
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Picture"))
        self._describe()
        theme.changed.connect(self.update)

    @property
    def content(self) -> Content | None:
        return self._content

    def occupied(self) -> bool:
        return self._content is not None

    def show_content(self, content: Content | None) -> None:
        """A forming picture and its finished self stay in the same place; a fitted view stays fitted."""
        self._content, self._look_back = content, None
        if content is not None and (content.width, content.height) != (
            self._view.picture_width,
            self._view.picture_height,
        ):
            self._view = self._view.with_picture(content.width, content.height)
        self._describe()
        self._moved()
        self.content_changed.emit()

    def look_back(self, content: Content | None) -> None:
        """Shows an earlier state in place of the picture for as long as the pointer rests on it; None = the present."""
        self._look_back = content
        self._update_picture()

    def _update_picture(self) -> None:
        """Only the picture and its pill: previews come ten times a second."""
        place = self.picture_rect().toAlignedRect()
        pill = QRect(place.left(), place.top() - PILL_ROOM, max(place.width(), PILL_WIDTH), PILL_ROOM)
        # At the edges it may be moved inwards.
        pill = (
            pill.united(QRect(0, 0, PILL_WIDTH, 2 * PILL_HEIGHT))
            if place.top() < PILL_ROOM or place.left() < 8
            else pill
        )
        self.update(place.adjusted(-FRAME, -FRAME, FRAME, FRAME).united(pill))

    def _describe(self) -> None:
        if self._content is None:
            self.setAccessibleDescription(self.tr("No picture yet."))
            return
        words = self.tr("{name}, {width} by {height} pixels.")
        name = self._content.pill or self._content.name
        self.setAccessibleDescription(words.format(name=name, width=self._content.width, height=self._content.height))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on working on what is shown."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.edit_asked.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._content is not None:
            self.menu_asked.emit(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(event.rect(), self._theme.color("canvas"))
            shown = self._look_back or self._content
            if shown is not None:
                painter.save()
                to_device_pixels(painter, self.devicePixelRatioF())
                self._painter.paint(painter, shown, self._view, self._theme.tokens.name == "dark")
                painter.restore()
                self._paint_pill(painter, shown)
            if self._ring:
                painter.setPen(QPen(self._theme.color("focus"), 2))
                painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def _paint_pill(self, painter: QPainter, shown: Content) -> None:
        if shown.pill:
            place = self.picture_rect()
            corner = QPointF(max(8.0, place.left()), max(8.0 + PILL_HEIGHT, place.top() - 6))
            colours = (self._theme.color("pill"), self._theme.color("pilltext"))
            paint_pill(painter, corner, shown.pill, self._theme.font("badge"), colours)
