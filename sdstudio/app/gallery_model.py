"""The newest pictures of the results folder as a list model: thumbnails come when somebody looks."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QFileSystemWatcher,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    QUrl,
    Signal,
)

from sdstudio.app.gallery_rows import GalleryRow, merged_rows, update_rows
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.thumbnail_loader import ThumbnailLoader
from sdstudio.domain.errors import StudioError
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.gallery import PictureFile, Thumbnails, list_pictures

if TYPE_CHECKING:
    from sdstudio.domain.events import PictureSaved

LIMIT = 200
THUMBNAIL_SIDE = 256
REFRESH_DELAY_MS = 250
"""A folder that changes often (a long run, a copy of many files) is read at most four times a second."""

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_USER = int(Qt.ItemDataRole.UserRole)


class GalleryRole(IntEnum):
    """PATH: str. THUMBNAIL: ImageBuffer, or None until it is loaded. MISSING: bool. TOOLTIP and PROBLEM: words."""

    PATH = _USER + 1
    THUMBNAIL = _USER + 2
    MISSING = _USER + 3
    TOOLTIP = _USER + 4
    PROBLEM = _USER + 5


class GalleryModel(QAbstractListModel):
    """Newest first, at most 200. Pictures that vanish from the folder stay, marked as missing, until `remove`.

    Thumbnails are loaded when a view asks for them; see ThumbnailLoader.
    """

    refreshed = Signal()
    problem = Signal(object)  # StudioError: the folder cannot be read

    def __init__(
        self,
        folder: Path,
        thumbnails: Thumbnails,
        io: IoWorker,
        parent: QObject | None = None,
        *,
        limit: int = LIMIT,
        side: int = THUMBNAIL_SIDE,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._io = io
        self._limit = limit
        self._side = side
        self._rows: list[GalleryRow] = []
        self._loader = ThumbnailLoader(thumbnails, io, side, self._on_thumbnail)
        self._listing = False
        self._list_again = False
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._schedule)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_DELAY_MS)
        self._timer.timeout.connect(self.refresh)

    # The model --------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == GalleryRole.THUMBNAIL:
            if row.wants_thumbnail:
                self._loader.want(row)
            return row.thumbnail
        if role == GalleryRole.PATH:
            return str(row.path)
        if role == GalleryRole.MISSING:
            return row.missing
        if role == GalleryRole.PROBLEM:
            return self.tr("file missing") if row.missing else row.problem
        if role in (GalleryRole.TOOLTIP, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._tooltip(row)
        return row.path.name if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return base if self._rows[index.row()].missing else base | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Any) -> QMimeData:
        """The files themselves, for dragging out."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self._rows[index.row()].path)) for index in indexes])
        return data

    def index_of(self, path: str | Path) -> QModelIndex:
        """The row of a file; an invalid index where it is not in the list."""
        wanted = Path(path)
        for number, row in enumerate(self._rows):
            if row.path == wanted:
                return self.index(number)
        return QModelIndex()

    # What changes it --------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._folder

    def set_folder(self, folder: Path) -> None:
        if folder == self._folder:
            return
        self._watch(None)
        self._folder = folder
        self._set_all([])
        self.refresh()

    def refresh(self) -> None:
        """Reads the folder on the io worker; `refreshed` follows."""
        self._timer.stop()
        if self._listing:
            self._list_again = True
            return
        self._listing = True
        folder, limit = self._folder, self._limit
        known = frozenset(row.path for row in self._rows)
        self._io.submit(
            lambda: list_pictures(folder, limit),
            lambda files: self._on_listed(folder, files, known),
            self._on_list_failed,
        )

    def add_saved(self, saved: PictureSaved) -> None:
        """Puts a picture that was just saved to the top, without waiting for the folder to tell."""
        path = Path(saved.path)
        if self.index_of(path).isValid():
            return
        row = GalleryRow.fresh(path)
        if isinstance(saved.request, GenerationRequest):
            row.prompt = saved.request.prompt.positive
        if max(saved.image.size.width, saved.image.size.height) <= self._side:
            row.thumbnail = saved.image
        self._insert(0, row)
        self._show(self._rows[: self._limit])
        self._watch(self._folder)

    def remove(self, path: str | Path) -> None:
        """Takes the row out of the list; the file stays as it is."""
        index = self.index_of(path)
        if index.isValid():
            self._take_out(index.row())

    # Listing ----------------------------------------------------------------------------------------------------

    def _schedule(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _watch(self, folder: Path | None) -> None:
        watched = self._watcher.directories()
        wanted = [str(folder)] if folder is not None and folder.is_dir() else []
        if watched and watched != wanted:
            self._watcher.removePaths(watched)
        if wanted and watched != wanted:
            self._watcher.addPath(wanted[0])

    def _on_listed(self, folder: Path, files: list[PictureFile], known: frozenset[Path]) -> None:
        self._listing = False
        if folder == self._folder:
            self._watch(folder)
            for number in update_rows(self._rows, files, folder, known, self._limit):
                self._tell(number)
            self._show(merged_rows(self._rows, files, self._limit))
            self.refreshed.emit()
        self._list_once_more()

    def _on_list_failed(self, error: StudioError) -> None:
        self._listing = False
        self.problem.emit(error)
        self._list_once_more()

    def _list_once_more(self) -> None:
        again, self._list_again = self._list_again, False
        if again:
            self.refresh()

    def _show(self, target: list[GalleryRow]) -> None:
        """Row by row, so that selection and scroll position stay; from scratch only when old rows changed places."""
        kept = set(map(id, target))
        for number in range(len(self._rows) - 1, -1, -1):
            if id(self._rows[number]) not in kept:
                self._take_out(number)
        present = set(map(id, self._rows))
        if [row for row in target if id(row) in present] != self._rows:
            self._set_all(target)
            return
        for number, row in enumerate(target):
            if id(row) not in present:
                self._insert(number, row)

    def _insert(self, number: int, row: GalleryRow) -> None:
        self.beginInsertRows(QModelIndex(), number, number)
        self._rows.insert(number, row)
        self.endInsertRows()

    def _take_out(self, number: int) -> None:
        self.beginRemoveRows(QModelIndex(), number, number)
        del self._rows[number]
        self.endRemoveRows()

    def _set_all(self, rows: list[GalleryRow]) -> None:
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def _tell(self, number: int) -> None:
        index = self.index(number)
        self.dataChanged.emit(index, index)

    def _tooltip(self, row: GalleryRow) -> str:
        lines = [row.prompt, row.path.name, self.tr("The file is missing.") if row.missing else row.problem]
        return "\n".join(line for line in lines if line)

    def _on_thumbnail(self, row: GalleryRow) -> None:
        if row in self._rows:
            self._tell(self._rows.index(row))
