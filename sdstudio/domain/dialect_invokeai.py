"""InvokeAI's three ways of writing: `invokeai_metadata`, and before it `sd-metadata` and `Dream`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sdstudio.domain.a1111 import real_number, whole_number
from sdstudio.domain.loose_json import loads_object, section, take, take_sampler, text_of

Read = tuple[dict[str, Any], dict[str, Any]]


def read_invokeai(texts: Mapping[str, str]) -> Read | None:
    """(request under the contract's names, what else) or None where InvokeAI did not write."""
    for key, read in (("invokeai_metadata", _metadata), ("sd-metadata", _old_metadata)):
        data = loads_object(texts.get(key))
        if data is not None:
            return read(data)
    return _dream(texts["Dream"]) if "Dream" in texts else None


def _metadata(data: dict[str, Any]) -> Read:
    rest = dict(data)
    request: dict[str, Any] = {}
    take(rest, request, "positive_prompt", "prompt", text_of)
    take(rest, request, "negative_prompt", "negative_prompt", text_of)
    take(rest, request, "cfg_rescale_multiplier", "guidance_rescale", real_number)
    take(rest, request, "strength", "strength", real_number)
    _take_common(rest, request)
    take_sampler(rest, request, "scheduler", "")
    clip_skip = whole_number(rest.get("clip_skip"))
    if clip_skip is not None:
        request["clip_skip"] = rest.pop("clip_skip") + 1  # InvokeAI counts the layers left out.
    model = rest.get("model")
    if isinstance(model, dict):
        name, digest = text_of(model.get("name", model.get("model_name"))), text_of(model.get("hash"))
        request |= {key: value for key, value in (("model", name), ("model_hash", digest)) if value}
        del rest["model"]
    return request, rest


def _take_common(rest: dict[str, Any], request: dict[str, Any]) -> None:
    take(rest, request, "steps", "steps", whole_number)
    take(rest, request, "cfg_scale", "guidance_scale", real_number)
    take(rest, request, "seed", "seed", whole_number)
    take(rest, request, "width", "width", whole_number)
    take(rest, request, "height", "height", whole_number)


def _old_metadata(data: dict[str, Any]) -> Read:
    rest = dict(data)
    image = dict(section(rest.pop("image", None)))
    request: dict[str, Any] = {}
    prompt = _old_prompt(image.pop("prompt", None))
    if prompt is not None:
        request["prompt"], negative = _split_negative(prompt)
        if negative:
            request["negative_prompt"] = negative
    _take_common(image, request)
    take(image, request, "strength", "strength", real_number)
    take_sampler(image, request, "sampler", "")
    take(rest, request, "model_weights", "model", text_of)
    take(rest, request, "model_hash", "model_hash", text_of)
    return request, rest | image


def _old_prompt(value: object) -> str | None:
    """A text, or a list of weighted ones."""
    if isinstance(value, list):
        parts = [text_of(section(part).get("prompt")) for part in value]
        return " ".join(part for part in parts if part)
    return text_of(value)


def _split_negative(prompt: str) -> tuple[str, str]:
    """In the old way, what stands in square brackets is the negative prompt."""
    negative = " ".join(part.strip() for part in re.findall(r"\[([^\[\]]*)\]", prompt))
    return re.sub(r"\s*\[[^\[\]]*\]", "", prompt).strip(), negative


_DREAM = re.compile(r'\s*"((?:\\.|[^"\\])*)"(.*)', re.DOTALL)
_SWITCH = re.compile(r"(?:^|\s)-([A-Za-z])\s*([^\s-]\S*)")
_SWITCHES = {"s": "steps", "S": "seed", "W": "width", "H": "height"}


def _dream(text: str) -> Read:
    """`"a fox" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`"""
    match = _DREAM.match(text)
    if match is None:
        return {}, {"Dream": text[:2000]}
    rest: dict[str, Any] = dict(_SWITCH.findall(match[2]))
    prompt, negative = _split_negative(match[1].replace('\\"', '"'))
    request: dict[str, Any] = {"prompt": prompt}
    if negative:
        request["negative_prompt"] = negative
    for switch, name in _SWITCHES.items():
        take(rest, request, switch, name, whole_number)
    take(rest, request, "C", "guidance_scale", real_number)
    take(rest, request, "f", "strength", real_number)
    take_sampler(rest, request, "A", "")
    return request, rest
