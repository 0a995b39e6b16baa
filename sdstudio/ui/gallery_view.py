"""A list of pictures in two columns: click shows, double-click restores, drag takes the file out."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QMimeData, QModelIndex, QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QKeyEvent, QKeySequence, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QWidget

from sdstudio.app.gallery_model import GalleryRole
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.qimage import fitted, to_qimage
from sdstudio.ui.theme import Theme
from sdstudio.ui.thumbs import RING_ROOM, Index, ThumbDelegate

COLUMNS = 2
DRAG_SIDE = 96


class PictureList(QListView):
    """Works on any model with GalleryModel's roles. Carries paths, so that its owner needs no indexes."""

    show_asked = Signal(str)
    restore_asked = Signal(str)
    menu_asked = Signal(object, QPoint)
    bin_asked = Signal(object)

    def __init__(self, model: QAbstractItemModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = ThumbDelegate(theme, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.verticalScrollBar().setSingleStep(24)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)
        theme.changed.connect(self._repaint)

    def path_of(self, index: Index) -> str:
        """Empty for a picture that is not on disk (yet)."""
        return str(index.data(GalleryRole.PATH) or "") if index.isValid() else ""

    def selected_paths(self) -> list[str]:
        """In the order of the list."""
        indexes = sorted(self.selectedIndexes(), key=lambda index: index.row())
        return [path for path in map(self.path_of, indexes) if path]

    def mark_forming(self, marked: bool) -> None:
        """Rings the forming picture, as the one that stands in the middle."""
        self._delegate.set_forming_marked(marked)
        self._repaint()

    def _repaint(self) -> None:
        # Asked for a viewport while the window is built, PySide6 would first make all of its widget classes.
        if self.isVisible():
            self.viewport().update()

    def side(self) -> int:
        """Of a thumbnail, so that two columns fill the width that a list view lays out in: it keeps the scroll bar's
        place free, whether that is there or not."""
        bar = self.verticalScrollBar()
        metric = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, bar)
        free = self.width() - max(metric, bar.sizeHint().width()) - 1
        return max(48, free // COLUMNS - 2 * RING_ROOM)

    def content_height(self, rows: int) -> int:
        """Of so many rows of cells."""
        return rows * (self.side() + 2 * RING_ROOM)

    def row_count(self) -> int:
        """Rows of cells that the model fills."""
        return -(-self.model().rowCount() // COLUMNS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._delegate.set_side(self.side())
        cell = self.side() + 2 * RING_ROOM
        self.setGridSize(QSize(cell, cell))
        super().resizeEvent(event)

    def _on_clicked(self, index: QModelIndex) -> None:
        path = self.path_of(index)
        if path:
            self.show_asked.emit(path)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        path = self.path_of(index)
        if path:
            self.restore_asked.emit(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._on_double_clicked(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Delete) and self.selected_paths():
            self.bin_asked.emit(self.selected_paths())
        else:
            before = self.currentIndex()
            super().keyPressEvent(event)
            if self.currentIndex() != before:  # the arrow keys show as a click does; getting the focus does not
                self._on_clicked(self.currentIndex())

    def event(self, event: QEvent) -> bool:
        key = event if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride else None
        if key is not None and key.matches(QKeySequence.StandardKey.Delete) and self.selected_paths():
            event.accept()  # Del means the pictures chosen here, not the one that the window shows
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        paths = self.selected_paths()
        if paths:
            self.menu_asked.emit(paths, event.globalPos())

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        paths = self.selected_paths()
        if paths:
            drag_files(self, paths, self._drag_picture())

    def _drag_picture(self) -> QPixmap:
        thumb = self.currentIndex().data(GalleryRole.THUMBNAIL)
        if isinstance(thumb, ImageBuffer):
            thumb = to_qimage(thumb)
        return QPixmap() if thumb is None else QPixmap.fromImage(fitted(thumb, DRAG_SIDE))


def file_data(paths: list[str]) -> QMimeData:
    """Files for a drag or the clipboard."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def drag_files(source: QWidget, paths: list[str], picture: QPixmap) -> None:
    """Lets the person carry the files to another program; always as a copy."""
    drag = QDrag(source)
    drag.setMimeData(file_data(paths))
    if not picture.isNull():
        drag.setPixmap(picture)
        drag.setHotSpot(QPoint(picture.width() // 2, picture.height() // 2))
    drag.exec(Qt.DropAction.CopyAction)
