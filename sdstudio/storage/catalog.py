"""The models on this machine that can make pictures: the one in the box, folders in diffusers layout, single files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdstudio.domain.errors import ModelError
from sdstudio.domain.family_presets import FAMILY_PRESETS, usual_sizes
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import FOLDER_LAYOUT, LOADABLE_FAMILIES, ModelFamily, ModelFile, Verdict
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.models import STARTER_NAME, ModelInfo, ModelPresets
from sdstudio.domain.request import ModelSpec
from sdstudio.storage.box_facts import read_box
from sdstudio.storage.catalog_files import entry_of, presets_of
from sdstudio.storage.hashes import HashCache, hashed_file
from sdstudio.storage.model_card import card_name, read_card, read_presets, read_quick
from sdstudio.storage.model_refusal import means_a_file, no_such_file, why_not
from sdstudio.storage.model_words import read_words
from sdstudio.storage.recognise.links import cache_name

# What looks into model files is read with the first look: the window begins with the model in the box.
if TYPE_CHECKING:
    from sdstudio.storage.model_index import ModelIndex
    from sdstudio.storage.model_library import ModelLibrary, Scan

INDEX = "model_index.json"
HASHED_AT_ONCE = 64 * 2**20
"""Bytes; larger files are listed without their hash until somebody has computed it."""
_DEPTH_MAX = 3
"""How far below a model folder of the settings a model may lie."""
_JSON_BYTES_MAX = 2**20
_NAMES_SHOWN = 20
# What the width of the text conditioning tells: CLIP ViT-L, OpenCLIP ViT-H, and both CLIPs of SDXL together.
_FAMILIES = {768: (ModelFamily.SD1, 512), 1024: (ModelFamily.SD2, 768), 2048: (ModelFamily.SDXL, 1024)}


@dataclass(frozen=True, slots=True)
class _Entry:
    """`found`: what a look at the headers told; None for folders that the library has not seen."""

    path: Path
    name: str
    found: ModelFile | None = None

    @property
    def names(self) -> set[str]:
        title = self.found.side_car.title if self.found is not None else ""
        return {text.casefold() for text in (self.name, title) if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogLook:
    """The models to choose from, and all that the folders hold; no scan where single files are not looked for."""

    infos: tuple[ModelInfo, ...]
    scan: Scan


class ModelCatalog:
    """Looks at the disk each time it is asked. Usable from any thread. With an `index` single files are listed too, and
    what was seen once is kept there; the first look at new files takes some milliseconds for each."""

    def __init__(
        self, built_in: Path, folders: Sequence[Path], hashes: HashCache, index: ModelIndex | None = None
    ) -> None:
        self._built_in = built_in
        self._box = read_box(built_in)
        self._folders = tuple(folders)
        self._hashes = hashes
        self._library = _library(index, folders) if index is not None else None

    def models(self) -> list[ModelInfo]:
        """The built-in one first, then the others by name. The hash of a large file is "" unless it is known."""
        return list(self.look().infos)

    def look(self) -> CatalogLook:
        """`models` together with everything else that was seen."""
        scan = self._scan()
        return CatalogLook(infos=tuple(self._info(entry, wait=False) for entry in self._entries(scan)), scan=scan)

    def find(self, name_or_path: str) -> ModelInfo:
        """By name in any case, by the title in its side-car file, by its file's name with as many of the folders above
        it as are given, or by folder or file. Waits for the hash, which takes seconds for a large file. Raises
        ModelError that says what there is, or why a file cannot be used."""
        wanted = name_or_path.strip()
        if self._has_built_in and wanted.casefold() == self._name(self._built_in).casefold():
            return self._info(self._built_in_entry, wait=True)
        path = _path_of(wanted)
        placed = os.sep in wanted or "/" in wanted
        if placed and _exists(path):
            return self._info(self._entry_at(path.absolute()), wait=True)
        entries = self._entries(self._scan())
        named = [entry for entry in entries if wanted.casefold() in entry.names]
        named = named or _called(wanted, entries)
        if len(named) == 1:
            return self._info(named[0], wait=True)
        if len(named) > 1:
            paths = ", ".join(f"“{entry.path}”" for entry in named)
            raise ModelError(f"Several models are called “{wanted}”.", hint=f"Give the folder or file of one: {paths}.")
        if wanted and _exists(path):
            return self._info(self._entry_at(path.absolute()), wait=True)
        raise no_such_file(path) if means_a_file(wanted) else _no_model(wanted, entries)

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def _has_built_in(self) -> bool:
        return os.path.isfile(self._built_in / INDEX)

    @property
    def _built_in_entry(self) -> _Entry:
        return _Entry(self._built_in, self._name(self._built_in))

    def _entries(self, scan: Scan) -> list[_Entry]:
        others: dict[str, _Entry] = {}
        seen = _one_each(scan.models)
        for folder in (found for root in self._folders for found in _find_below(root, _DEPTH_MAX)):
            real = os.path.realpath(folder)
            others.setdefault(real, _Entry(folder, self._name(folder), seen.get(real)))
        for real, found in seen.items():
            if found.loadable or _is_sound_folder(found):
                path = Path(found.path)
                name = found.name if found.loadable else self._name(path)
                others.setdefault(real, _Entry(path, name, found))
        others.pop(os.path.realpath(self._built_in), None)
        listed = [entry for entry in others.values() if not _is_strange_folder(entry.found)]
        built_in = [self._built_in_entry] if self._has_built_in else []
        return built_in + sorted(listed, key=lambda entry: (entry.name.casefold(), str(entry.path)))

    def _scan(self) -> Scan:
        from sdstudio.storage.model_library import Scan

        return self._library.scan() if self._library is not None else Scan(models=(), looked_at=0)

    def _entry_at(self, path: Path) -> _Entry:
        """Raises ModelError for what cannot be used."""
        # os.path, here and below: it says no where one may not look; pathlib raises.
        if os.path.isfile(path) and path.name == INDEX:
            path = path.parent
        if os.path.isdir(path) and not os.path.isfile(path / INDEX):
            hint = f"A model is a file, or a folder in diffusers layout with a file {INDEX}."
            raise ModelError(f"“{path}” is not a model that SD Studio can use.", hint=hint)
        found = self._library.inspect(path) if self._library is not None else _recognised(path, self._folders)
        if _is_strange_folder(found) or not (os.path.isdir(path) or found.loadable):
            raise why_not(found)
        return _Entry(path, self._name(path) if os.path.isdir(path) else found.name, found)

    # -- one of them --------------------------------------------------------------------------------------------------

    def _info(self, entry: _Entry, *, wait: bool) -> ModelInfo:
        if entry.found is not None and entry.found.loadable:
            return entry_of(entry.found, self._hash(entry, wait))
        return self._folder_info(entry, wait)

    def _folder_info(self, entry: _Entry, wait: bool) -> ModelInfo:
        folder = entry.path
        built_in = os.path.realpath(folder) == os.path.realpath(self._built_in)
        family, defaults = _folder_presets(folder, entry.found)
        badge = FAMILY_PRESETS[family].badge if family is not None else "diffusers"
        return ModelInfo(
            spec=ModelSpec(name=entry.name, path=str(folder), hash=self._hash(entry, wait)),
            badge="built in" if built_in else badge,
            built_in=built_in,
            family=family,
            presets=self._presets(folder, defaults),
            words=read_words(folder),
        )

    def _name(self, folder: Path) -> str:
        fallback = STARTER_NAME if folder == self._built_in else cache_name(folder) or folder.name
        return card_name(self._card(folder), fallback)

    def _card(self, folder: Path) -> dict[str, Any]:
        return self._box.card() if folder == self._built_in else read_card(folder)

    def _short_hash(self, path: Path) -> str:
        """Raises OSError."""
        return self._box.short_hash(path) or self._hashes.short_hash(path)

    def _presets(self, folder: Path, defaults: ModelPresets) -> ModelPresets:
        card = self._card(folder)
        quick = read_quick(card, folder)
        if quick is not None:
            try:
                # A few megabytes, read once.
                lora = replace(quick.lora, hash=self._short_hash(Path(quick.lora.path)))
                quick = replace(quick, lora=lora)
            except OSError:
                quick = None
        return replace(read_presets(card, defaults), quick=quick)

    def _hash(self, entry: _Entry, wait: bool) -> str:
        if entry.found is not None and entry.found.hashes is not None:
            return entry.found.hashes.short
        weights = hashed_file(entry.path)
        try:
            if weights is not None and (self._library is None or entry.path == self._built_in):
                return self._short_hash(weights)
            if weights is None or self._library is None or not (wait or weights.stat().st_size <= HASHED_AT_ONCE):
                return ""
            hashes = self._library.hashes.compute(entry.path)
            return hashes.short if hashes is not None else ""
        except OSError:
            return ""  # "" says “not known”; whether the model can be read is told when it is loaded.


def _library(index: ModelIndex, folders: Sequence[Path]) -> ModelLibrary:
    from sdstudio.storage.model_library import ModelLibrary

    return ModelLibrary(index, folders)


def _recognised(path: Path, folders: Sequence[Path]) -> ModelFile:
    from sdstudio.storage.recognise.recogniser import recognise

    return recognise(path, folders)


def _one_each(models: Iterable[ModelFile]) -> dict[str, ModelFile]:
    """By real path; what is seen there itself, with the files beside it, before links that lead to it."""
    seen: dict[str, ModelFile] = {}
    for found in models:
        real = os.path.realpath(found.path)
        if real not in seen or os.path.abspath(found.path) == real:
            seen[real] = found
    return seen


def _no_model(wanted: str, entries: Sequence[_Entry]) -> ModelError:
    apart = told_apart((entry.name, str(entry.path)) for entry in entries)
    names = [apart.get(str(entry.path), entry.name) for entry in entries]
    shown = ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")
    hint = f"There are: {shown}." if names else "No model was found at all; install SD Studio again."
    return ModelError(f"There is no model “{wanted}”.", hint=hint)


def _is_sound_folder(found: ModelFile) -> bool:
    return found.draws and found.layout == FOLDER_LAYOUT and found.family in LOADABLE_FAMILIES


def _is_strange_folder(found: ModelFile | None) -> bool:
    """One of a family that the engine does not know, or that is unsafe or has links to what is not here. What is
    damaged otherwise stays: the engine says what is missing."""
    if found is None or found.loadable:
        return False
    if found.refused:
        return found.verdict in (Verdict.UNSAFE, Verdict.UNREACHABLE)
    return found.draws and not _is_sound_folder(found)


def _path_of(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # “~somebody” who is not known here
        return Path(text)


def _called(text: str, entries: Sequence[_Entry]) -> list[_Entry]:
    """As the lists tell those of one name apart, or by the end of their paths."""
    apart = told_apart((entry.name, str(entry.path)) for entry in entries)
    shown = [entry for entry in entries if apart.get(str(entry.path), "").casefold() == text.casefold() != ""]
    return shown or [entry for entry in entries if _ends_with(entry.path, text)]


def _ends_with(path: Path, text: str) -> bool:
    """`old/wash.safetensors` is the end of `/models/old/wash.safetensors`; in any case."""
    parts = [part.casefold() for part in Path(text).parts]
    return bool(parts) and [part.casefold() for part in path.parts[-len(parts) :]] == parts


def _exists(path: Path) -> bool:
    """Also a link that leads nowhere, of which it is said so."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False


