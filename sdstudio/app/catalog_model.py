"""The models on this computer as a list model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import StudioError
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import ModelSpec

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_USER = int(Qt.ItemDataRole.UserRole)


class CatalogRole(IntEnum):
    """INFO: ModelInfo. NAME and BADGE: str."""

    INFO = _USER + 1
    NAME = _USER + 2
    BADGE = _USER + 3


class CatalogModel(QAbstractListModel):
    """Begins with the models that are known at the start (the built-in one); `refresh` looks through the folders.

    The look may take long (the headers of new models are read), so it has a worker of its own. Models of a kind, which
    have the same badge, come together.
    """

    refreshed = Signal()
    problem = Signal(object)  # StudioError

    def __init__(
        self,
        known: Sequence[ModelInfo],
        look: Callable[[], list[ModelInfo]],
        worker: IoWorker,
        parent: QObject | None = None,
    ) -> None:
        """`look` lists all models; it is called in the worker's thread."""
        super().__init__(parent)
        self._infos = tuple(known)
        self._look = look
        self._worker = worker
        self._looking = False
        self._look_again = False

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        return self._infos

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._infos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._infos):
            return None
        info = self._infos[index.row()]
        if role == CatalogRole.INFO:
            return info
        if role == CatalogRole.BADGE:
            return info.badge
        if role == Qt.ItemDataRole.ToolTipRole:
            return info.spec.path
        names = (CatalogRole.NAME, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return info.name if role in names else None

    def find(self, model: ModelSpec) -> ModelInfo | None:
        """By hash, which knows a model wherever it lies; else by folder; else by name in any case."""
        keys: tuple[Callable[[ModelSpec], str], ...] = (
            lambda spec: spec.hash,
            lambda spec: spec.path,
            lambda spec: spec.name.casefold(),
        )
        for key in keys:
            for info in self._infos:
                if key(model) and key(info.spec) == key(model):
                    return info
        return None

    def row_of(self, model: ModelSpec) -> int:
        """-1 where it is not in the list."""
        info = self.find(model)
        return -1 if info is None else self._infos.index(info)

    def refresh(self) -> None:
        """Looks for models; `refreshed` or `problem` follows."""
        if self._looking:
            self._look_again = True
            return
        self._looking = True
        self._worker.submit(self._look, self._on_found, self._on_failed)

    def _on_found(self, infos: list[ModelInfo]) -> None:
        grouped = tuple(sorted(infos, key=lambda info: (not info.built_in, info.badge)))
        if grouped != self._infos:
            self.beginResetModel()
            self._infos = grouped
            self.endResetModel()
        self._on_end()
        self.refreshed.emit()

    def _on_failed(self, error: StudioError) -> None:
        self._on_end()
        self.problem.emit(error)

    def _on_end(self) -> None:
        self._looking = False
        again, self._look_again = self._look_again, False
        if again:
            self.refresh()
