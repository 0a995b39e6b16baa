"""The request that a picture file's texts stand for, as far as they go."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from sdstudio.domain.added_find import plain_name
from sdstudio.domain.added_texts import loras_of
from sdstudio.domain.additions import AddedFile
from sdstudio.domain.geometry import Size, snap_side
from sdstudio.domain.metadata import PictureMetadata
from sdstudio.domain.request import (
    CLIP_SKIP_MAX,
    GUIDANCE_MAX,
    SEED_COUNT,
    STEPS_MAX,
    GenerationRequest,
    ModelSpec,
)
from sdstudio.domain.samplers import find_sampler


def restored_request(metadata: PictureMetadata, base: GenerationRequest) -> GenerationRequest | None:
    """Our own record as it is. Of other programs' texts what they give, within our ranges; the rest from `base`.

    None where there is nothing to restore: no text that is understood, or a picture that was only enlarged.
    """
    if metadata.record is not None:
        request = metadata.record.request
        return request if isinstance(request, GenerationRequest) else None
    found = metadata.request
    if not found or not found.keys() & _TELLING:
        return None
    prompt = replace(
        base.prompt,
        positive=_text(found, "prompt", ""),
        negative=_text(found, "negative_prompt", ""),
        clip_skip=_whole(found, "clip_skip", 1, CLIP_SKIP_MAX, 1),
    )
    sampling = replace(
        base.sampling,
        steps=_whole(found, "steps", 1, STEPS_MAX, base.sampling.steps),
        guidance_scale=_number(found, "guidance_scale", GUIDANCE_MAX, base.sampling.guidance_scale),
        guidance_rescale=_number(found, "guidance_rescale", 1.0, 0.0),
        sampler=_sampler(found, base.sampling.sampler),
        seed=_whole(found, "seed", 0, SEED_COUNT - 1, base.sampling.seed),
        count=1,
    )
    size = Size(_side(found, "width", base.size.width), _side(found, "height", base.size.height))
    return replace(
        base,
        prompt=prompt,
        sampling=sampling,
        size=size,
        model=_model(found, base.model),
        loras=loras_of(metadata.request.get("loras")),
        vae=_vae(found),
    )


_TELLING = {"prompt", "steps", "seed", "sampler", "guidance_scale"}
"""Names of which at least one must be there: a size or a model alone is no request."""


def _vae(found: dict[str, Any]) -> AddedFile | None:
    name = _text(found, "vae", "")
    return AddedFile(name=plain_name(name), path="", hash=_text(found, "vae_hash", "")) if name else None


def _text(found: dict[str, Any], name: str, default: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else default


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(found: dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = found.get(name)
    return min(max(int(value), low), high) if value is not None and _is_number(value) else default


def _number(found: dict[str, Any], name: str, high: float, default: float) -> float:
    value = found.get(name)
    return min(max(float(value), 0.0), high) if value is not None and _is_number(value) else default


def _side(found: dict[str, Any], name: str, default: int) -> int:
    value = found.get(name)
    return snap_side(int(value)) if value is not None and _is_number(value) else default


def _sampler(found: dict[str, Any], default: str) -> str:
    info = find_sampler(_text(found, "sampler", ""))
    return default if info is None else info.name


def _model(found: dict[str, Any], default: ModelSpec) -> ModelSpec:
    name, digest = _text(found, "model", ""), _text(found, "model_hash", "")
    return ModelSpec(name=name or digest, path="", hash=digest) if name or digest else default
