"""The models of a folder, or of all, as a list model that can be filtered; made for ten thousand rows."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from sdstudio.app import model_words as words
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.models_found import FoundFolder, FoundModel, ModelState

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_TALL = (ModelState.LATER, ModelState.REFUSED)


class ModelListRole(IntEnum):
    """MODEL: FoundModel. ROW: ModelRow."""

    MODEL = int(Qt.ItemDataRole.UserRole) + 1
    ROW = int(Qt.ItemDataRole.UserRole) + 2


@dataclass(frozen=True, slots=True)
class ModelRow:
    """The words of a row. `action`: what its right end says; `reason`: why it cannot be used."""

    title: str
    second: str
    badge: str
    action: str
    can_use: bool = False
    in_use: bool = False
    reason: words.Reason | None = None


class ModelListModel(QAbstractListModel):
    """Words are made when a row is looked at; a change of filter only goes through ready-made texts."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folders: tuple[FoundFolder, ...] = ()
        self._folder = ""
        self._terms: tuple[str, ...] = ()
        self._names: dict[str, str] = {}
        self._models: list[FoundModel] = []
        self._tall: list[bool] = []
        self._rows: dict[int, ModelRow] = {}
        self._in_use = self._default = ""

    @property
    def filtered(self) -> bool:
        return bool(self._terms)

    @property
    def whole(self) -> int:
        """How many there are without the filter."""
        return sum(len(folder.models) for folder in self._shown_folders())

    def set_folders(self, folders: tuple[FoundFolder, ...]) -> None:
        """After a look."""
        self._folders = folders
        names = _names_of([model for folder in folders for model in folder.models])
        if names != self._names:
            self._names = names
            self._renew()
        self._fill()

    def set_folder(self, path: str) -> None:
        """Only this folder's; "" for all."""
        if path != self._folder:
            self._folder = path
            self._fill()

    def set_filter(self, text: str) -> None:
        """Only those in which every word of the text occurs; also in the name that is shown."""
        terms = tuple(text.casefold().split())
        if terms != self._terms:
            self._terms = terms
            self._fill()

    def set_marks(self, in_use: str, default: str) -> None:
        """Paths of the model that is in use and of the one that the window begins with."""
        if (in_use, default) == (self._in_use, self._default):
            return
        self._in_use, self._default = in_use, default
        self._renew()

    def model_at(self, row: int) -> FoundModel | None:
        return self._models[row] if 0 <= row < len(self._models) else None

    def title(self, model: FoundModel) -> str:
        """What it is called here: the same as in the menu."""
        return self._names.get(model.file.path) or words.title(model)

    def is_tall(self, row: int) -> bool:
        """Whether the row says a reason."""
        return self._tall[row]

    def row_of(self, path: str) -> int:
        """Of a file; of a folder of models the first one below it; -1 where there is none."""
        paths = [model.file.path for model in self._models]
        if path in paths:
            return paths.index(path)
        below = os.path.join(path, "")
        return next((row for row, place in enumerate(paths) if place.startswith(below)), -1) if path else -1

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._models)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        model = self.model_at(index.row()) if index.isValid() else None
        if model is None:
            return None
        if role == ModelListRole.MODEL:
            return model
        if role == ModelListRole.ROW:
            return self._row(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return self.title(model)
        if role == Qt.ItemDataRole.ToolTipRole:
            return model.file.path
        return self._spoken(self._row(index.row())) if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _shown_folders(self) -> Sequence[FoundFolder]:
        return [folder for folder in self._folders if not self._folder or str(folder.path) == self._folder]

    def _fill(self) -> None:
        shown = [model for folder in self._shown_folders() for model in folder.models]
        if self._terms:
            shown = [model for model in shown if self._matches(model)]
        if len(self._shown_folders()) > 1:
            # Of each folder the usable ones come first; of all folders together, too.
            shown.sort(key=_rank)
        if len(shown) == len(self._models) and all(map(operator.is_, shown, self._models)):
            return
        self.beginResetModel()
        self._models = shown
        self._tall = [model.state in _TALL for model in shown]
        self._rows.clear()
        self.endResetModel()

    def _matches(self, model: FoundModel) -> bool:
        if all(term in model.search for term in self._terms):
            return True
        name = self._names.get(model.file.path, "").casefold()
        return bool(name) and all(term in model.search or term in name for term in self._terms)

    def _renew(self) -> None:
        """The words of all rows."""
        self._rows.clear()
        if self._models:
            self.dataChanged.emit(self.index(0), self.index(len(self._models) - 1))

    def _row(self, row: int) -> ModelRow:
        found = self._rows.get(row)
        if found is None:
            found = self._rows[row] = self._make(self._models[row])
        return found

    def _make(self, model: FoundModel) -> ModelRow:
        path = model.info.spec.path if model.info is not None else model.file.path
        in_use = bool(path) and path == self._in_use
        choice = model.state is ModelState.CHOICE
        second = self._second(model)
        if path == self._default:
            second += words.DOT + self.tr("chosen at the start")
        action = {
            ModelState.CHOICE: self.tr("in use") if in_use else self.tr("Use"),
            ModelState.PART: "",
        }.get(model.state, self.tr("Details"))
        return ModelRow(
            title=self.title(model),
            second=second,
            badge=words.badge(model),
            action=action,
            can_use=choice and not in_use,
            in_use=in_use,
            reason=words.reason(model),
        )

    def _second(self, model: FoundModel) -> str:
        """Its file, or where that is, and the title beside it; of what cannot be used, how large it is."""
        file = model.file
        if model.state in _TALL:
            return words.how_large(file)
        name = words.file_name(file)
        place = str(Path(file.path).parent) if self.title(model).endswith(name) else name
        title = file.side_car.title
        return place if title.casefold() in ("", model.name.casefold()) else f"{place}{words.DOT}{title}"

    def _spoken(self, row: ModelRow) -> str:
        reason = f"{row.reason.title} {row.reason.text}" if row.reason is not None else ""
        return ". ".join(filter(None, (row.title, row.badge, reason, self.tr("in use") if row.in_use else "")))


_RANKS = {state: state.value for state in ModelState}


def _rank(model: FoundModel) -> int:
    return _RANKS[model.state]


def _names_of(models: Sequence[FoundModel]) -> dict[str, str]:
    """By path; those to choose from as the menu tells them apart, all else among itself."""
    infos = {model.file.path: model for model in models if _is_own_choice(model)}
    others = ((words.title(model), model.file.path) for model in models if model.file.path not in infos)
    return told_apart((model.name, path) for path, model in infos.items()) | told_apart(others)


def _is_own_choice(model: FoundModel) -> bool:
    """Not by a link to another."""
    return model.info is not None and model.info.spec.path == model.file.path
