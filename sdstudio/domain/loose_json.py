"""JSON as other programs write it: bare NaN, absurd depth, anything where an object was expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sdstudio.domain.sampler_names import our_sampler


def loads_object(text: str | None) -> dict[str, Any] | None:
    """The object in `text`, NaN and infinities as None; None for anything that is not a JSON object."""
    if text is None or not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _finite(text: str) -> float | None:
    """`1e400` is valid JSON, but infinite in Python and then not valid JSON any more."""
    value = float(text)
    return value if value - value == 0 else None


def section(value: object) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def take(
    rest: dict[str, Any], request: dict[str, Any], key: str, name: str, convert: Callable[[object], object | None]
) -> None:
    """Moves a value over under its new name if it is there and of the right kind; leaves it where it is otherwise."""
    if key in rest:
        converted = convert(rest[key])
        if converted is not None:
            request[name] = converted
            del rest[key]


def take_sampler(rest: dict[str, Any], request: dict[str, Any], key: str, schedule_key: str) -> None:
    sampler, schedule = text_of(rest.get(key)), text_of(rest.get(schedule_key)) or ""
    if sampler:
        request["sampler"] = our_sampler(sampler, schedule)
        rest.pop(key)
        rest.pop(schedule_key, None)
