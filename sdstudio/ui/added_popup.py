"""The list from which a LoRA is added: those that fit the model, with picture, title and file, found by typing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
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
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from sdstudio.app.added_files import title
from sdstudio.app.added_rows import trigger_words
from sdstudio.app.added_thumbs import AddedThumbs
from sdstudio.domain.model_file import ModelFile
from sdstudio.ui.controls import TextLabel
from sdstudio.ui.qimage import to_qimage
from sdstudio.ui.row_paint import paint_ground, paint_line
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, ICON_SIZE

ROW_HEIGHT = 48
THUMB = 40
WIDTH = 288
ROWS_SHOWN = 7
RADIUS_PICTURE = 2
_PADDING = 8
_FILE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()


class LoraList(QListView):
    """Files as rows; `set_files` shows others. The arrow keys come from the field above."""

    def __init__(self, theme: Theme, thumbs: AddedThumbs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setItemDelegate(_Delegate(theme, thumbs, self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        thumbs.loaded.connect(lambda _: self.viewport().update())

    def set_files(self, files: Sequence[ModelFile]) -> None:
        self._rows.set_files(tuple(files))
        if files:
            self.setCurrentIndex(self._rows.index(0))

    @property
    def files(self) -> tuple[ModelFile, ...]:
        return self._rows.files

    def file_at(self, index: Index) -> ModelFile | None:
        found = index.data(_FILE)
        return found if isinstance(found, ModelFile) else None

    def step(self, rows: int) -> None:
        """The choice up or down; it stops at the ends."""
        count = len(self.files)
        if count:
            row = min(max(self.currentIndex().row() + rows, 0), count - 1)
            self.setCurrentIndex(self._rows.index(row))


class AddPopup(QFrame):
    """Closes with Esc, a click elsewhere, or a choice; `chosen` carries its ModelFile."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, thumbs: AddedThumbs, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme = theme
        self._files: tuple[ModelFile, ...] = ()
        self.filter = QLineEdit()
        self.list = LoraList(theme, thumbs)
        self.nothing = TextLabel(theme, role="hint")
        self._empty = ""
        self.filter.setFixedHeight(CONTROL_HEIGHT)
        self.filter.setFont(theme.font("body"))
        self.filter.setPlaceholderText(self.tr("Filter"))
        self.filter.setAccessibleName(self.tr("Filter the LoRAs by name, file or word"))
        self.list.setAccessibleName(self.tr("LoRAs for this model"))
        self.nothing.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING, _PADDING, _PADDING, _PADDING)
        column.setSpacing(_PADDING)
        column.addWidget(self.filter)
        column.addWidget(self.list, 1)
        column.addWidget(self.nothing)
        self.setFixedWidth(WIDTH)
        self.filter.textChanged.connect(self._sift)
        self.filter.installEventFilter(self)
        self.list.clicked.connect(self._take)

    def open_at(self, place: QPoint, files: Sequence[ModelFile], empty: str) -> None:
        """Its top left corner in screen pixels, moved to where it fits; `empty`: what it says where there is none."""
        self._files, self._empty = tuple(files), empty
        self.filter.clear()
        self._sift()
        shown = min(max(len(files), 1), ROWS_SHOWN)
        self.nothing.setFixedWidth(WIDTH - 2 * _PADDING)
        listed = shown * ROW_HEIGHT if files else self.nothing.heightForWidth(WIDTH - 2 * _PADDING)
        self.filter.setVisible(bool(files))
        taken = CONTROL_HEIGHT + 3 * _PADDING if files else 2 * _PADDING
        self.setFixedHeight(taken + listed)
        room = self.screen().availableGeometry()
        x = min(place.x(), room.right() - self.width())
        y = min(place.y(), room.bottom() - self.height())
        self.move(max(x, room.left()), max(y, room.top()))
        self.show()
        self.filter.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the field: the keys of the list go there."""
        if watched is not self.filter or event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        match event.key():
            case Qt.Key.Key_Down:
                self.list.step(1)
            case Qt.Key.Key_Up:
                self.list.step(-1)
            case Qt.Key.Key_PageDown:
                self.list.step(ROWS_SHOWN)
            case Qt.Key.Key_PageUp:
                self.list.step(-ROWS_SHOWN)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._take(self.list.currentIndex())
            case _:
                return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        """A window of its own gets no background from the style sheet's rules for docks."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self._theme.color("dock"))
            painter.setPen(self._theme.color("btnline"))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _sift(self) -> None:
        words = self.filter.text().casefold().split()
        found = [file for file in self._files if all(word in _searched(file) for word in words)]
        # What begins with the words is what was meant.
        found.sort(key=lambda file: not _begins(file, words))
        self.list.set_files(found)
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self.nothing.setText(self._empty if not self._files else self.tr("None of them is called like that."))

    def _take(self, index: Index) -> None:
        file = self.list.file_at(index)
        if file is not None:
            self.close()
            self.chosen.emit(file)


class _Rows(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.files: tuple[ModelFile, ...] = ()

    def set_files(self, files: tuple[ModelFile, ...]) -> None:
        self.beginResetModel()
        self.files = files
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.files)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.files):
            return None
        file = self.files[index.row()]
        if role == _FILE:
            return file
        if role == Qt.ItemDataRole.ToolTipRole:
            return file.path
        return title(file) if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None


class _Delegate(QStyledItemDelegate):
    """Picture, title, and below it the file's name with the words that wake it."""

    def __init__(self, theme: Theme, thumbs: AddedThumbs, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._thumbs = thumbs
        self._images: dict[str, QImage] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH - 2 * _PADDING, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        file: ModelFile = index.data(_FILE)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        paint_ground(painter, self._theme, option)
        self._paint_picture(painter, QRect(rect.left() + 4, rect.top() + 4, THUMB, THUMB), file)
        words = QRect(rect.left() + THUMB + 16, rect.top() + 7, rect.width() - THUMB - 24, 16)
        paint_line(painter, self._theme, words, title(file), "button", "text")
        below = "  ".join((PurePath(file.path).name, *trigger_words(file)))
        paint_line(painter, self._theme, words.translated(0, 18), below, "small", "text2")
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRect, file: ModelFile) -> None:
        image = self._image(file.side_car.thumbnail)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(box), RADIUS_PICTURE, RADIUS_PICTURE)
        if image is None:
            painter.fillPath(shape, self._theme.color("raised"))
            icon = self._theme.pixmap("image", "text2", ICON_SIZE, painter.device().devicePixelRatioF())
            painter.drawPixmap(box.center() - QPoint(ICON_SIZE // 2 - 1, ICON_SIZE // 2 - 1), icon)
            return
        side = min(image.width(), image.height())
        middle = QRect((image.width() - side) // 2, (image.height() - side) // 2, side, side)
        painter.setClipPath(shape)
        painter.drawImage(box, image, middle)
        painter.setClipping(False)

    def _image(self, path: str) -> QImage | None:
        if path not in self._images:
            loaded = self._thumbs.get(path)
            if loaded is None:
                return None
            self._images[path] = to_qimage(loaded)
        return self._images[path]


def _searched(file: ModelFile) -> str:
    beside = file.side_car
    return " ".join((file.name, beside.title, file.alias, *beside.words)).casefold()


def _begins(file: ModelFile, words: Sequence[str]) -> bool:
    names = (title(file).casefold(), file.name.casefold())
    return not words or any(name.startswith(words[0]) for name in names)
