"""All model files in the added folders, looked at once and after that only when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sdstudio.domain.model_file import ModelFile, Verdict
from sdstudio.storage.model_hashes import ModelHashes
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_layouts import model_folders
from sdstudio.storage.model_predictions import ModelPredictions
from sdstudio.storage.model_walk import Candidate, walk
from sdstudio.storage.recognise.recogniser import recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The models by name; `looked_at` are those whose headers had to be read. `places` tells of each model's path
    which of the chosen folders it was found for; `folders` are all that were gone through (the ones to watch)."""

    models: tuple[ModelFile, ...]
    looked_at: int
    places: Mapping[str, Path] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


class ModelLibrary:
    """Never changes or copies a model. Usable from any thread; a first scan takes some milliseconds a file."""

    def __init__(self, index: ModelIndex, folders: Sequence[Path]) -> None:
        """`folders`: those that the person added, and our own."""
        self._index = index
        self._folders = tuple(folders)
        self.hashes = ModelHashes(index)
        self.predictions = ModelPredictions(index)

    def searched_folders(self, folders: Iterable[Path] | None = None) -> tuple[Path, ...]:
        """Where models are looked for: of other programs' folders the parts that hold models. The ones to watch."""
        chosen = self._folders if folders is None else folders
        return tuple(dict.fromkeys(part for folder in chosen for part in model_folders(folder.absolute())))

    def scan(self, folders: Iterable[Path] | None = None, cancelled: Callable[[], bool] = lambda: False) -> Scan:
        """All added folders, or the given ones. What a cancelled scan has found is kept for the next."""
        chosen = self._folders if folders is None else tuple(folders)
        searched = self.searched_folders(chosen)
        roots = self._roots(searched)
        rows = self._index.rows()
        fresh: list[tuple[str, ModelFile]] = []
        models: dict[str, ModelFile] = {}
        places: dict[str, Path] = {}
        seen: set[str] = set()
        for place, candidate in _candidates(_parts(chosen), roots, seen, cancelled):
            row = rows.get(candidate.path)
            kept = row.model(candidate.path) if row is not None and row.stamp == candidate.stamp else None
            if kept is None:
                kept = recognise(Path(candidate.path), roots)
                # Whether a link may be followed changes with the folders that are added.
                if kept.verdict is not Verdict.UNREACHABLE:
                    fresh.append((candidate.stamp, kept))
            models[candidate.path], places[candidate.path] = kept, place
            if cancelled():
                break
        gone = () if cancelled() else [path for path in rows if path not in models and _below(path, searched)]
        self._index.keep(fresh, gone)
        completed = self.predictions.complete(self._with_hashes(models.values()))
        ordered = sorted(completed, key=lambda model: (model.name.casefold(), model.path))
        gone_through = tuple(sorted(filter(os.path.isdir, seen)))
        return Scan(models=tuple(ordered), looked_at=len(fresh), places=places, folders=gone_through)

    def inspect(self, path: Path) -> ModelFile:
        """One file or folder, looked at now; its hashes only where they are known already."""
        (found,) = self.predictions.complete([recognise(path, self._roots(self.searched_folders()))])
        return found.with_hashes(None if found.verdict is Verdict.UNREACHABLE else self.hashes.known(path))

    def _roots(self, searched: Sequence[Path]) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((*self._folders, *self.searched_folders(), *searched)))

    def _with_hashes(self, models: Iterable[ModelFile]) -> Iterable[ModelFile]:
        """Only for those with a hash is the file asked again for its time and size."""
        known = self._index.hashes()
        folders = {str(Path(path).parent.parent) for path in known if Path(path).parent.name == "unet"}
        for model in models:
            has = model.path in known or model.path in folders
            yield model.with_hashes(self.hashes.known(Path(model.path))) if has else model


def _parts(folders: Iterable[Path]) -> dict[Path, Path]:
    """The folders to search, each with the chosen one it belongs to."""
    parts: dict[Path, Path] = {}
    for folder in folders:
        for part in model_folders(folder.absolute()):
            parts.setdefault(part, folder)
    return parts


def _candidates(
    parts: Mapping[Path, Path], roots: Sequence[Path], seen: set[str], cancelled: Callable[[], bool]
) -> Iterable[tuple[Path, Candidate]]:
    """Each real folder once, even where one added folder lies in another or is linked from it; with its place."""
    for part, folder in parts.items():
        for candidate in walk(part, roots, seen, cancelled):
            yield folder, candidate


def _below(path: str, folders: Sequence[Path]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)
