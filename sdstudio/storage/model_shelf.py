"""All that is in the folders of models, by folder: what can be chosen, what it is, and what was refused."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.model_file import ModelFile, Verdict
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FolderKind, FoundFolder, FoundModel, ModelsFound, ModelState
from sdstudio.storage.catalog import CatalogLook, ModelCatalog
from sdstudio.storage.recognise.recogniser import recognise


def look_through(catalog: ModelCatalog, built_in: Path, own: Path, added: Sequence[Path]) -> ModelsFound:
    """One look at all folders; takes as long as ModelLibrary.scan."""
    look = catalog.look()
    chosen = {os.path.realpath(info.spec.path): info for info in look.infos}
    box = os.path.realpath(built_in)
    places: dict[Path, list[FoundModel]] = {folder: [] for folder in (built_in, own, *added)}
    for file, place in _files(look, built_in, own):
        real = os.path.realpath(file.path)
        if real != box or place == built_in:
            places.setdefault(place, []).append(found_model(file, chosen.get(real)))
    kinds = {built_in: FolderKind.BUILT_IN, own: FolderKind.OWN}
    folders = (
        FoundFolder(
            path=place,
            kind=kinds.get(place, FolderKind.ADDED),
            # Our own is made when something is put into it.
            connected=place == own or os.path.isdir(place),
            models=tuple(sorted(models, key=_order)),
        )
        for place, models in places.items()
    )
    return ModelsFound(infos=look.infos, folders=tuple(folders), watched=look.scan.folders)


def _files(look: CatalogLook, built_in: Path, own: Path) -> Iterable[tuple[ModelFile, Path]]:
    """With the folder that each belongs to; the model in the box, and folders that were not gone through, too."""
    seen = {os.path.realpath(built_in)}
    yield recognise(built_in, (built_in,)), built_in
    for file in look.scan.models:
        seen.add(os.path.realpath(file.path))
        yield file, look.scan.places.get(file.path, own)
    for info in look.infos:
        if os.path.realpath(info.spec.path) not in seen:
            yield recognise(Path(info.spec.path)), own


def found_model(file: ModelFile, info: ModelInfo | None) -> FoundModel:
    state = _state(file, info)
    words = [
        file.name, os.path.basename(file.path), file.side_car.title, file.role.value, file.kind, file.precision,
        info.name if info is not None else "", "refused" if state is ModelState.REFUSED else "",
    ]  # fmt: skip
    if info is not None and info.built_in:
        words.append("built in small model")  # What it is built like is not what anybody looks for.
    else:
        family = FAMILY_PRESETS[file.family] if file.family is not None else None
        words += [file.what, *((family.badge, family.group) if family is not None else ())]
    return FoundModel(file=file, state=state, info=info, search=" ".join(filter(None, words)).casefold())


def _state(file: ModelFile, info: ModelInfo | None) -> ModelState:
    if info is not None:
        return ModelState.CHOICE
    if file.verdict is Verdict.UNSUPPORTED:
        return ModelState.LATER
    if file.refused:
        return ModelState.REFUSED
    if file.draws:
        return ModelState.LATER
    return ModelState.PART


def _order(model: FoundModel) -> tuple[int, str, str]:
    return model.state.value, model.name.casefold(), model.file.path
