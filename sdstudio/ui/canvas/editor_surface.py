"""The document on the screen: zoom, pan, and the one way between the pointer and the document's pixels."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.editor_scene import EditorScene
from sdstudio.ui.canvas.mask_look import MaskLook
from sdstudio.ui.canvas.pointer_input import Sample
from sdstudio.ui.canvas.regions import rects_of
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.canvas_paint import to_device_pixels
from sdstudio.ui.theme import Theme
from sdstudio.ui.viewport import Viewport
from sdstudio.ui.zoom_view import ZoomView

_NEAR_WHOLE = 1e-3


class EditorSurface(ZoomView):
    """Everything is painted and pointed at by the same ViewMap, in the screen's own pixels."""

    pill_room = 0

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        self._session = session
        self._theme = theme
        self._look = MaskLook()
        self._map: tuple[Viewport, ViewMap] | None = None
        super().__init__(parent)
        self.scene = EditorScene(session, theme, self)
        self.scene.stale.connect(self.update_device)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        theme.changed.connect(self.update)

    def occupied(self) -> bool:
        return self._session.document is not None

    @property
    def map(self) -> ViewMap:
        if self._map is None or self._map[0] is not self._view:
            self._map = self._view, ViewMap.of(self._view)
        return self._map[1]

    def place(self, sample: Sample) -> tuple[float, float]:
        """From the pointer to the document; the pixel under the pointer is the floor of both."""
        return self.map.to_document(*self.device_point(sample))

    def device_point(self, sample: Sample) -> tuple[float, float]:
        """A mouse stands on a whole screen pixel, and means its middle; a pen is exact between them."""
        x, y = self.to_device(sample.position)
        if sample.pen:
            return x, y
        return math.floor(x + _NEAR_WHOLE) + 0.5, math.floor(y + _NEAR_WHOLE) + 0.5

    def to_device(self, position: QPointF) -> tuple[float, float]:
        """From logical pixels of this widget to device pixels of what is painted in it."""
        ratio = self.devicePixelRatioF()
        shift = self._shift()
        return position.x() * ratio - shift.x(), position.y() * ratio - shift.y()

    def to_logical(self, x: float, y: float) -> QPointF:
        """The way back."""
        return (QPointF(x, y) + self._shift()) / self.devicePixelRatioF()

    def _shift(self) -> QPointF:
        """At 125 % the widget may begin between two screen pixels; what is painted begins on the next whole one
        (`to_device_pixels`)."""
        corner = QPointF(self.mapTo(self.window(), QPointF(0, 0))) * self.devicePixelRatioF()
        return QPointF(math.ceil(corner.x() - 0.01) - corner.x(), math.ceil(corner.y() - 0.01) - corner.y())

    def update_device(self, region: QRegion) -> None:
        """Asks for a repaint of device pixels; one logical pixel more on each side, as they do not fit each other."""
        ratio = self.devicePixelRatioF()
        wanted = QRegion()
        for rect in rects_of(region):
            area = QRectF(rect.x() / ratio, rect.y() / ratio, rect.width() / ratio, rect.height() / ratio)
            wanted = wanted.united(area.toAlignedRect().adjusted(-1, -1, 1, 1))
        self.update(wanted)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            if self.occupied():
                ratio = self.devicePixelRatioF()
                region = QRegion()
                for rect in rects_of(event.region()):
                    area = QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio)
                    region = region.united(area.toAlignedRect().adjusted(-1, -1, 1, 1))
                # At 125 % a part of a screen pixel may be left at the first edges.
                painter.fillRect(0, 0, self.width(), 1, self._theme.color("canvas"))
                painter.fillRect(0, 0, 1, self.height(), self._theme.color("canvas"))
                painter.save()
                to_device_pixels(painter, ratio)
                self.scene.paint(painter, region)
                self._paint_marks(painter)
                painter.restore()
                self._paint_words(painter)
            else:
                painter.fillRect(event.rect(), self._theme.color("canvas"))
            if self._ring:
                painter.setPen(QPen(self._theme.color("focus"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        self._session.pace.end()

    def _paint_marks(self, painter: QPainter) -> None:
        """What lies above picture and mask, in device pixels."""

    def _paint_words(self, painter: QPainter) -> None:
        """The same in logical pixels."""

    def pan_by(self, moved: QPointF) -> None:
        """The picture follows the hand, in logical pixels."""
        ratio = self.devicePixelRatioF()
        self._set_view(self._view.panned(moved.x() * ratio, moved.y() * ratio))

    def zoom_click(self, position: QPointF, closer: bool) -> None:
        """To the next round zoom, at the pointer."""
        self._zoom_at(position, self._view.next_zoom(1 if closer else -1))

    def logical_size(self, document_pixels: float) -> float:
        return document_pixels * self._view.zoom / self.devicePixelRatioF()

    def show_around(self, rect: Rect) -> None:
        """All of it and of the picture, from further away if need be."""
        document = self._session.document
        if document is not None:
            whole = rect.united(document.rect)
            self._set_view(self._view.including(whole.x, whole.y, whole.right, whole.bottom))

    def _zoom_at(self, position: QPointF, zoom: float) -> None:
        self._set_view(self._view.zoomed(zoom, *self.to_device(position)))

    def _moved(self) -> None:
        self.scene.set_mask_look(self._effective_look(), self.devicePixelRatioF())
        self.scene.look(self.map if self.occupied() else None)
        super()._moved()

    def _effective_look(self) -> MaskLook:
        """The quick mask (Q) is greys, whatever else is chosen."""
        return self._look.with_mode("greys") if self._session.settings.quick_mask else self._look
