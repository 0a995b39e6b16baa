"""The LoRAs, the VAE and the refiner that a person chose, as values that are kept for the next start."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from sdstudio.domain.additions import LORA_WEIGHT_MAX, AddedFile, LoraUse
from sdstudio.domain.request import ModelSpec, RefinerSpec

CHOSEN_MAX = 100
"""More in a stored state are a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLora:
    """A row of the panel; `on`: whether it acts. `text_weight` None: as `weight`."""

    name: str
    path: str
    hash: str = ""
    weight: float = 1.0
    text_weight: float | None = None
    on: bool = True

    @property
    def key(self) -> str:
        """What it is found again by in a list: its file, or its name while that is not here."""
        return self.path or self.name.casefold()

    def weighing(self, weight: float) -> ChosenLora:
        """Another weight; one of its own for the text encoder goes along, as far as it can."""
        weight = _clamped(weight, self.weight)
        text = None if self.text_weight is None else _clamped(self.text_weight + weight - self.weight, weight)
        return replace(self, weight=weight, text_weight=text)

    @classmethod
    def of(cls, lora: LoraUse) -> ChosenLora:
        return cls(
            name=lora.name, path=lora.path, hash=lora.hash, weight=lora.weight, text_weight=lora.text_weight
        )  # fmt: skip


def clamped_loras(loras: Any) -> tuple[ChosenLora, ...]:
    """Each once, with weights that can be. Raises TypeError for what are no ChosenLoras."""
    found: dict[str, ChosenLora] = {}
    for lora in loras:
        if not isinstance(lora, ChosenLora):
            raise TypeError(f"{lora!r} is no ChosenLora")
        found.setdefault(lora.key, lora.weighing(lora.weight))
    return tuple(found.values())


def loras_from(data: object) -> tuple[ChosenLora, ...]:
    """Those of a stored state that can be used."""
    rows = data[:CHOSEN_MAX] if isinstance(data, list) else []
    loras = (_lora(row) for row in rows)
    return clamped_loras(lora for lora in loras if lora is not None)


def vae_from(data: object) -> AddedFile | None:
    texts = _texts(data)
    return AddedFile(**texts) if texts is not None else None


def refiner_from(data: object) -> RefinerSpec | None:
    if not isinstance(data, dict):
        return None
    texts, begin = _texts(data.get("model")), data.get("begin")
    if texts is None or not _is_number(begin):
        return None
    family = data["model"].get("family")
    model = ModelSpec(
        name=texts["name"],
        path=texts["path"],
        hash=texts["hash"],
        family=family if isinstance(family, str) else "",
    )
    return RefinerSpec(model=model, begin=min(max(float(begin), 0.0), 1.0))  # type: ignore[arg-type]


def _lora(row: object) -> ChosenLora | None:
    texts = _texts(row)
    if texts is None or not isinstance(row, dict):
        return None
    weight, text, on = row.get("weight"), row.get("text_weight"), row.get("on")
    return ChosenLora(
        **texts,
        weight=_weight(weight, 1.0),
        text_weight=_weight(text, 1.0) if _is_number(text) else None,
        on=on if isinstance(on, bool) else True,
    )


def _texts(row: object) -> dict[str, str] | None:
    """Name, path and hash; None where there is no name."""
    if not isinstance(row, dict):
        return None
    found = {name: row.get(name, "") for name in ("name", "path", "hash")}
    return found if found["name"] and all(isinstance(value, str) for value in found.values()) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _weight(value: Any, default: float) -> float:
    return _clamped(float(value), default) if _is_number(value) else default


def _clamped(weight: float, default: float) -> float:
    if math.isnan(weight):
        return default
    return round(min(max(float(weight), -LORA_WEIGHT_MAX), LORA_WEIGHT_MAX), 4)
