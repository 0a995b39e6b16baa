"""The models on this computer as a list model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_match import find_model
from sdstudio.domain.errors import StudioError
from sdstudio.domain.family_presets import group_of
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FoundFolder, ModelsFound
from sdstudio.domain.request import JobRequest, ModelSpec, UpscaleRequest

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_Request = TypeVar("_Request", bound=JobRequest)
_USER = int(Qt.ItemDataRole.UserRole)


class CatalogRole(IntEnum):
    """INFO: ModelInfo. NAME, BADGE and GROUP: str."""

    INFO = _USER + 1
    NAME = _USER + 2
    BADGE = _USER + 3
    GROUP = _USER + 4


@dataclass(frozen=True, slots=True)
class _Looked:
    """`same`: nothing is new; that takes milliseconds to find out, so it is done in the worker."""

    found: ModelsFound
    same: bool


class CatalogModel(QAbstractListModel):
    """Begins with the models that are known at the start (the built-in one); `refresh` looks through the folders.

    The look may take long (the headers of new models are read), so it has a worker of its own. Models of a group come
    together, and in it those of a kind, which have the same badge.
    """

    refreshed = Signal()
    folders_changed = Signal()
    looking_changed = Signal(bool)
    problem = Signal(object)  # StudioError

    def __init__(
        self,
        known: Sequence[ModelInfo],
        look: Callable[[], ModelsFound],
        worker: IoWorker,
        parent: QObject | None = None,
    ) -> None:
        """`look` looks through all folders; it is called in the worker's thread."""
        super().__init__(parent)
        self._infos = tuple(known)
        self._found = ModelsFound()
        self._look = look
        self._worker = worker
        self._looking = False
        self._look_again = False

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        return self._infos

    @property
    def folders(self) -> tuple[FoundFolder, ...]:
        """All that was found at the last look, by folder; nothing before the first."""
        return self._found.folders

    @property
    def watched(self) -> tuple[str, ...]:
        """The folders in which something may appear."""
        return self._found.watched

    @property
    def looking(self) -> bool:
        return self._looking

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
        if role == CatalogRole.GROUP:
            return "" if info.built_in else group_of(info.family)
        if role == Qt.ItemDataRole.ToolTipRole:
            return info.spec.path
        names = (CatalogRole.NAME, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return info.name if role in names else None

    def find(self, model: ModelSpec) -> ModelInfo | None:
        """By hash of any kind, which knows a model wherever it lies; else by folder; else by name in any case."""
        return find_model(model, self._infos, self._found.folders)

    def row_of(self, model: ModelSpec) -> int:
        """-1 where it is not in the list."""
        info = self.find(model)
        return -1 if info is None else self._infos.index(info)

    def with_known_model(self, request: _Request) -> _Request:
        """The same with what is known by now of the file of its model, which another may have been written over."""
        if isinstance(request, UpscaleRequest):
            return request
        path = request.model.path
        known = next((info.spec for info in self._infos if info.spec.path == path), request.model)
        return replace(request, model=known)

    def refresh(self) -> None:
        """Looks for models; `refreshed` or `problem` follows."""
        if self._looking:
            self._look_again = True
            return
        self._set_looking(True)
        before, look = self._found, self._look
        self._worker.submit(lambda: _compare(look(), before), self._on_found, self._on_failed)

    def _on_found(self, looked: _Looked) -> None:
        infos = looked.found.infos
        grouped = tuple(sorted(infos, key=lambda info: (not info.built_in, group_of(info.family), info.badge)))
        self._found = looked.found
        if grouped != self._infos:
            self.beginResetModel()
            self._infos = grouped
            self.endResetModel()
        if not looked.same:
            self.folders_changed.emit()
        self._on_end()
        self.refreshed.emit()

    def _on_failed(self, error: StudioError) -> None:
        self._on_end()
        self.problem.emit(error)

    def _on_end(self) -> None:
        self._set_looking(False)
        again, self._look_again = self._look_again, False
        if again:
            self.refresh()

    def _set_looking(self, looking: bool) -> None:
        self._looking = looking
        self.looking_changed.emit(looking)


def _compare(found: ModelsFound, before: ModelsFound) -> _Looked:
    return _Looked(found, found == before)
