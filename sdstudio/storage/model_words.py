"""The table of words beside a small model: `words.json`, for completion, suggestions and kind notices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdstudio.domain.words import ModelNoun, ModelWords

WORDS = "words.json"
SCHEMA = 1
_BYTES_MAX = 4 * 2**20


def read_words(folder: Path) -> ModelWords | None:
    """None where there is no table, or none that can be read: a model is as good without."""
    path = folder / WORDS
    try:
        if path.stat().st_size > _BYTES_MAX:
            return None
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        return None
    nouns = tuple(noun for noun in map(_noun, _list(table.get("nouns"))) if noun is not None)
    if not nouns:
        return None
    kinds = ("colours", "grounds", "scenes", "styles", "other")
    return ModelWords(nouns=nouns, **{kind: _texts(table.get(kind)) for kind in kinds})


def _noun(value: object) -> ModelNoun | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
        return None
    return ModelNoun(
        name=value["name"],
        asked=_text(value.get("asked")),
        plural=_text(value.get("plural")),
        synonyms=_texts(value.get("synonyms")),
        category=_text(value.get("category")),
        colours=value.get("colours") is True,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in _list(value) if isinstance(text, str) and text.strip())


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
