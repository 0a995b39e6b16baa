"""The layers as a list, top to bottom: eye, thumbnail, name, opacity; a lock, or a button to make a result again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.ui.row_paint import paint_ground, paint_line
from sdstudio.ui.theme import Theme

ROW_HEIGHT = 56
THUMB = 40
EYE_WIDTH = 40
AGAIN_WIDTH = 40
NAME_TOP, SECOND_TOP, LINE_HEIGHT = 11, 28, 16
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """`eye`: the name of its icon; `second`: what is said below the name; `mark`: an icon at the right, or "";
    `again`: what the button for making it again says, "" for none; `removable`: whether Delete removes it."""

    id: str
    name: str
    second: str
    eye: str
    eye_hint: str
    opacity: float
    dimmed: bool = False
    mark: str = ""
    again: str = ""
    removable: bool = False


class LayerModel(QAbstractListModel):
    """Shows rows and thumbnails that it is given."""

    ROW, THUMB = (Qt.ItemDataRole.UserRole + n for n in range(2))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[LayerRow, ...] = ()
        self._thumbs: dict[str, QImage] = {}

    @property
    def rows(self) -> tuple[LayerRow, ...]:
        return self._rows

    def set_rows(self, rows: tuple[LayerRow, ...]) -> None:
        """Anew only where layers came or went, so that the chosen one stays chosen."""
        same = [row.id for row in rows] == [row.id for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = rows
        if same and rows:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        elif not same:
            self.endResetModel()

    def set_thumbs(self, thumbs: Mapping[str, QImage]) -> None:
        self._thumbs |= thumbs
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), [self.THUMB])

    def row_of(self, layer_id: str) -> int:
        return next((place for place, row in enumerate(self._rows) if row.id == layer_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == self.ROW:
            return row
        if role == self.THUMB:
            return self._thumbs.get(row.id)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.name}. {row.second}. {row.eye_hint}"
        return None


class LayerDelegate(QStyledItemDelegate):
    """Paints a row; what the eye means is in the row."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW_HEIGHT)

    @staticmethod
    def eye_rect(row: QRect) -> QRect:
        return QRect(row.left() + 4, row.top(), EYE_WIDTH, row.height())

    @staticmethod
    def again_rect(row: QRect) -> QRect:
        return QRect(row.right() - AGAIN_WIDTH, row.top(), AGAIN_WIDTH, row.height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        row: LayerRow = index.data(LayerModel.ROW)
        theme = self._theme
        painter.save()
        paint_ground(painter, theme, option)
        ratio = painter.device().devicePixelRatioF()
        eye = theme.pixmap(row.eye, "off" if row.dimmed else "text", 20, ratio)
        painter.drawPixmap(rect.left() + 16, rect.center().y() - 9, eye)
        self._paint_thumb(painter, QRect(rect.left() + 44, rect.center().y() - THUMB // 2 + 1, THUMB, THUMB), index)
        ends = self._paint_right(painter, rect, row, ratio)
        self._paint_words(painter, rect, ends, row)
        painter.setPen(QPen(theme.color("line"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()

    def _paint_thumb(self, painter: QPainter, box: QRect, index: Index) -> None:
        dark = self._theme.tokens.name == "dark"
        first, second = (QColor("#4A4A4A"), QColor("#555555")) if dark else (QColor("#C4C4C4"), QColor("#D0D0D0"))
        for y in range(0, THUMB, 8):
            for x in range(0, THUMB, 8):
                painter.fillRect(box.x() + x, box.y() + y, 8, 8, first if (x + y) // 8 % 2 else second)
        image = index.data(LayerModel.THUMB)
        if isinstance(image, QImage):
            shown = QSize(image.size()).scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRectF(0, 0, shown.width(), shown.height())
            place.moveCenter(QRectF(box).center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, image)

    def _paint_right(self, painter: QPainter, rect: QRect, row: LayerRow, ratio: float) -> tuple[int, int]:
        """The opacity beside the name, or the mark in its place, and the button; returns where name and second line
        have to end."""
        if row.mark:
            mark = self._theme.pixmap(row.mark, "text2", 16, ratio)
            painter.drawPixmap(rect.right() - 31, rect.center().y() - 7, mark)
            return rect.right() - 40, rect.right() - 40
        if row.again:
            again = self._theme.pixmap("redo", "text", 20, ratio)
            painter.drawPixmap(rect.right() - 35, rect.center().y() - 9, again)
            rect = rect.adjusted(0, 0, -28, 0)
        painter.setFont(self._theme.font("body"))
        painter.setPen(self._theme.color("text2"))
        words = f"{round(row.opacity * 100)} %"
        width = painter.fontMetrics().horizontalAdvance(words)
        line = QRect(rect.left(), rect.top() + NAME_TOP, rect.width() - 16, LINE_HEIGHT)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        return rect.right() - 16 - width - 8, rect.right() - (9 if row.again else 16)

    def _paint_words(self, painter: QPainter, rect: QRect, ends: tuple[int, int], row: LayerRow) -> None:
        left = rect.left() + 44 + THUMB + 8
        name = QRect(left, rect.top() + NAME_TOP, ends[0] - left, LINE_HEIGHT)
        second = QRect(left, rect.top() + SECOND_TOP, ends[1] - left, LINE_HEIGHT)
        paint_line(painter, self._theme, name, row.name, "body", "text2" if row.dimmed else "text")
        paint_line(painter, self._theme, second, row.second, "small", "text2")


class LayerList(QListView):
    """One row is chosen. Its eye (a click, or Space), the button for making it again, and Delete only ask."""

    eye_asked = Signal(str)
    again_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers = LayerModel(self)
        self.setModel(self.layers)
        self.setItemDelegate(LayerDelegate(theme, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Layers"))
        theme.changed.connect(self.viewport().update)

    @property
    def chosen(self) -> str:
        """The layer's id; "" for none."""
        index = self.currentIndex()
        return self.layers.rows[index.row()].id if index.isValid() else ""

    def choose(self, layer_id: str) -> None:
        row = self.layers.row_of(layer_id)
        if row >= 0:
            self.setCurrentIndex(self.layers.index(row))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        index = self.indexAt(place)
        if index.isValid() and LayerDelegate.eye_rect(self.visualRect(index)).contains(place):
            self.eye_asked.emit(self.layers.rows[index.row()].id)
            return
        if index.isValid() and self._on_again(index, place):
            self.again_asked.emit(self.layers.rows[index.row()].id)
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.chosen:
            self.eye_asked.emit(self.chosen)
        elif event.key() == Qt.Key.Key_Delete and self._removable():
            self.remove_asked.emit(self.chosen)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Delete is also a key of the whole window: here it means the layer, where that can go."""
        wanted = event.type() == QEvent.Type.ShortcutOverride and self._removable()
        if wanted and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Delete:
            event.accept()
            return True
        return super().event(event)

    def _removable(self) -> bool:
        index = self.currentIndex()
        return index.isValid() and self.layers.rows[index.row()].removable

    def _on_again(self, index: Index, place: QPoint) -> bool:
        row = self.layers.rows[index.row()]
        return bool(row.again) and LayerDelegate.again_rect(self.visualRect(index)).contains(place)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            place = event.pos()  # type: ignore[attr-defined]
            index = self.indexAt(place)
            row = self.layers.rows[index.row()] if index.isValid() else None
            on_eye = row is not None and LayerDelegate.eye_rect(self.visualRect(index)).contains(place)
            hint = "" if row is None else row.eye_hint if on_eye else row.name
            if row is not None and self._on_again(index, place):
                hint = row.again
            self.setToolTip(hint)
        return super().viewportEvent(event)
