"""Pictures in a list: small squares that say whether they are chosen, forming, waiting or gone."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.app.gallery_model import GalleryRole
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.qimage import to_qimage
from sdstudio.ui.theme import Theme

RING_ROOM = 4
"""Between the edge of a cell and its thumbnail: a ring of 2 px, 2 px away."""
RADIUS = 2
KEPT = 400
Index = QModelIndex | QPersistentModelIndex


class ThumbRole(IntEnum):
    """Beside GalleryModel's roles. STATE is "" for a picture on disk, else "forming" or "waiting"; LABEL is the text
    in a waiting cell or on the badge of a forming one."""

    STATE = Qt.ItemDataRole.UserRole + 100
    LABEL = Qt.ItemDataRole.UserRole + 101


class ThumbCache:
    """Thumbnails at their size on screen, newest used last; a picture that changed is scaled anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[object, QPixmap]] = OrderedDict()

    def get(self, name: str, source: ImageBuffer | QImage, side: int, ratio: float) -> QPixmap:
        """A square of `side` device pixels, the middle of the picture; kept while `source` is the same object."""
        key = (name, side)
        found = self._kept.get(key)
        if found is not None and found[0] is source:
            self._kept.move_to_end(key)
            return found[1]
        image = to_qimage(source) if isinstance(source, ImageBuffer) else source
        pixmap = QPixmap.fromImage(_square(image, side))
        pixmap.setDevicePixelRatio(ratio)
        self._kept[key] = (source, pixmap)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return pixmap


def _square(image: QImage, side: int) -> QImage:
    whole = image.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    return whole.copy((whole.width() - side) // 2, (whole.height() - side) // 2, side, side)


class ThumbDelegate(QStyledItemDelegate):
    """Paints a cell of the size that the view says."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cache = ThumbCache()
        self._side = 120
        self._forming_marked = False

    def set_side(self, side: int) -> None:
        """The thumbnail's side in logical pixels."""
        self._side = side

    def set_forming_marked(self, marked: bool) -> None:
        """Whether the forming picture has the ring of the chosen one."""
        self._forming_marked = marked

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self._side + 2 * RING_ROOM, self._side + 2 * RING_ROOM)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area: QRect = option.rect
        rect = QRect(area.left() + RING_ROOM, area.top() + RING_ROOM, self._side, self._side)
        state = index.data(ThumbRole.STATE) or ""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(GalleryRole.MISSING):
            self._paint_missing(painter, rect)
        elif state == "waiting":
            self._paint_dashed(painter, rect, self._theme.color("border"))
            self._paint_text(painter, rect, str(index.data(ThumbRole.LABEL) or ""))
        else:
            self._paint_picture(painter, rect, index)
            if state == "forming":
                self._paint_badge(painter, rect, str(index.data(ThumbRole.LABEL) or ""))
        paint_ring(painter, self._theme, rect, option, gap=2, marked=state == "forming" and self._forming_marked)
        painter.restore()

    def _paint_picture(self, painter: QPainter, rect: QRect, index: Index) -> None:
        source = index.data(GalleryRole.THUMBNAIL)
        if source is None:
            painter.fillRect(rect, self._theme.color("raised"))
            return
        ratio = painter.device().devicePixelRatioF()
        name = str(index.data(GalleryRole.PATH) or f"row {index.row()}")
        paint_picture(painter, rect, self._cache.get(name, source, round(self._side * ratio), ratio))

    def _paint_dashed(self, painter: QPainter, rect: QRect, colour: QColor) -> None:
        pen = QPen(colour, 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_text(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setPen(self._theme.color("text2"))
        painter.setFont(self._theme.font("body"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_missing(self, painter: QPainter, rect: QRect) -> None:
        self._paint_dashed(painter, rect, self._theme.color("border"))
        ratio = painter.device().devicePixelRatioF()
        icon = self._theme.pixmap("warn", "error", 20, ratio)
        painter.drawPixmap(rect.center().x() - 10, rect.center().y() - 24, icon)
        self._paint_text(painter, rect.adjusted(4, 24, -4, 0), self.tr("file missing"))

    def _paint_badge(self, painter: QPainter, rect: QRect, text: str) -> None:
        font = self._theme.font("badge")
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(text) + 10
        badge = QRectF(rect.left() + 4, rect.top() + 4, width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("pill"))
        painter.drawRoundedRect(badge, 3, 3)
        painter.setPen(self._theme.color("pilltext"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)


def paint_picture(painter: QPainter, rect: QRect, pixmap: QPixmap) -> None:
    """With the round corners of a thumbnail."""
    clip = QPainterPath()
    clip.addRoundedRect(QRectF(rect), RADIUS, RADIUS)
    painter.setClipPath(clip)
    painter.drawPixmap(rect, pixmap)
    painter.setClipping(False)


def paint_ring(
    painter: QPainter, theme: Theme, rect: QRect, option: QStyleOptionViewItem, *, gap: int, marked: bool = False
) -> None:
    """Round the thumbnail that has the keyboard, is chosen (or `marked`) or is pointed at, `gap` pixels away."""
    state: QStyle.StateFlag = option.state
    focused = state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange
    if focused:
        pen = QPen(theme.color("focus"), 2)
    elif marked or state & QStyle.StateFlag.State_Selected:
        pen = QPen(theme.color("accent"), 2)
    elif state & QStyle.StateFlag.State_MouseOver:
        pen = QPen(theme.color("control"), 1)
    else:
        return
    away, radius = gap + pen.widthF() / 2, RADIUS + gap
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(-away, -away, away, away), radius, radius)
