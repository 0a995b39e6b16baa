"""The folders of models at the left of the dialog: what is in each, and whether it is connected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.domain.models_found import FolderKind, FoundFolder
from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.row_paint import paint_ground, paint_keyboard_frame, paint_line
from sdstudio.ui.theme import Theme

ROW_HEIGHT = 46
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class FolderRow:
    """`path` is "" for all folders together; `folder` then is None."""

    path: str
    name: str
    second: str
    connected: bool = True
    folder: FoundFolder | None = None


_EVERYBODYS = frozenset({"models", "checkpoints", "stable-diffusion", "loras", "lora", "hub", "snapshots"})
"""Names that tell nothing: every program has a folder that is called so."""


def telling_name(folder: Path) -> str:
    """“ComfyUI/models” rather than “models”."""
    if folder.name.casefold() in _EVERYBODYS and folder.parent.name:
        return f"{folder.parent.name}/{folder.name}"
    return folder.name or str(folder)


class FolderModel(QAbstractListModel):
    """All folders together, then each."""

    ROW = int(Qt.ItemDataRole.UserRole) + 1

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[FolderRow, ...] = ()
        self.set_folders(())

    @property
    def rows(self) -> tuple[FolderRow, ...]:
        return self._rows

    def set_folders(self, folders: tuple[FoundFolder, ...]) -> None:
        """Anew only where folders came or went, so that the chosen one stays chosen."""
        whole = FolderRow("", self.tr("All folders"), self._counted(folders))
        rows = (whole, *map(self._row, folders))
        same = [row.path for row in rows] == [row.path for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = rows
        if same:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        else:
            self.endResetModel()

    def row_of(self, path: str) -> int:
        return next((place for place, row in enumerate(self._rows) if row.path == path), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == self.ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.path or None
        return f"{row.name}. {row.second}" if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _row(self, folder: FoundFolder) -> FolderRow:
        names = {FolderKind.BUILT_IN: self.tr("Built in"), FolderKind.OWN: self.tr("Models")}
        name = names.get(folder.kind, telling_name(folder.path))
        second = self._counted((folder,)) if folder.connected else self.tr("not connected")
        return FolderRow(str(folder.path), name, second, folder.connected, folder)

    def _counted(self, folders: tuple[FoundFolder, ...]) -> str:
        refused = sum(folder.refused for folder in folders)
        count = sum(len(folder.models) for folder in folders) - refused
        models = self.tr("1 model") if count == 1 else self.tr("{count} models").format(count=f"{count:,}")
        if not count and not refused:
            return self.tr("empty")
        return self.tr("{models}, {refused} refused").format(models=models, refused=refused) if refused else models


class _FolderDelegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        row: FolderRow = index.data(FolderModel.ROW)
        theme = self._theme
        painter.save()
        paint_ground(painter, theme, option)
        token = "text2" if row.connected else "off"
        icon = theme.pixmap("folder" if row.path else "layers", token, 20, painter.device().devicePixelRatioF())
        painter.drawPixmap(rect.left() + 16, rect.top() + (ROW_HEIGHT - 20) // 2, icon)
        area = QRect(rect.left() + 44, rect.top() + 7, rect.width() - 56, 16)
        name_token = "text" if row.connected else "text2"
        paint_line(painter, theme, area, row.name, "body", name_token, Qt.TextElideMode.ElideMiddle)
        paint_line(painter, theme, area.translated(0, 16), row.second, "small", "text2")
        view = option.widget
        if state & QStyle.StateFlag.State_HasFocus and isinstance(view, FolderList) and view.key_focus:
            paint_keyboard_frame(painter, theme, rect)
        painter.restore()


class FolderList(QListView):
    """`chosen` carries the path of the folder, "" for all. Del takes an added one off the list."""

    chosen = Signal(str)
    remove_asked = Signal(object)  # Path
    menu_asked = Signal(object, QPoint)  # FoundFolder, where

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = FolderModel(self)
        self.key_focus = False
        self._path = ""
        self.setModel(self._model)
        self.setItemDelegate(_FolderDelegate(theme, self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Folders"))
        self.selectionModel().currentChanged.connect(self._on_current)
        theme.changed.connect(self.viewport().update)
        self.choose("")

    @property
    def path(self) -> str:
        """Of the chosen folder; "" for all."""
        return self._path

    @property
    def rows(self) -> tuple[FolderRow, ...]:
        return self._model.rows

    @property
    def folder(self) -> FoundFolder | None:
        row = self._model.row_of(self._path)
        return self._model.rows[row].folder if row >= 0 else None

    def set_folders(self, folders: tuple[FoundFolder, ...]) -> None:
        """The chosen one stays chosen; where it has gone, all are shown."""
        path = self._path
        self._model.set_folders(folders)
        self.choose(path)

    def choose(self, path: str) -> None:
        self.setCurrentIndex(self._model.index(max(0, self._model.row_of(path))))

    def _on_current(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        path = self._model.rows[index.row()].path
        if path != self._path:
            self._path = path
            self.chosen.emit(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.key_focus = True
        folder = self.folder
        if event.matches(QKeySequence.StandardKey.Delete) and folder is not None and folder.kind is FolderKind.ADDED:
            self.remove_asked.emit(Path(folder.path))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.key_focus = False
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.key_focus = by_keyboard(event)
        super().focusInEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if mouse else self.currentIndex()
        row = self._model.rows[index.row()] if index.isValid() else None
        if row is not None and row.folder is not None:
            self.setCurrentIndex(index)
            below = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft() + QPoint(16, 0))
            self.menu_asked.emit(row.folder, event.globalPos() if mouse else below)
