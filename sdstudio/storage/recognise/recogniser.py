"""Says of any file or folder what model it is, and why not if it is none; never raises for what a file holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sdstudio.domain.model_file import Evidence, ModelFamily, ModelFile, ModelRole, Verdict
from sdstudio.storage.recognise.diffusers_folder import INDEX, recognise_folder
from sdstudio.storage.recognise.facts import refused
from sdstudio.storage.recognise.links import cache_name, resolve
from sdstudio.storage.recognise.lora import find_embedding, find_lora
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.other_models import find_other, unknown
from sdstudio.storage.recognise.parts import find_part
from sdstudio.storage.recognise.prediction import decide, narrowed, zero_snr
from sdstudio.storage.recognise.refusal import Refusal, broken
from sdstudio.storage.recognise.side_car import read_side_car, side_car_prediction
from sdstudio.storage.recognise.stable_diffusion import find_stable_diffusion, trained_side
from sdstudio.storage.recognise.tables import read_table
from sdstudio.storage.recognise.tensor_table import TensorTable

_FINDERS = (find_lora, find_embedding, find_stable_diffusion, find_part, find_other)
"""The order matters: LoRAs name the layers of what they are for; ControlNets hold most of a UNet."""


def recognise(path: Path, roots: Sequence[Path] = ()) -> ModelFile:
    """A file, or a folder with a model_index.json. `roots` are the added folders, into which links may lead."""
    try:
        return _folder(path, roots) if path.is_dir() else _file(path, roots)
    except Refusal as error:
        return replace(refused(error), path=str(path), name=_name(path))
    except (OSError, ValueError) as error:  # a name that is too long, or has a zero byte
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return replace(refused(Refusal(Verdict.UNREACHABLE, reason)), path=str(path), name=path.name[:200])


def _name(path: Path) -> str:
    return cache_name(path) or path.name if path.is_dir() else path.stem


def _folder(path: Path, roots: Sequence[Path]) -> ModelFile:
    if not (path / INDEX).is_file():
        raise broken(f"a folder without {INDEX}, so no model in diffusers layout")
    return recognise_folder(path, (*roots, path))


def _file(path: Path, roots: Sequence[Path]) -> ModelFile:
    real = resolve(path, (*roots, path.parent))
    size, table = 0, TensorTable(entries={})
    try:
        with OpenFile(real, path) as file:
            size = file.size
            table = read_table(file)
        found = classify(table)
    except Refusal as error:
        found = refused(error)
    found = replace(
        found,
        path=str(path),
        name=path.stem,
        size_bytes=size,
        layout=table.layout,
        parameters=table.parameters(),
        side_car=read_side_car(path),
    )
    return _with_prediction(found, table, path)


def classify(table: TensorTable) -> ModelFile:
    for find in _FINDERS:
        found = find(table)
        if found is not None:
            return found
    return unknown(table)


def _with_prediction(found: ModelFile, table: TensorTable, path: Path) -> ModelFile:
    """Only a UNet predicts; SD 2.x becomes base or 768-v by it."""
    if found.refused or found.family is None or found.role not in (ModelRole.CHECKPOINT, ModelRole.UNET):
        return replace(found, family=_by_name(found)) if found.role is ModelRole.VAE else found
    prediction, evidence = decide(found.family, table, side_car_prediction(path))
    family = narrowed(found.family, prediction)
    return replace(
        found,
        family=family,
        what=found.what.replace(found.family.value, family.value) if evidence is not Evidence.NONE else found.what,
        prediction=prediction,
        evidence=evidence,
        zero_snr=zero_snr(table),
        resolution=trained_side(family),
    )


def _by_name(found: ModelFile) -> ModelFamily | None:
    """The VAEs of the families differ in their numbers only, so a name that says “xl” is all there is to go by."""
    words = f"{Path(found.path).parent.name} {found.name} {found.side_car.base}".lower()
    return ModelFamily.SDXL if "xl" in words else None
