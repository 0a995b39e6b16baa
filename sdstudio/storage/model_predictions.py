"""What models predict where no file tells for sure: told by one call of the UNet, or chosen by the person.

Kept beside their hashes, by time and size.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sdstudio.domain.model_file import FOLDER_LAYOUT, Evidence, ModelFamily, ModelFile, ModelRole, Prediction
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.recognise.prediction import narrowed
from sdstudio.storage.recognise.stable_diffusion import trained_side

_log = logging.getLogger(__name__)
_CHOSEN = "chosen "
"""Stands before a value that a person chose; what a call told stands alone."""
_OPEN_FAMILIES = frozenset({ModelFamily.SD2, ModelFamily.SD2_BASE, ModelFamily.SD2_V})
"""Base and 768-v differ in what they predict alone, so that a choice makes the one of the other."""
_WEAK = frozenset({Evidence.CHOSEN, Evidence.GLOBAL_STEP, Evidence.PROBE, Evidence.NONE})


def can_choose(model: ModelFile) -> bool:
    """Whether what it predicts is not said by its own files, so that a person may know better."""
    checkpoint = model.role is ModelRole.CHECKPOINT and model.layout != FOLDER_LAYOUT and not model.refused
    return checkpoint and model.family in _OPEN_FAMILIES and model.evidence in _WEAK


class ModelPredictions:
    """Usable from any thread: the engine's finds, another looks."""

    def __init__(self, index: ModelIndex) -> None:
        self._index = index

    def keep(self, path: str, prediction: Prediction) -> None:
        """What a call of the model in this file told."""
        self._keep(path, prediction.value)

    def choose(self, path: str, prediction: Prediction) -> None:
        """What a person says of the model in this file; UNKNOWN: nothing, and it is found out anew."""
        self._keep(path, "" if prediction is Prediction.UNKNOWN else _CHOSEN + prediction.value)

    def complete(self, models: Iterable[ModelFile]) -> Iterator[ModelFile]:
        """The models with what was found since. Only where that is needed is a file asked for its time and size."""
        known = self._index.predictions()
        for model in models:
            row = known.get(model.path)
            yield _completed(model, row) if row is not None and can_choose(model) else model

    def _keep(self, path: str, value: str) -> None:
        try:
            found = Path(path).stat()
        except OSError as error:
            _log.info("“%s” has gone since it was read: %s", path, error)
            return
        self._index.keep_prediction(path, found.st_mtime_ns, found.st_size, value)


def _completed(model: ModelFile, row: tuple[int, int, str]) -> ModelFile:
    mtime_ns, size, value = row
    chosen = value.startswith(_CHOSEN)
    if not chosen and model.evidence is not Evidence.NONE:
        return model
    try:
        found = Path(model.path).stat()
        prediction = Prediction(value.removeprefix(_CHOSEN))
    except (OSError, ValueError):
        return model  # Gone, taken back, or a foreign hand wrote into the index: it stays as its files tell.
    same = (found.st_mtime_ns, found.st_size) == (mtime_ns, size)
    return _predicting(model, prediction, Evidence.CHOSEN if chosen else Evidence.PROBE) if same else model


def _predicting(model: ModelFile, prediction: Prediction, evidence: Evidence) -> ModelFile:
    assert model.family is not None
    family = narrowed(ModelFamily.SD2, prediction)
    return replace(
        model,
        family=family,
        what=model.what.replace(model.family.value, family.value),
        prediction=prediction,
        evidence=evidence,
        resolution=trained_side(family),
    )
