"""The files that people and other programs keep beside a model: picture, notes, and how it predicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdstudio.domain.model_file import Prediction, SideCar
from sdstudio.storage.recognise.prediction import WORDS
from sdstudio.storage.recognise.small_files import read_json, read_yaml

_PICTURES = (
    *(f".preview{suffix}" for suffix in (".png", ".jpg", ".jpeg", ".webp")),
    *(".png", ".jpg", ".jpeg", ".webp"),
)
_YAMLS = (".yaml", ".yml")
_CIVITAI, _JSON = ".civitai.info", ".json"
SUFFIXES = (*_PICTURES, *_YAMLS, _CIVITAI, _JSON)
"""What is added to a model's name without its own suffix."""
_NOTES_MAX, _WORDS_MAX, _WORD_MAX = 2000, 50, 200
_TAG = re.compile(r"<[^>]{0,500}>")


def companions(path: Path) -> Iterator[Path]:
    """Where side-car files of a model could be."""
    return (path.with_name(path.stem + suffix) for suffix in SUFFIXES)


def read_side_car(path: Path) -> SideCar:
    civitai, own = read_json(path.with_name(path.stem + _CIVITAI)), read_json(path.with_name(path.stem + _JSON))
    model = civitai.get("model")
    trained = civitai.get("trainedWords")
    words = trained if isinstance(trained, list) else [own.get("activation text")]
    return SideCar(
        thumbnail=_thumbnail(path),
        title=_text(model.get("name") if isinstance(model, dict) else None) or _text(own.get("title")),
        base=_text(civitai.get("baseModel")) or _text(own.get("sd version")),
        words=tuple(filter(None, (_text(word, _WORD_MAX) for word in words[:_WORDS_MAX]))),
        notes=_text(own.get("notes")) or _text(own.get("description")) or _text(civitai.get("description")),
    )


def _thumbnail(path: Path) -> str:
    found = (path.with_name(path.stem + suffix) for suffix in _PICTURES)
    return next((str(picture) for picture in found if picture.is_file()), "")


def _text(value: object, limit: int = _NOTES_MAX) -> str:
    """Descriptions come as HTML."""
    return " ".join(_TAG.sub(" ", value[: 4 * limit]).split())[:limit] if isinstance(value, str) else ""


def side_car_prediction(path: Path) -> Prediction | None:
    """What `parameterization` of the yaml beside a checkpoint says; None where there is no such file.

    The original training programs leave the key out for epsilon, so that a yaml of a model without it means epsilon.
    """
    for suffix in _YAMLS:
        beside = path.with_name(path.stem + suffix)
        if beside.is_file():
            return _parameterization(read_yaml(beside))
    return None


def _parameterization(data: dict[str, Any]) -> Prediction | None:
    model = data.get("model")
    params = model.get("params") if isinstance(model, dict) else None
    if not isinstance(params, dict):
        return None
    if "denoiser_config" in params:  # SDXL's training program
        text = str(params["denoiser_config"])[:_NOTES_MAX]
        return Prediction.V if "VScaling" in text else Prediction.EPSILON if "EpsScaling" in text else None
    value = params.get("parameterization", "eps")
    return WORDS.get(value.lower()) if isinstance(value, str) else None
