"""The row of thumbnails: the canvas as it was, then the candidates by their numbers, those that form among them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.app.candidate_shelf import Candidate
from sdstudio.app.candidates import Candidates
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.theme import Theme
from sdstudio.ui.thumbs import RADIUS, ThumbCache, paint_picture, paint_ring

SIDE = 72
ROOM = 4
"""For the ring round the chosen one."""
LABEL = 20
APART = 17
"""Between before and the candidates, with a line in the middle."""
IMAGE, STATE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex


class CandidateModel(QAbstractListModel):
    """Row 0 is the canvas as it was, row n candidate n."""

    def __init__(self, candidates: Candidates, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._candidates = candidates
        self._items: tuple[Candidate, ...] = candidates.items

    def follow(self) -> None:
        """As they are now. Rows come and go only where there are more or fewer."""
        items = self._candidates.items
        if len(items) != len(self._items):
            self.beginResetModel()
            self._items = items
            self.endResetModel()
        else:
            self._items = items
            self.dataChanged.emit(self.index(0), self.index(len(items)))

    def follow_forming(self) -> None:
        """A preview came: only what forms is painted anew."""
        before, self._items = self._items, self._candidates.items
        if len(before) != len(self._items):
            self._items = before
            self.follow()
            return
        for row, (old, new) in enumerate(zip(before, self._items, strict=True), 1):
            if old is not new:
                self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._items) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if not index.isValid() or row > len(self._items):
            return None
        item = self._items[row - 1] if row else None
        if role == Qt.ItemDataRole.DisplayRole:
            return str(row) if row else _tr("Before")
        if role == Qt.ItemDataRole.AccessibleTextRole or role == Qt.ItemDataRole.ToolTipRole:
            return self._words(item, row)
        if role == IMAGE:
            return self._candidates.before_thumb if item is None else _image(item)
        if role == STATE:
            return "" if item is None or item.done else ("waiting" if item.waiting else "forming")
        return None

    def _words(self, item: Candidate | None, row: int) -> str:
        if item is None:
            return _tr("The canvas as it was (hold \\ to see it)")
        if item.waiting:
            return _tr("Candidate {number}, not begun").format(number=row)
        if not item.done:
            return _tr("Candidate {number}, forming").format(number=row)
        seeds = ", ".join(str(part.layer.record.request.sampling.seed) for part in item.parts[:1])
        return _tr("Candidate {number}, seed {seed}").format(number=row, seed=seeds)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Candidates", text)


def _image(item: Candidate) -> ImageBuffer | None:
    if item.previews:
        return item.previews[-1].image
    return item.parts[-1].thumb if item.parts else None


class CandidateDelegate(QStyledItemDelegate):
    """A square of the middle, its number below."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cache = ThumbCache()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        wide = SIDE + 2 * ROOM
        return QSize(wide + (APART if index.row() == 0 else 0), wide + LABEL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area: QRect = option.rect
        rect = QRect(area.left() + ROOM, area.top() + ROOM, SIDE, SIDE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        image, state = index.data(IMAGE), index.data(STATE)
        if image is None:
            self._paint_empty(painter, rect)
        else:
            ratio = painter.device().devicePixelRatioF()
            paint_picture(painter, rect, self._cache.get(str(index.row()), image, round(SIDE * ratio), ratio))
        if state == "forming":
            painter.setPen(QPen(self._theme.color("pilltext"), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(rect).adjusted(1.5, 1.5, -1.5, -1.5))
        paint_ring(painter, self._theme, rect, option, gap=1)
        self._paint_label(painter, QRect(rect.left(), rect.bottom() + ROOM, SIDE, LABEL), option, index)
        if index.row() == 0:
            x = area.right() - APART // 2
            painter.fillRect(x, rect.top(), 1, SIDE + LABEL, self._theme.color("line"))
        painter.restore()

    def _paint_empty(self, painter: QPainter, rect: QRect) -> None:
        pen = QPen(self._theme.color("border"), 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def _paint_label(self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem, index: Index) -> None:
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        words = str(index.data(Qt.ItemDataRole.DisplayRole))
        if index.row() == 0:
            words = f"{words}  \\"
        painter.setFont(self._theme.font("badge"))
        painter.setPen(self._theme.color("text" if chosen else "text2"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)


class CandidateList(QListView):
    """A click chooses; its keys are the strip's."""

    def __init__(self, candidates: Candidates, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._candidates = candidates
        self._rows = CandidateModel(candidates, self)
        self.setModel(self._rows)
        self.setItemDelegate(CandidateDelegate(theme, self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setFixedHeight(SIDE + 2 * ROOM + LABEL)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setAccessibleName(_tr("Candidates"))
        self.clicked.connect(self._on_clicked)
        candidates.changed.connect(self.follow)
        candidates.forming.connect(self._rows.follow_forming)
        theme.changed.connect(self.viewport().update)
        self.follow()

    def follow(self) -> None:
        self._rows.follow()
        row = 0 if self._candidates.before_shown else self._candidates.place + 1
        index = self._rows.index(row)
        if index != self.currentIndex() or not self.selectionModel().isSelected(index):
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scrollTo(index)

    def _on_clicked(self, index: QModelIndex) -> None:
        self._candidates.choose(index.row() - 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * SIDE, super().minimumSizeHint().height())
