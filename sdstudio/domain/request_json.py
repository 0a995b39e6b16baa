"""Requests as plain JSON and back: what the journal and the pictures' records hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sdstudio.domain.additions import AddedFile, LoraUse, MixedImage
from sdstudio.domain.edits import ImageInput, InpaintSpec, OutpaintSpec
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.request import (
    GenerationRequest,
    JobRequest,
    ModelSpec,
    PromptSpec,
    RefinerSpec,
    SamplingSpec,
    UpscaleRequest,
)


def request_to_dict(request: JobRequest) -> dict[str, Any]:
    """Plain JSON types; `request_from_dict` turns them back into an equal value."""
    kind = "upscale" if isinstance(request, UpscaleRequest) else "generate"
    return {"kind": kind, **asdict(request)}


def request_from_dict(data: dict[str, Any]) -> JobRequest:
    """Raises InvalidRequest for anything that is not a whole, valid request. Unknown keys are refused."""
    fields = dict(data)
    kind = fields.pop("kind", "generate")
    try:
        if kind == "upscale":
            fields["image"] = ImageInput(**fields["image"])
            return UpscaleRequest(**fields)
        if kind == "generate":
            return GenerationRequest(**{key: _field(key, value) for key, value in fields.items()})
    except (KeyError, TypeError) as error:
        raise InvalidRequest("request", f"The record of this picture is not complete: {error}.") from error
    except ValueError as error:
        raise InvalidRequest("request", f"The record of this picture holds what cannot be: {error}.") from error
    raise InvalidRequest("request", f"“{kind}” is not a kind of job that this version knows.")


def _inpaint_from_dict(data: dict[str, Any]) -> InpaintSpec:
    fields = dict(data)
    fields["mask"] = ImageInput(**fields["mask"])
    if fields.get("frame") is not None:
        fields["frame"] = Rect(**fields["frame"])
    if fields.get("refined") is not None:
        fields["refined"] = Size(**fields["refined"])
    return InpaintSpec(**fields)


def _field(key: str, value: Any) -> Any:
    """One of a GenerationRequest's. Raises KeyError, TypeError or ValueError for what it cannot be."""
    if value is None and key in _MAY_BE_MISSING:
        return None
    match key:
        case "inpaint":
            return _inpaint_from_dict(value)
        case "refiner":
            return RefinerSpec(**value | {"model": ModelSpec(**value["model"])})
        case "loras":
            return tuple(LoraUse(**lora) for lora in value)
        case "embeddings":
            return tuple(AddedFile(**file) for file in value)
        case "mix":
            return tuple(MixedImage(**mixed | {"image": ImageInput(**mixed["image"])}) for mixed in value)
        case _:
            kind = _PLAIN.get(key)
            return value if kind is None else kind(**value)


_MAY_BE_MISSING = frozenset({"image", "inpaint", "outpaint", "vae", "refiner", "noise_level"})
_PLAIN: dict[str, Any] = {
    "prompt": PromptSpec,
    "sampling": SamplingSpec,
    "model": ModelSpec,
    "size": Size,
    "image": ImageInput,
    "outpaint": OutpaintSpec,
    "vae": AddedFile,
}
