"""What can be added to the chosen model, of all that the folders hold: LoRAs, embeddings, VAEs, refiners."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from sdstudio.app.added_state import ChosenLora
from sdstudio.app.catalog_model import CatalogModel
from sdstudio.domain.added_find import find_added, misfit, short_hash, usable
from sdstudio.domain.additions import AddedFile
from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import ModelSpec

ROLES = frozenset({ModelRole.LORA, ModelRole.TEXTUAL_INVERSION, ModelRole.VAE})


@dataclass(frozen=True, slots=True)
class FoundLora:
    """What is known of a chosen LoRA: its file, and why it does not act (""). No file: it is not here."""

    file: ModelFile | None
    why: str = ""


class AddedFiles(QObject):
    """Follows the catalog; `changed` comes when other files are there, or more is known of them."""

    changed = Signal()

    def __init__(self, catalog: CatalogModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._catalog = catalog
        self._files: tuple[ModelFile, ...] = ()
        self._by_role: dict[ModelRole, tuple[ModelFile, ...]] = {}
        self._by_path: dict[str, ModelFile] = {}
        self._looked = False
        catalog.folders_changed.connect(self._follow)
        catalog.refreshed.connect(self._on_refreshed)

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """All, whatever they fit, also those that are refused; by folder."""
        return self._files

    def all_of(self, role: ModelRole) -> tuple[ModelFile, ...]:
        """The same object until something changes."""
        return self._by_role.get(role, ())

    @property
    def looked(self) -> bool:
        """Whether the folders were looked through: before that, nothing is known to be missing."""
        return self._looked

    def of(self, role: ModelRole, family: ModelFamily | None) -> tuple[ModelFile, ...]:
        """Those that fit the models of a family, by what people call them."""
        return tuple(sorted(usable(self.all_of(role), role, family), key=lambda file: title(file).casefold()))

    def refiners(self) -> tuple[ModelInfo, ...]:
        return tuple(info for info in self._catalog.infos if info.family is ModelFamily.SDXL_REFINER)

    def refiner(self, model: ModelSpec) -> ModelInfo | None:
        found = self._catalog.find(model)
        return found if found is not None and found.family is ModelFamily.SDXL_REFINER else None

    def lora(self, chosen: ChosenLora, family: ModelFamily | None) -> FoundLora:
        """The file of a chosen LoRA: the same path, else hash or name."""
        file = self._find(chosen.path, chosen.name, chosen.hash, ModelRole.LORA, family)
        if file is None:
            return FoundLora(None, "is not on this computer" if self._looked else "")
        return FoundLora(file, misfit(file, ModelRole.LORA, family))

    def vae(self, chosen: AddedFile, family: ModelFamily | None) -> ModelFile | None:
        """Its file, if it is here and fits."""
        file = self._find(chosen.path, chosen.name, chosen.hash, ModelRole.VAE, family)
        return None if file is None or misfit(file, ModelRole.VAE, family) else file

    def _find(self, path: str, name: str, digest: str, role: ModelRole, family: ModelFamily | None) -> ModelFile | None:
        same = self._by_path.get(path)
        if same is not None and same.role is role:
            return same
        return find_added(name, self.all_of(role), role, family, digest)

    def _follow(self) -> None:
        seen: dict[str, ModelFile] = {}
        for folder in self._catalog.folders:
            for model in folder.models:
                if model.file.role in ROLES:
                    seen.setdefault(os.path.realpath(model.file.path), model.file)
        files = tuple(seen.values())
        if files != self._files or not self._looked:
            self._files, self._looked = files, True
            self._by_role = {role: tuple(file for file in files if file.role is role) for role in ROLES}
            self._by_path = {file.path: file for file in files}
            self.changed.emit()

    def _on_refreshed(self) -> None:
        if not self._looked:
            self._follow()


def title(file: ModelFile) -> str:
    """What people call it."""
    return file.side_car.title or file.name


def chosen(file: ModelFile) -> ChosenLora:
    return ChosenLora(name=file.name, path=file.path, hash=short_hash(file))


def told(lora: ChosenLora, file: ModelFile) -> ChosenLora:
    """With the place and hash that are known now."""
    return replace(lora, name=file.name, path=file.path, hash=short_hash(file) or lora.hash)
