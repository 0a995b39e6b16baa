"""What the fields hold, always within the ranges that a request allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sdstudio.app.added_state import ChosenLora, clamped_loras, loras_from, refiner_from, vae_from
from sdstudio.app.mix_state import MixedPicture, clamped_mix, mix_from
from sdstudio.domain.additions import AddedFile
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import snap_side
from sdstudio.domain.request import (
    CLIP_SKIP_MAX,
    COUNT_MAX,
    DEFAULT_IMAGE_GUIDANCE,
    GUIDANCE_MAX,
    NOISE_LEVEL_MAX,
    SEED_COUNT,
    STEPS_MAX,
    ModelSpec,
    RefinerSpec,
)
from sdstudio.domain.samplers import DEFAULT_SAMPLER, require_sampler

WHOLE_RANGES = {
    "steps": (1, STEPS_MAX),
    "seed": (0, SEED_COUNT - 1),
    "count": (1, COUNT_MAX),
    "clip_skip": (1, CLIP_SKIP_MAX),
}
NUMBER_RANGES = {
    "guidance_scale": (0.0, GUIDANCE_MAX),
    "guidance_rescale": (0.0, 1.0),
    "image_guidance_scale": (0.0, GUIDANCE_MAX),
}
SIDES = ("width", "height")
TEXTS = ("positive", "negative")
SWITCHES = ("seed_locked", "quick")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """Always within the ranges that a request allows. `seed` is used when `seed_locked`, else a new one is drawn.
    `noise_level` None: what is usual for the model's family. `vae` and `refiner` None: the model's own, and none.
    `mix`: further pictures that unCLIP models make a variation of. `quick`: with the model's own form for few steps,
    where it has one."""

    positive: str = ""
    negative: str = ""
    model: ModelSpec
    width: int = 512
    height: int = 512
    steps: int = 20
    guidance_scale: float = 7.5
    guidance_rescale: float = 0.0
    sampler: str = DEFAULT_SAMPLER
    seed: int = 0
    seed_locked: bool = False
    count: int = 1
    clip_skip: int = 1
    image_guidance_scale: float = DEFAULT_IMAGE_GUIDANCE
    noise_level: int | None = None
    loras: tuple[ChosenLora, ...] = ()
    vae: AddedFile | None = None
    refiner: RefinerSpec | None = None
    mix: tuple[MixedPicture, ...] = ()
    quick: bool = False


def clamp(name: str, value: Any, state: SessionState) -> Any:
    """The nearest possible value for a field; its present one in `state` for a number that is none (NaN).

    Raises InvalidRequest("sampler") for a sampler that does not exist, TypeError or ValueError for a wrong type.
    """
    if name in SIDES:
        return snap_side(int(value))
    if name in WHOLE_RANGES:
        low, high = WHOLE_RANGES[name]
        return min(max(int(value), low), high)
    if name in NUMBER_RANGES:
        low_number, high_number = NUMBER_RANGES[name]
        number = float(value)
        return getattr(state, name) if math.isnan(number) else min(max(number, low_number), high_number)
    match name:
        case "sampler":
            return require_sampler(str(value)).name
        case "noise_level":
            return None if value is None else min(max(int(value), 0), NOISE_LEVEL_MAX)
        case "loras":
            return clamped_loras(value)
        case "mix":
            return clamped_mix(value)
        case "vae" | "refiner":
            return value
    return bool(value) if name in SWITCHES else str(value)


def state_from_dict(data: object, state: SessionState) -> tuple[ModelSpec | None, dict[str, Any]]:
    """The model and those fields of a stored state that can be used; everything else is left out."""
    if not isinstance(data, dict):
        return None, {}
    values: dict[str, Any] = {}
    for name in (*TEXTS, *SIDES, *WHOLE_RANGES, *NUMBER_RANGES, *SWITCHES, "sampler"):
        if name in data and _fits(name, data[name]):
            try:
                values[name] = clamp(name, data[name], state)
            except InvalidRequest:
                continue  # a sampler of a later version: the present one stays
    level = data.get("noise_level")
    if isinstance(level, int) and not isinstance(level, bool):
        values["noise_level"] = clamp("noise_level", level, state)
    values |= {
        "loras": loras_from(data.get("loras")),
        "vae": vae_from(data.get("vae")),
        "refiner": refiner_from(data.get("refiner")),
        "mix": mix_from(data.get("mix")),
    }
    return _model(data.get("model")), values


def _fits(name: str, value: object) -> bool:
    if name in (*TEXTS, "sampler"):
        return isinstance(value, str)
    if name in SWITCHES:
        return isinstance(value, bool)
    if name == "seed" and isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= 20
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and name in NUMBER_RANGES)


def _model(data: object) -> ModelSpec | None:
    if not isinstance(data, dict):
        return None
    parts = [data.get(name, "") for name in ("name", "path", "hash")]
    if not all(isinstance(part, str) for part in parts):
        return None
    name, path, digest = parts
    return ModelSpec(name=name, path=path, hash=digest)
