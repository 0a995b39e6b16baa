"""A model from disk, whichever form and family it has."""

from __future__ import annotations

from pathlib import Path

from sdstudio.domain.model_file import LOADABLE_FAMILIES, ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.families.sd import read_sd
from sdstudio.engine.faults import broken_file, changed_file, wrong_kind
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.folder import open_folder
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.source import ModelSource
from sdstudio.engine.sources.stored import FileChanged


def read_model(
    spec: ModelSpec,
    device: Device,
    resources: Path | None = None,
    probe: PredictionProbe | None = None,
    reading: Reading | None = None,
) -> LoadedModel:
    """`resources`: what one-file models do not bring along; `probe` remembers what trying them told; `reading` hears
    how far it is and stops it. All parts come in the device's precision.

    Raises ModelError in words when the model is missing, of a kind that cannot be used, incomplete or damaged, and
    MemoryError or torch.cuda.OutOfMemoryError when it does not fit.
    """
    reading = reading or Reading(device)
    try:
        model = _read(_open(spec, device, resources, reading), probe or PredictionProbe())
        reading.check_unchanged()
        _keep_rest(model)
        return model
    except FileChanged as error:
        raise changed_file(spec.name) from error
    except OSError as error:
        raise broken_file(spec.name, "its weights cannot be read") from error
    finally:
        reading.close()


def _keep_rest(model: LoadedModel) -> None:
    """The family's further networks are looked after with the ones that all have."""
    assert model.memory is not None
    for network in model.more_networks:
        model.memory.add(network)


def _open(spec: ModelSpec, device: Device, resources: Path | None, reading: Reading) -> ModelSource:
    if resources is not None and Path(spec.path).is_file():
        # Imported late: the model in the box is a folder, and the first picture waits for nothing that it needs not.
        from sdstudio.engine.sources.one_file import open_file

        return open_file(spec, device, resources, reading)
    return open_folder(spec, device, reading)


def _read(source: ModelSource, probe: PredictionProbe) -> LoadedModel:
    """One line for each family; all but the first are imported when somebody has such a model."""
    family = source.family
    if family is not None and family not in LOADABLE_FAMILIES:
        raise wrong_kind(source.spec, family.value)
    match family:
        case ModelFamily.SD2_DEPTH:
            from sdstudio.engine.families.depth import read_depth

            return read_depth(source, probe)
        case ModelFamily.X4_UPSCALER:
            from sdstudio.engine.families.x4 import read_x4

            return read_x4(source, probe)
        case ModelFamily.PIX2PIX:
            from sdstudio.engine.families.pix2pix import read_pix2pix

            return read_pix2pix(source, probe)
        case ModelFamily.UNCLIP_L | ModelFamily.UNCLIP_H:
            from sdstudio.engine.families.unclip import read_unclip

            return read_unclip(source, probe)
        case ModelFamily.SDXL | ModelFamily.SDXL_INPAINTING | ModelFamily.SDXL_REFINER:
            from sdstudio.engine.families.sdxl import read_sdxl

            return read_sdxl(source)
        case _:
            return read_sd(source, probe)
