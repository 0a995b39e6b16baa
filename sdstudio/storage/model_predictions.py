"""What models predict where no file tells and one call of the UNet did: kept beside their hashes, by time and size."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sdstudio.domain.model_file import Evidence, ModelFile, Prediction
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.recognise.prediction import narrowed
from sdstudio.storage.recognise.stable_diffusion import trained_side

_log = logging.getLogger(__name__)


class ModelPredictions:
    """Usable from any thread: the engine's finds, another looks."""

    def __init__(self, index: ModelIndex) -> None:
        self._index = index

    def keep(self, path: str, prediction: Prediction) -> None:
        """What a call of the model in this file told."""
        try:
            found = Path(path).stat()
        except OSError as error:
            _log.info("“%s” has gone since it was read: %s", path, error)
            return
        self._index.keep_prediction(path, found.st_mtime_ns, found.st_size, prediction.value)

    def complete(self, models: Iterable[ModelFile]) -> Iterator[ModelFile]:
        """The models with what was found since. Only where that is needed is a file asked for its time and size."""
        known = self._index.predictions()
        for model in models:
            wanted = model.path in known and not model.refused and model.evidence is Evidence.NONE
            yield _completed(model, known[model.path]) if wanted else model


def _completed(model: ModelFile, row: tuple[int, int, str]) -> ModelFile:
    mtime_ns, size, value = row
    try:
        found = Path(model.path).stat()
        prediction = Prediction(value)
    except (OSError, ValueError):
        return model  # Gone, or a foreign hand wrote into the index: it stays unknown.
    same = (found.st_mtime_ns, found.st_size) == (mtime_ns, size)
    return _predicting(model, prediction) if same else model


def _predicting(model: ModelFile, prediction: Prediction) -> ModelFile:
    if model.family is None:
        return model
    family = narrowed(model.family, prediction)
    return replace(
        model,
        family=family,
        what=model.what.replace(model.family.value, family.value),
        prediction=prediction,
        evidence=Evidence.PROBE,
        resolution=trained_side(family),
    )
