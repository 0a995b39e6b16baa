"""What the picture view paints, in device pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap

from sdstudio.ui.qimage import Pyramid, smooth_enlarged
from sdstudio.ui.viewport import Viewport

CHECK = 8
CHECKS_DARK = ("#4A4A4A", "#555555")
CHECKS_LIGHT = ("#C4C4C4", "#D0D0D0")


@dataclass(frozen=True, slots=True)
class Content:
    """What the view shows. For a forming picture the pyramid holds the small preview and `width` x `height` is the
    size it will have; then `forming` is true and there is no `path`."""

    pyramid: Pyramid
    width: int
    height: int
    name: str = ""
    path: str = ""
    pill: str = ""
    forming: bool = False

    @property
    def transparent(self) -> bool:
        return self.pyramid.image.hasAlphaChannel()


def to_device_pixels(painter: QPainter, ratio: float) -> None:
    """From here on one unit is one screen pixel, on whole ones.

    At 125 % a child widget may begin between two screen pixels; without taking that off, a picture at 100 % would
    be blurred.
    """
    device = painter.deviceTransform()
    painter.translate(
        (math.ceil(device.dx() - 0.01) - device.dx()) / ratio, (math.ceil(device.dy() - 0.01) - device.dy()) / ratio
    )
    painter.scale(1 / ratio, 1 / ratio)


class PicturePainter:
    """Paints a Content through a Viewport; keeps the last enlargement, so that a repaint only copies pixels."""

    def __init__(self) -> None:
        self._source: Pyramid | None = None
        self._shown = QSize()
        self._enlarged = QImage()

    def paint(self, painter: QPainter, content: Content, view: Viewport, dark: bool) -> QRect:
        """Returns the picture's place in device pixels."""
        x, y = view.origin()
        rect = QRect(x, y, *view.shown_size())
        if content.transparent:
            paint_checks(painter, rect, dark)
        image = self._image(content, view, rect.size())
        exact = rect.size() == image.size()
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, not exact and not (view.nearest and not content.forming)
        )
        painter.drawImage(rect, image)
        if content.forming:
            paint_frame(painter, rect)
        return rect

    def _image(self, content: Content, view: Viewport, shown: QSize) -> QImage:
        if not content.forming and (view.nearest or view.zoom <= 1.0):
            return content.pyramid.level_for(view.zoom)
        if content.pyramid is not self._source or shown != self._shown:
            self._enlarged = smooth_enlarged(content.pyramid.image, shown)
            self._source, self._shown = content.pyramid, shown
        return self._enlarged


def paint_checks(painter: QPainter, rect: QRect, dark: bool) -> None:
    """The squares that say "transparent here"."""
    tile = QPixmap(2 * CHECK, 2 * CHECK)
    first, second = (QColor(name) for name in (CHECKS_DARK if dark else CHECKS_LIGHT))
    tile.fill(first)
    with QPainter(tile) as filler:
        filler.fillRect(CHECK, 0, CHECK, CHECK, second)
        filler.fillRect(0, CHECK, CHECK, CHECK, second)
    painter.setBrushOrigin(QPointF(rect.topLeft()))
    painter.fillRect(rect, QBrush(tile))


def paint_frame(painter: QPainter, rect: QRect) -> None:
    """A white line between two black ones: one of them shows on any picture."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for grow, colour in ((0, "#000000"), (1, "#FFFFFF"), (2, "#000000")):
        painter.setPen(QPen(QColor(colour), 1))
        painter.drawRect(rect.adjusted(-grow, -grow, grow - 1, grow - 1))


def paint_pill(painter: QPainter, corner: QPointF, text: str, font: QFont, colours: tuple[QColor, QColor]) -> QRectF:
    """A label that is readable on any picture, its bottom left at `corner` (logical pixels). Returns its place."""
    metrics = QFontMetricsF(font)
    size = QRectF(0, 0, math.ceil(metrics.horizontalAdvance(text)) + 12, 20)
    size.moveBottomLeft(corner)
    ground, ink = colours
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(size, 3, 3)
    painter.setPen(ink)
    painter.setFont(font)
    painter.drawText(size, Qt.AlignmentFlag.AlignCenter, text)
    return size
