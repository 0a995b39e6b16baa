"""The pictures of the run that goes on, or of the last one: done, forming, still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from sdstudio.app.gallery_model import GalleryRole
from sdstudio.ui.qimage import fitted, to_qimage
from sdstudio.ui.thumbs import ThumbRole

if TYPE_CHECKING:
    from sdstudio.app.job_item import JobItem
    from sdstudio.domain.events import PictureSaved, Preview

THUMB_SIDE = 256
ROWS_MOST = 1000


class RunModel(QAbstractListModel):
    """One row a picture of the job, with GalleryModel's roles and ThumbRole's. Follows one job at a time."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job_id = ""
        self._count = 0
        self._running = False
        self._index = 0
        self._badge = ""
        self._preview: QImage | None = None
        self._paths: dict[int, str] = {}
        self._thumbs: dict[int, QImage] = {}
        self._coming: set[str] = set()  # paths whose thumbnails are still being made after the end

    @property
    def job_id(self) -> str:
        return self._job_id

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._paths.values())

    @property
    def done(self) -> int:
        return len(self._paths)

    @property
    def count(self) -> int:
        return self._count

    def row_of(self, path: str) -> int:
        """-1 where the run did not make it."""
        return next((row for row, known in self._paths.items() if known == path), -1)

    def follow(self, item: JobItem) -> None:
        """A step of the job; another job takes the place of the one before."""
        if item.job_id != self._job_id or item.pictures != self._count:
            self._begin(item)
        if item.index != self._index:
            self._preview = None
        badge = f"{item.step} / {item.steps}" if item.steps else ""
        if (self._index, self._badge) != (item.index, badge):
            before, self._index, self._badge = self._index, item.index, badge
            self._touch(before)
            self._touch(item.index)

    def add_preview(self, preview: Preview) -> None:
        if preview.job_id == self._job_id:
            self._preview = to_qimage(preview.image)
            self._touch(preview.index)

    def add_saved(self, saved: PictureSaved, thumb: QImage | None = None) -> None:
        """`thumb` where the caller has scaled a large picture in another thread already."""
        if saved.job_id != self._job_id:
            return
        row = saved.index if self._running else self.row_of(saved.path)
        if row >= 0:
            self._paths[row] = saved.path
            self._thumbs[row] = thumb or fitted(to_qimage(saved.image), THUMB_SIDE)
            self._coming.discard(saved.path)
            self._touch(row)

    def end(self, item: JobItem) -> None:
        """What did not come to be leaves the list. The thumbnail of a large picture may come after it."""
        if item.job_id != self._job_id:
            return
        self.beginResetModel()
        self._running = False
        self._preview = None
        late = {saved.index: saved.path for saved in item.saved if saved.index not in self._paths}
        self._coming = set(late.values())
        paths = self._paths | late
        kept = sorted(paths)
        self._paths = {row: paths[old] for row, old in enumerate(kept)}
        self._thumbs = {row: self._thumbs[old] for row, old in enumerate(kept) if old in self._thumbs}
        self._count = len(kept)
        self.endResetModel()

    def remove(self, path: str) -> None:
        """A picture that was moved to the bin; while the run goes on its cell stays, marked as missing."""
        row = self.row_of(path)
        if row < 0:
            return
        if self._running:
            self._thumbs.pop(row, None)
            self._touch(row)
            return
        self.beginResetModel()
        rest = [old for old in sorted(self._paths) if old != row]
        self._paths = {new: self._paths[old] for new, old in enumerate(rest)}
        self._thumbs = {new: self._thumbs[old] for new, old in enumerate(rest) if old in self._thumbs}
        self._count = len(rest)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else min(self._count, ROWS_MOST)

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        if index.row() in self._paths:
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
        return Qt.ItemFlag.ItemIsEnabled

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if not index.isValid() or row >= self._count:
            return None
        if role == GalleryRole.PATH:
            return self._paths.get(row, "")
        if role == GalleryRole.THUMBNAIL:
            return self._thumbs.get(row) or (self._preview if self._forming(row) else None)
        if role == GalleryRole.MISSING:
            return row in self._paths and row not in self._thumbs and self._paths[row] not in self._coming
        if role == ThumbRole.STATE:
            return "" if row in self._paths else "forming" if self._forming(row) else "waiting"
        if role == ThumbRole.LABEL:
            return self._badge if self._forming(row) else str(row + 1)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(row)
        return None

    def _words(self, row: int) -> str:
        if row in self._paths:
            return self.tr("Picture {number}, done").format(number=row + 1)
        if self._forming(row):
            return self.tr("Picture {number}, forming: {badge}").format(number=row + 1, badge=self._badge)
        return self.tr("Picture {number}, to come").format(number=row + 1)

    def _forming(self, row: int) -> bool:
        return self._running and row == self._index and row not in self._paths and bool(self._preview or self._badge)

    def _begin(self, item: JobItem) -> None:
        self.beginResetModel()
        self._job_id, self._count, self._running = item.job_id, item.pictures, True
        self._index, self._badge, self._preview = item.index, "", None
        self._paths, self._thumbs, self._coming = {}, {}, set()
        self.endResetModel()

    def _touch(self, row: int) -> None:
        if 0 <= row < self._count:
            index = self.index(row)
            self.dataChanged.emit(index, index)
