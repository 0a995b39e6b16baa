"""The settings that a model's card recommends: `sdstudio:` in the YAML front matter of its README.md."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.models import ModelPresets
from sdstudio.domain.request import SamplingSpec
from sdstudio.storage.recognise.small_files import parse_yaml

CARD = "README.md"
_CARD_BYTES_MAX = 2**20
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_EXAMPLES_MAX = 50


def read_card(folder: Path) -> dict[str, Any]:
    """The `sdstudio` table of the card; {} where there is none or it cannot be read (cards are optional)."""
    path = folder / CARD
    try:
        if path.stat().st_size > _CARD_BYTES_MAX:
            return {}
        front = _FRONT.match(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    table = parse_yaml(front[1].encode()).get("sdstudio") if front else None
    return {str(key): value for key, value in table.items()} if isinstance(table, dict) else {}


def card_name(card: dict[str, Any], fallback: str) -> str:
    name = card.get("name")
    return name.strip() if isinstance(name, str) and name.strip() else fallback


def read_presets(card: dict[str, Any], defaults: ModelPresets) -> ModelPresets:
    """The card's values where they are good, the defaults where they are not."""
    presets = defaults
    for key in ("steps", "guidance_scale", "sampler"):
        if key not in card:
            continue
        try:
            checked = getattr(SamplingSpec(**{key: card[key]}), key)
        except (InvalidRequest, TypeError, AttributeError):
            continue
        presets = replace(presets, **{key: checked})
    sizes = tuple(size for size in map(_size, _list(card.get("sizes"))) if size is not None)
    size = _size(card.get("size"))
    if size is not None:
        presets = replace(presets, size=size, sizes=sizes or (size,))
    elif sizes:
        presets = replace(presets, size=sizes[0], sizes=sizes)
    examples = tuple(text for text in _list(card.get("examples")) if isinstance(text, str) and text.strip())
    return replace(presets, examples=examples[:_EXAMPLES_MAX])


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _size(value: object) -> Size | None:
    try:
        size = Size.parse(value) if isinstance(value, str) else None
        if size is not None:
            check_generated_size(size)
    except InvalidRequest:
        return None
    return size
