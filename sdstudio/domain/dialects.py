"""Which program wrote a picture's texts, and what they say under the contract's names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sdstudio.domain.a1111 import PAIRS_MIN, A1111Text, read_parameters, real_number, whole_number
from sdstudio.domain.dialect_comfyui import read_comfyui
from sdstudio.domain.dialect_invokeai import read_invokeai
from sdstudio.domain.loose_json import loads_object, take, take_sampler, text_of
from sdstudio.domain.metadata import PARAMETERS_KEY, PictureMetadata, read_record

Texts = Mapping[str, str]
_XMP_KEY = "XML:com.adobe.xmp"
_TRAINED = "trainedalgorithmicmedia"
_SHOWN_MAX = 2000
"""Characters of a text of no known dialect that are handed on."""


def read_metadata(texts: Texts) -> PictureMetadata:
    """Understands the texts of one file; never raises. Our own record wins over everything else.

    `dialect` is None and `request` empty where no program is recognised.
    """
    for read in _READERS:
        found = read(texts)
        if found is not None:
            return found
    unknown = {key: text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…" for key, text in texts.items()}
    return PictureMetadata(dialect=None, unknown=unknown)


def _parameters(texts: Texts) -> str | None:
    for key in (PARAMETERS_KEY, "UserComment", "comment", "ImageDescription"):
        text = texts.get(key)
        if text and not text.startswith(("prompt:{", "workflow:{")):
            return text
    return None


def _read_fooocus(texts: Texts) -> PictureMetadata | None:
    scheme = (texts.get("fooocus_scheme") or texts.get("MakerNote") or "").strip().casefold()
    data = loads_object(_parameters(texts)) or loads_object(texts.get("Comment"))
    if data is not None and (scheme == "fooocus" or _fooocus_json(data)):
        request, unknown = _fooocus_request(data)
        return PictureMetadata(dialect="fooocus", request=request, unknown=unknown)
    parameters = _parameters(texts)
    if parameters is None or data is not None:
        return None
    version = dict(A1111Text.parse(parameters).pairs).get("Version", "")
    if scheme in ("fooocus", "a1111") or version.casefold().startswith("fooocus"):
        request, unknown = read_parameters(parameters)
        return PictureMetadata(dialect="fooocus", request=request, unknown=unknown)
    return None


def _fooocus_json(data: dict[str, Any]) -> bool:
    version = text_of(data.get("version")) or ""
    return data.get("metadata_scheme") == "fooocus" or "fooocus" in version.casefold() or "base_model" in data


def _fooocus_request(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    rest = dict(data)
    request: dict[str, Any] = {}
    take(rest, request, "prompt", "prompt", text_of)
    take(rest, request, "negative_prompt", "negative_prompt", text_of)
    take(rest, request, "steps", "steps", whole_number)
    take(rest, request, "guidance_scale", "guidance_scale", real_number)
    take(rest, request, "seed", "seed", whole_number)
    take(rest, request, "base_model", "model", text_of)
    take(rest, request, "base_model_hash", "model_hash", text_of)
    take(rest, request, "clip_skip", "clip_skip", whole_number)
    size = _pair(rest.get("resolution"))
    if size is not None:
        request["width"], request["height"] = size
        del rest["resolution"]
    take_sampler(rest, request, "sampler", "scheduler")
    return request, rest


_PAIR_TEXT = re.compile(r"\s*[(\[]?\s*(\d{1,6})\s*[,x×]\s*(\d{1,6})\s*[)\]]?\s*")


def _pair(value: object) -> tuple[int, int] | None:
    """`(1152, 896)` as text, or two numbers."""
    match = _PAIR_TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return int(match[1]), int(match[2])
    if isinstance(value, list) and len(value) == 2:
        width, height = whole_number(value[0]), whole_number(value[1])
        if width and height:
            return width, height
    return None


def _read_novelai(texts: Texts) -> PictureMetadata | None:
    """Comment = JSON; in WebP the whole set of texts is one JSON in the EXIF comment."""
    wrapped = loads_object(texts.get("UserComment"))
    if wrapped is not None and "Comment" in wrapped:
        texts = {key: value for key, value in wrapped.items() if isinstance(value, str)}
    data = loads_object(texts.get("Comment"))
    if data is None or not (texts.get("Software", "").startswith("NovelAI") or "uc" in data):
        return None
    rest = dict(data)
    request: dict[str, Any] = {}
    take(rest, request, "prompt", "prompt", text_of)
    if "prompt" not in request and texts.get("Description"):
        request["prompt"] = texts["Description"]
    take(rest, request, "uc", "negative_prompt", text_of)
    take(rest, request, "steps", "steps", whole_number)
    take(rest, request, "scale", "guidance_scale", real_number)
    take(rest, request, "cfg_rescale", "guidance_rescale", real_number)
    take(rest, request, "seed", "seed", whole_number)
    take(rest, request, "width", "width", whole_number)
    take(rest, request, "height", "height", whole_number)
    take(rest, request, "strength", "strength", real_number)
    take_sampler(rest, request, "sampler", "noise_schedule")
    if texts.get("Source"):
        request["model"] = texts["Source"]
    return PictureMetadata(dialect="novelai", request=request, unknown=rest)


def _read_a1111(texts: Texts) -> PictureMetadata | None:
    """A1111's own text and that of all who write the same; Krita's is known by its marks."""
    parameters = _parameters(texts)
    if parameters is None:
        return None
    pairs = A1111Text.parse(parameters).pairs
    if len(pairs) < PAIRS_MIN and PARAMETERS_KEY not in texts:
        return None  # An EXIF comment of some other origin.
    if loads_object(parameters) is not None:
        return None
    request, unknown = read_parameters(parameters)
    keys = dict(pairs)
    krita = keys.get("Model hash") == "unknown" or (_TRAINED in _xmp(texts) and "Version" not in keys)
    if krita and request.get("model_hash") == "unknown":
        del request["model_hash"]
    return PictureMetadata(dialect="krita" if krita else "a1111", request=request, unknown=unknown)


def _xmp(texts: Texts) -> str:
    return texts.get(_XMP_KEY, "").casefold()


def _read_comfyui(texts: Texts) -> PictureMetadata | None:
    found = read_comfyui(texts)
    return None if found is None else PictureMetadata(dialect="comfyui", request=found[0], unknown=found[1])


def _read_invokeai(texts: Texts) -> PictureMetadata | None:
    found = read_invokeai(texts)
    return None if found is None else PictureMetadata(dialect="invokeai", request=found[0], unknown=found[1])


_READERS: tuple[Callable[[Texts], PictureMetadata | None], ...] = (
    read_record,
    _read_invokeai,
    _read_fooocus,
    _read_novelai,
    _read_a1111,
    _read_comfyui,
)
"""In this order. ComfyUI comes last because some of its pictures carry an A1111 text too, which says more."""
