"""Which of the known models a picture was made with, by what its file says; and what is nearest to a missing one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import FileHashes, ModelFamily
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FoundFolder
from sdstudio.domain.request import ModelSpec

OLD_DIGITS = 8
"""Of A1111's first short hash; its present one, and the beginnings of a sha256 that others write, have 10 and more."""
_SHORT_DIGITS = 10
_SUFFIXES = re.compile(r"\.(safetensors|sft|ckpt|pt|pth|bin)$", re.I)
_BRACKETS = re.compile(r"\s*\[[0-9a-f]{8,64}\]$", re.I)
_XL_PIXELS = 850 * 850
"""More than a model of 512 or 768 pixels is usually asked for."""


def plain_digest(text: str) -> str:
    """A hash in hexadecimal digits of any of the kinds that are known here; "" for all others ("blake3:…")."""
    kind, _, digits = text.strip().lower().rpartition(":")
    known = kind in ("", "sha256", "autov2", "autov1") and re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{10,64}", digits)
    return digits if known else ""


def plain_name(text: str) -> str:
    """“sub\\\\Fine.v2.safetensors [0123abcd]” as “fine.v2”."""
    name = _BRACKETS.sub("", text.strip()).replace("\\", "/").rpartition("/")[2]
    return _SUFFIXES.sub("", name).casefold()


def find_model(wanted: ModelSpec, infos: Sequence[ModelInfo], folders: Sequence[FoundFolder] = ()) -> ModelInfo | None:
    """By hash of any kind, of several copies the one at the same place; else by folder; else by name, as it is or as
    its file is called."""
    digest = plain_digest(wanted.hash)
    if digest:
        same = _by_hash(digest, infos, folders)
        if same:
            return next((info for info in same if info.spec.path == wanted.path), same[0])
    for info in infos:
        if wanted.path and info.spec.path == wanted.path:
            return info
    return _by_name(wanted.name, infos, folders) if wanted.name else None


def _by_hash(digest: str, infos: Sequence[ModelInfo], folders: Sequence[FoundFolder]) -> list[ModelInfo]:
    if len(digest) == OLD_DIGITS:
        return [info for info, hashes in _hashed(folders) if hashes.old == digest]
    short = digest[:_SHORT_DIGITS]
    same = [info for info in infos if info.spec.hash == short]
    return same or [info for info, hashes in _hashed(folders) if hashes.sha256.startswith(digest)]


def _hashed(folders: Sequence[FoundFolder]) -> Iterator[tuple[ModelInfo, FileHashes]]:
    for folder in folders:
        for model in folder.models:
            if model.info is not None and model.file.hashes is not None:
                yield model.info, model.file.hashes


def _by_name(name: str, infos: Sequence[ModelInfo], folders: Sequence[FoundFolder]) -> ModelInfo | None:
    folded, plain = name.casefold(), plain_name(name)
    for info in infos:
        if info.name.casefold() == folded:
            return info
    for info in infos:
        if plain in (plain_name(info.name), plain_name(info.spec.path)):
            return info
    for folder in folders:
        for model in folder.models:
            if model.info is not None and model.file.side_car.title.casefold() == folded:
                return model.info
    return None


# -- a model that is not here -----------------------------------------------------------------------------------------


def told_family(model: ModelSpec) -> ModelFamily | None:
    """What the picture's own record says."""
    return next((family for family in ModelFamily if family.value == model.family), None)


def guessed_family(name: str, size: Size) -> ModelFamily:
    """Where nothing is said: by the name, else by how large the picture is."""
    folded = plain_name(name)
    if "xl" in folded or size.width * size.height >= _XL_PIXELS:
        return ModelFamily.SDXL
    if re.match(r"(v2|sd[-_ ]?2|768)", folded):
        return ModelFamily.SD2_V if "768" in folded else ModelFamily.SD2
    return ModelFamily.SD1


def nearest(family: ModelFamily, name: str, infos: Iterable[ModelInfo], chosen: ModelInfo) -> ModelInfo | None:
    """Of the same family, else of its relatives: the chosen one if it is among them, else the one of the most similar
    name. None where there is none; the small one in the box stands for nothing else."""
    others = [info for info in infos if not info.built_in]
    usable = [info for info in others if info.family is not None and not FAMILY_PRESETS[info.family].tool]
    group = FAMILY_PRESETS[family].group
    for among in (
        [info for info in usable if info.family is family],
        [info for info in usable if info.family is not None and FAMILY_PRESETS[info.family].group == group],
    ):
        if any(info.spec.path == chosen.spec.path for info in among):
            return chosen
        if among:
            return max(among, key=lambda info: _likeness(plain_name(name), plain_name(info.name)))
    return None


def _likeness(first: str, second: str) -> float:
    import difflib  # few starts compare names

    return difflib.SequenceMatcher(None, first, second).ratio()
