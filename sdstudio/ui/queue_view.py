"""The runs that wait: reordered by drag or keys, removed by a cross or Del."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QCursor, QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from sdstudio.app import messages
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.request import JobRequest, UpscaleRequest
from sdstudio.ui.row_paint import paint_ground, paint_keyboard_frame, paint_line
from sdstudio.ui.theme import Theme

if TYPE_CHECKING:
    from sdstudio.app.job_item import JobItem

ROW_HEIGHT = 46
MODEL_HEIGHT = 16
"""A third line, with the model, where not all rows have the same."""
LINE_HEIGHT = 16
HANDLE_WIDTH = 32
CROSS_WIDTH = 28
MIME = "application/x-sdstudio-waiting-run"
Index = QModelIndex | QPersistentModelIndex


class QueueModel(QAbstractListModel):
    """The waiting jobs. Moving asks the queue; the rows change when it says so."""

    FIRST, SECOND, JOB_ID, MODEL = (Qt.ItemDataRole.UserRole + n for n in range(4))
    """MODEL: the name of the model; "" where it would say nothing, since all have the same."""
    move_asked = Signal(str, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[JobItem, ...] = ()
        self._names: tuple[str, ...] = ()

    def set_items(self, items: tuple[JobItem, ...], running: JobItem | None = None) -> None:
        self.beginResetModel()
        self._items = items
        self._names = _model_names(items, running)
        self.endResetModel()

    @property
    def row_height(self) -> int:
        return ROW_HEIGHT + (MODEL_HEIGHT if any(self._names) else 0)

    @property
    def items(self) -> tuple[JobItem, ...]:
        return self._items

    def row_of(self, job_id: str) -> int:
        return next((row for row, item in enumerate(self._items) if item.job_id == job_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role in (self.FIRST, Qt.ItemDataRole.DisplayRole):
            return messages.request_title(item.request)
        if role == self.SECOND:
            return self.summary(item.request)
        if role == self.JOB_ID:
            return item.job_id
        if role == self.MODEL:
            return self._names[index.row()]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            lines = (messages.request_title(item.request), _model_name(item.request), self.summary(item.request))
            return "\n".join(filter(None, lines))
        return None

    def summary(self, request: JobRequest) -> str:
        if isinstance(request, UpscaleRequest):
            large = Size(request.image.width * request.scale, request.image.height * request.scale)
            return self.tr("to {size}").format(size=messages.size(large))
        size, sampling = messages.size(request.size), request.sampling
        words = self.tr("{pictures} · {size} · {steps} steps")
        return words.format(pictures=messages.picture_count(sampling.count), size=size, steps=sampling.steps)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Any) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, str(self.data(indexes[0], self.JOB_ID)).encode())
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        job_id = bytes(data.data(MIME).data()).decode()
        before = self.row_of(job_id)
        if before < 0:
            return False
        target = row if row >= 0 else len(self._items)
        # The row counts places with the moved job still in the list; the queue counts without it.
        self.move_asked.emit(job_id, target - 1 if target > before else target)
        return False


def _model_name(request: JobRequest) -> str:
    return "" if isinstance(request, UpscaleRequest) else request.model.name


def _model_names(items: tuple[JobItem, ...], running: JobItem | None) -> tuple[str, ...]:
    """As the menu calls them; nothing where all have the same model."""
    every = [item.request for item in (*items, *((running,) if running is not None else ()))]
    models = {request.model.path: request.model.name for request in every if not isinstance(request, UpscaleRequest)}
    if len(models) < 2:
        return ("",) * len(items)
    names = models | told_apart((name, path) for path, name in models.items())
    requests = [item.request for item in items]
    return tuple("" if isinstance(each, UpscaleRequest) else names[each.model.path] for each in requests)


class QueueDelegate(QStyledItemDelegate):
    """Two lines, or three with the model; a handle to drag by, a cross."""

    remove_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model = index.model()
        return QSize(120, model.row_height if isinstance(model, QueueModel) else ROW_HEIGHT)

    @staticmethod
    def cross_rect(row: QRect) -> QRect:
        return QRect(
            row.right() - CROSS_WIDTH - 7, row.top() + (row.height() - CROSS_WIDTH) // 2, CROSS_WIDTH, CROSS_WIDTH
        )

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: QRect = option.rect
        state: QStyle.StateFlag = option.state
        widget = option.widget
        painter.save()
        paint_ground(painter, self._theme, option)
        ratio = widget.devicePixelRatioF()
        painter.drawPixmap(row.left() + 12, row.center().y() - 7, self._theme.pixmap("drag", "text2", 16, ratio))
        cross = self.cross_rect(row)
        pointed = cross.contains(self._pointer(widget))
        painter.drawPixmap(
            cross.center().x() - 7,
            cross.center().y() - 7,
            self._theme.pixmap("close", "text" if pointed else "text2", 16, ratio),
        )
        words = row.adjusted(HANDLE_WIDTH, 7, -CROSS_WIDTH - 12, -7)
        words.setHeight(LINE_HEIGHT)
        paint_line(painter, self._theme, words, str(index.data(QueueModel.FIRST)), "body", "text")
        model = str(index.data(QueueModel.MODEL))
        if model:
            words.translate(0, LINE_HEIGHT)
            middle = Qt.TextElideMode.ElideMiddle
            paint_line(painter, self._theme, words, model, "small", "text2", middle)
        words.moveBottom(row.bottom() - 7)
        paint_line(painter, self._theme, words, str(index.data(QueueModel.SECOND)), "small", "text2")
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            paint_keyboard_frame(painter, self._theme, row)
        painter.restore()

    @staticmethod
    def _pointer(widget: QWidget) -> QPoint:
        surface = widget.viewport() if isinstance(widget, QListView) else widget
        return surface.mapFromGlobal(QCursor.pos())

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            row: QRect = option.rect
            if self.cross_rect(row).contains(event.position().toPoint()):
                self.remove_asked.emit(str(index.data(QueueModel.JOB_ID)))
                return True
        return super().editorEvent(event, model, option, index)


class QueueView(QListView):
    """`move_asked(job_id, index)` and `remove_asked(job_id)`; both are for the queue to do."""

    move_asked = Signal(str, int)
    remove_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QueueModel(self)
        delegate = QueueDelegate(theme, self)
        self.setModel(self._model)
        self.setItemDelegate(delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDragDropOverwriteMode(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setAccessibleName(self.tr("Waiting runs"))
        self.setAccessibleDescription(self.tr("Ctrl+Shift+Up and Ctrl+Shift+Down move a run, Del removes it."))
        self._model.move_asked.connect(self._move)
        delegate.remove_asked.connect(self.remove_asked)
        theme.changed.connect(self._repaint)

    def _repaint(self) -> None:
        if self.isVisible():  # as in GalleryView
            self.viewport().update()

    @property
    def row_height(self) -> int:
        return self._model.row_height

    def set_items(self, items: tuple[JobItem, ...], running: JobItem | None = None) -> None:
        """Keeps the chosen run chosen where it still waits. `running`: its model counts where models are told apart."""
        chosen = self._chosen()
        self._model.set_items(items, running)
        if chosen:
            self._choose(chosen)

    def _chosen(self) -> str:
        index = self.currentIndex()
        return str(index.data(QueueModel.JOB_ID)) if index.isValid() else ""

    def _choose(self, job_id: str) -> None:
        row = self._model.row_of(job_id)
        if row >= 0:
            self.setCurrentIndex(self._model.index(row))

    def _move(self, job_id: str, index: int) -> None:
        if 0 <= index < len(self._model.items):
            self.move_asked.emit(job_id, index)
            self._choose(job_id)

    def _move_chosen(self, by: int) -> None:
        if self._chosen():
            self._move(self._chosen(), self.currentIndex().row() + by)

    def _remove_chosen(self) -> None:
        chosen, row = self._chosen(), self.currentIndex().row()
        if chosen:
            self.remove_asked.emit(chosen)
            left = self._model.rowCount()
            if left:
                self.setCurrentIndex(self._model.index(min(row, left - 1)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        wanted = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.modifiers() & wanted == wanted and Qt.Key(event.key()) in steps:
            self._move_chosen(steps[Qt.Key(event.key())])
        elif event.matches(QKeySequence.StandardKey.Delete):
            self._remove_chosen()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        key = event if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride else None
        if key is not None and key.matches(QKeySequence.StandardKey.Delete):
            event.accept()  # Del means the run chosen here, not the picture that the window shows
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos()) if event.reason() == QContextMenuEvent.Reason.Mouse else self.currentIndex()
        if not index.isValid():
            return
        self.setCurrentIndex(index)
        menu = QMenu(self)
        menu.addAction(self.tr("Move up"), lambda: self._move_chosen(-1)).setEnabled(index.row() > 0)
        menu.addAction(self.tr("Move down"), lambda: self._move_chosen(1)).setEnabled(
            index.row() + 1 < self._model.rowCount()
        )
        menu.addSeparator()
        menu.addAction(self.tr("Remove"), self._remove_chosen)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos() if not event.globalPos().isNull() else self.mapToGlobal(QPoint(8, 8)))
