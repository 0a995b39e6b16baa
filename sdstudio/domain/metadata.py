"""What a picture file says of how it was made: our own record, and the A1111 text that other programs read."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdstudio.domain.a1111 import A1111Text, format_pairs
from sdstudio.domain.added_texts import added_pairs, added_summary, prompt_with_loras
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request import GenerationRequest, JobRequest
from sdstudio.domain.request_json import request_from_dict, request_to_dict

PARAMETERS_KEY = "parameters"
RECORD_KEY = "sdstudio"
RECORD_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """Everything needed to make a picture again. `seconds` = conditioning to decoded; `parent` = where it came from;
    `mask` = that of an inpainting as a grey PNG, b"" where there is none or it is too large to go along."""

    request: JobRequest
    seconds: float
    app_version: str
    device: str = ""
    threads: int = 0
    parent: str = ""
    mask: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetadata:
    """What was understood of a file's texts. `request` has the names of the contract, only those that the file gives;
    `record` is our own record where the file has a good one."""

    dialect: str | None
    request: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    record: PictureRecord | None = None


def record_to_text(record: PictureRecord) -> str:
    """JSON for the text chunk `sdstudio`; `record_from_text` gives an equal record."""
    data = {
        "schema": RECORD_SCHEMA,
        "app": "SD Studio",
        "version": record.app_version,
        "request": without_path(request_to_dict(record.request)),
        "seconds": record.seconds,
        "device": record.device,
        "threads": record.threads,
        "parent": record.parent,
    }
    if record.mask:
        data["mask"] = base64.b64encode(record.mask).decode("ascii")
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone half of a surrogate pair, from a broken paste: only an escape can carry it.
        return json.dumps(data, ensure_ascii=True, allow_nan=False)
    return text


def without_path(request: dict[str, Any]) -> dict[str, Any]:
    """A shared picture must not tell where on its maker's disk models and what is added to them lie; names and hashes
    find them again."""
    return {key: _without_path(key, value) for key, value in request.items()}


def _without_path(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return without_path(value)
    if isinstance(value, list | tuple):
        return [_without_path("", one) for one in value]
    return "" if key == "path" else value


def record_from_text(text: str) -> PictureRecord:
    """Raises InvalidRequest for anything that is not a whole, valid record."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("record", f"The record of this picture is damaged: {error}.") from error
    if not isinstance(data, dict) or not isinstance(data.get("request"), dict):
        raise InvalidRequest("record", "The record of this picture is not complete.")
    if data.get("schema") != RECORD_SCHEMA:
        raise InvalidRequest("record", f"The record of this picture is of a later kind ({data.get('schema')}).")
    return PictureRecord(
        request=request_from_dict(data["request"]),
        seconds=_seconds(data.get("seconds")),
        app_version=_text(data.get("version")),
        device=_text(data.get("device")),
        threads=_count(data.get("threads")),
        parent=_text(data.get("parent")),
        mask=_bytes(data.get("mask")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    seconds = float(value)
    return seconds if math.isfinite(seconds) and seconds >= 0 else 0.0


def write_parameters(record: PictureRecord) -> str:
    """The text that A1111, its heirs and the picture sites read."""
    version = ("Version", f"SD Studio {record.app_version}")
    request = record.request
    if not isinstance(request, GenerationRequest):
        source = ("Source", request.source_name)
        return format_pairs([("Postprocess upscale by", str(request.scale)), source, version])
    pairs = [
        ("Steps", str(request.sampling.steps)),
        ("Sampler", request.sampling.sampler),
        ("CFG scale", f"{request.sampling.guidance_scale:g}"),
        ("Seed", str(request.sampling.seed)),
        ("Size", str(request.size)),
    ]
    if request.model.hash:
        pairs.append(("Model hash", request.model.hash))
    pairs.append(("Model", request.model.name))
    if request.prompt.clip_skip > 1:
        pairs.append(("Clip skip", str(request.prompt.clip_skip)))
    if request.sampling.guidance_rescale:
        pairs.append(("Guidance rescale", f"{request.sampling.guidance_rescale:g}"))
    if request.image is not None:
        pairs.append(("Denoising strength", f"{request.strength:g}"))
    pairs += [*added_pairs(request), version]
    return A1111Text(prompt_with_loras(request), request.prompt.negative, tuple(pairs)).format()


def request_summary(request: JobRequest) -> dict[str, Any]:
    """A request of ours under the contract's flat names."""
    if not isinstance(request, GenerationRequest):
        return {
            "task": request.task,
            "scale": request.scale,
            "image": request.image.sha256,
            "width": request.image.width * request.scale,
            "height": request.image.height * request.scale,
        }
    sampling, model = request.sampling, request.model
    start = {} if request.image is None else {"image": request.image.sha256, "strength": request.strength}
    return {
        "task": request.task,
        "prompt": request.prompt.positive,
        "negative_prompt": request.prompt.negative,
        "steps": sampling.steps,
        "guidance_scale": sampling.guidance_scale,
        "guidance_rescale": sampling.guidance_rescale,
        "sampler": sampling.sampler,
        "seed": sampling.seed,
        "width": request.size.width,
        "height": request.size.height,
        "model": model.name,
        "model_hash": model.hash,
        "clip_skip": request.prompt.clip_skip,
        **start,
        **added_summary(request),
    }


def read_record(texts: Mapping[str, str]) -> PictureMetadata | None:
    """Our own record, if these texts hold a good one."""
    if RECORD_KEY not in texts:
        return None
    try:
        record = record_from_text(texts[RECORD_KEY])
    except InvalidRequest:
        return None  # Damaged or of a later version: the A1111 text beside it still says the most of it.
    extra = {"seconds": record.seconds, "version": record.app_version, "device": record.device}
    extra |= {"threads": record.threads, "parent": record.parent}
    unknown = {name: value for name, value in extra.items() if value}
    return PictureMetadata(dialect="sdstudio", request=request_summary(record.request), unknown=unknown, record=record)
