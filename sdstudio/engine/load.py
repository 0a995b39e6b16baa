"""A model from disk, whichever form and family it has."""

from __future__ import annotations

from pathlib import Path

from sdstudio.domain.model_file import LOADABLE_FAMILIES
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.families.sd import read_sd
from sdstudio.engine.faults import wrong_kind
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.folder import open_folder
from sdstudio.engine.sources.source import ModelSource


def read_model(
    spec: ModelSpec, device: Device, resources: Path | None = None, probe: PredictionProbe | None = None
) -> LoadedModel:
    """`resources`: what one-file models do not bring along; `probe` remembers what trying them told. All parts come in
    the device's precision.

    Raises ModelError in words when the model is missing, of a kind that cannot be used, incomplete or damaged, and
    MemoryError or torch.cuda.OutOfMemoryError when it does not fit.
    """
    return _read(_open(spec, device, resources), probe or PredictionProbe())


def _open(spec: ModelSpec, device: Device, resources: Path | None) -> ModelSource:
    if resources is not None and Path(spec.path).is_file():
        # Imported late: the model in the box is a folder, and the first picture waits for nothing that it needs not.
        from sdstudio.engine.sources.one_file import open_file

        return open_file(spec, device, resources)
    return open_folder(spec, device)


def _read(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """One line for each family; all but the first are imported when somebody has such a model."""
    family = source.family
    if family is not None and family not in LOADABLE_FAMILIES:
        raise wrong_kind(source.spec, family.value)
    match family:
        case _:
            return read_sd(source, probe)
