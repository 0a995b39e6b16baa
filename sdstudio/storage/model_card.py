"""The settings that a model's card recommends: `sdstudio:` in the YAML front matter of its README.md."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.models import ModelPresets, QuickPreset
from sdstudio.domain.request import SamplingSpec
from sdstudio.storage.recognise.small_files import parse_yaml

CARD = "README.md"
_CARD_BYTES_MAX = 2**20
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_EXAMPLES_MAX = 50
_SAMPLING = ("steps", "guidance_scale", "sampler")
_LORA = re.compile(r"[\w-][\w .-]*\.safetensors")


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
    presets = replace(defaults, **_sampling(card))
    sizes = tuple(size for size in map(_size, _list(card.get("sizes"))) if size is not None)
    size = _size(card.get("size"))
    if size is not None:
        presets = replace(presets, size=size, sizes=sizes or (size,))
    elif sizes:
        presets = replace(presets, size=sizes[0], sizes=sizes)
    examples = tuple(text for text in _list(card.get("examples")) if isinstance(text, str) and text.strip())
    return replace(presets, examples=examples[:_EXAMPLES_MAX])


def read_quick(card: dict[str, Any], folder: Path) -> QuickPreset | None:
    """The card's `quick` table: steps, guidance_scale, sampler, and `lora`, a file beside the card; the LoRA's hash is
    not known yet. None where one of them is missing or cannot be."""
    table = card.get("quick")
    if not isinstance(table, dict):
        return None
    found, name = _sampling(table), table.get("lora")
    # A card may come from anywhere: it names a file of its own folder, and no other.
    if len(found) < len(_SAMPLING) or not isinstance(name, str) or not _LORA.fullmatch(name):
        return None
    path = folder / name
    return QuickPreset(**found, lora=LoraUse(name=path.stem, path=str(path))) if path.is_file() else None


def _sampling(table: dict[str, Any]) -> dict[str, Any]:
    """Those of the three settings that are good."""
    found: dict[str, Any] = {}
    for key in _SAMPLING:
        if key not in table:
            continue
        try:
            found[key] = getattr(SamplingSpec(**{key: table[key]}), key)
        except (InvalidRequest, TypeError, AttributeError):
            continue
    return found


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