def _find_below(folder: Path, depth: int) -> Iterator[Path]:
    """Folders with a Stable Diffusion's model_index.json; nothing is looked for inside of one."""
    if os.path.isfile(folder / INDEX):
        if "StableDiffusion" in str(read_json(folder / INDEX).get("_class_name", "")):
            yield folder
        return
    if depth == 0:
        return
    try:
        children = sorted(
            child for child in folder.iterdir() if os.path.isdir(child) and not child.name.startswith(".")
        )
    except OSError:
        return  # Missing or not allowed: such a folder has no models to offer.
    for child in children:
        yield from _find_below(child, depth - 1)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object; {} where it is missing, too large or damaged."""
    try:
        if path.stat().st_size > _JSON_BYTES_MAX:
            return {}
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _folder_presets(folder: Path, found: ModelFile | None) -> tuple[ModelFamily | None, ModelPresets]:
    """Its family and what suits that; the side is that of its own configuration, where that says one."""
    unet = read_json(folder / "unet" / "config.json")
    width = unet.get("cross_attention_dim")
    family, side = _FAMILIES.get(width, (None, 512)) if isinstance(width, int) else (None, 512)
    defaults = ModelPresets(size=Size(side, side), sizes=usual_sizes(side))
    if found is not None and found.family is not None:
        family, defaults = found.family, presets_of(found.family)
    sample = unet.get("sample_size")
    if isinstance(sample, int) and not isinstance(sample, bool) and 8 <= sample <= 512:
        own = sample * 8
        if own != defaults.size.width:
            defaults = replace(defaults, size=Size(own, own), sizes=usual_sizes(own))
    return family, defaults
