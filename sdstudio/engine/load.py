"""A model from disk, whichever form it has: a folder in diffusers layout, or one file."""

from __future__ import annotations

from pathlib import Path

from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.loader import LoadedModel, load_model
from sdstudio.engine.probe_prediction import PredictionProbe


def read_model(
    spec: ModelSpec, device: Device, resources: Path | None, probe: PredictionProbe | None = None
) -> LoadedModel:
    """`resources`: what one-file models do not bring along; `probe` remembers what trying them told. Raises what
    `load_model` and `load_checkpoint` raise."""
    if resources is not None and Path(spec.path).is_file():
        # Imported late: the model in the box is a folder, and the first picture waits for nothing that it needs not.
        from sdstudio.engine.checkpoint import load_checkpoint

        return load_checkpoint(spec, device, resources, probe or PredictionProbe())
    return load_model(spec, device)
