"""What was done to the canvas, oldest first: a click goes there; what was taken back is greyed."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.ui.row_paint import paint_ground, paint_line
from sdstudio.ui.theme import Theme

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 28


def history_words(label: str) -> str:
    """A step of the history in the chosen language."""
    return QCoreApplication.translate("History", label)


class HistoryModel(QAbstractListModel):
    """Row n is the state after n items; row 0 the canvas as it began."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._position = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """With the beginning as the first."""
        return self._labels

    @property
    def position(self) -> int:
        return self._position

    def show_history(self, labels: tuple[str, ...], position: int) -> None:
        """`labels` with the beginning as the first; the first `position` after it are done."""
        if (labels, position) == (self._labels, self._position):
            return
        self.beginResetModel()
        self._labels, self._position = labels, position
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._labels)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._labels[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            undone = self.tr("taken back") if index.row() > self._position else ""
            return ", ".join(part for part in (self._labels[index.row()], undone) if part)
        return None


class HistoryDelegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        position = model.position if isinstance(model, HistoryModel) else 0
        painter.save()
        paint_ground(painter, self._theme, option, chosen=index.row() == position)
        area: QRect = option.rect.adjusted(16, 0, -12, 0)
        paint_line(painter, self._theme, area, str(index.data()), "body", "off" if index.row() > position else "text")
        painter.restore()


class HistoryList(QListView):
    """`asked` carries how many items shall be done."""

    asked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history = HistoryModel(self)
        self.setModel(self.history)
        self.setItemDelegate(HistoryDelegate(theme, self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("History"))
        self.clicked.connect(lambda index: self.asked.emit(index.row()))
        theme.changed.connect(self.viewport().update)

    def show_history(self, labels: tuple[str, ...], position: int) -> None:
        """The state that is shown stays in sight."""
        self.history.show_history(labels, position)
        if labels:
            index = self.history.index(position)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        wanted = self.history.position + step
        if 0 <= wanted < len(self.history.labels):
            self.asked.emit(wanted)
