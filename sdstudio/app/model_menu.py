"""The menu of models: the one in the box, the others under the names of their families, and the way to all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from sdstudio.app.catalog_model import CatalogModel, CatalogRole
from sdstudio.domain.family_presets import group_of
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import ModelSpec

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
KIND_ROLE = int(Qt.ItemDataRole.UserRole) + 50
"""RowKind of a row."""


class RowKind(IntEnum):
    MODEL = 0
    HEADING = 1
    MORE = 2


@dataclass(frozen=True, slots=True)
class _Row:
    kind: RowKind
    text: str = ""
    info: ModelInfo | None = None


class ModelMenu(QAbstractListModel):
    """CatalogModel's roles, and KIND_ROLE. Headings cannot be chosen; the last row only while the list is open, so that
    a key or the wheel on the closed field never leads away."""

    def __init__(self, catalog: CatalogModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._catalog = catalog
        self._rows: tuple[_Row, ...] = ()
        self._open = False
        self._fill()
        catalog.modelReset.connect(self._on_reset)

    def set_open(self, opened: bool) -> None:
        self._open = opened

    @property
    def is_open(self) -> bool:
        return self._open

    def row_of(self, model: ModelSpec) -> int:
        """-1 where it is not in the menu."""
        info = self._catalog.find(model)
        return next((row for row, entry in enumerate(self._rows) if entry.info is not None and entry.info is info), -1)

    def kind(self, row: int) -> RowKind:
        return self._rows[row].kind

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        kind = self._rows[index.row()].kind
        if kind is RowKind.HEADING or (kind is RowKind.MORE and not self._open):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == KIND_ROLE:
            return int(row.kind)
        if row.info is not None:
            return self._of_model(row.info, row.text, role)
        return row.text if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None

    @staticmethod
    def _of_model(info: ModelInfo, name: str, role: int) -> Any:
        if role == CatalogRole.INFO:
            return info
        if role == CatalogRole.BADGE:
            return info.badge
        if role == Qt.ItemDataRole.ToolTipRole:
            return info.spec.path
        names = (CatalogRole.NAME, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return name if role in names else None

    def _on_reset(self) -> None:
        self.beginResetModel()
        self._fill()
        self.endResetModel()

    def _fill(self) -> None:
        """The catalog brings those of a group together already."""
        rows: list[_Row] = []
        group = ""
        names = told_apart((info.name, info.spec.path) for info in self._catalog.infos)
        for info in self._catalog.infos:
            own = "" if info.built_in else group_of(info.family) or self.tr("Others")
            if own != group:
                group = own
                rows.append(_Row(RowKind.HEADING, own))
            rows.append(_Row(RowKind.MODEL, names.get(info.spec.path, info.name), info))
        self._rows = (*rows, _Row(RowKind.MORE, self.tr("Models…")))
