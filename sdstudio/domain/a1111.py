"""The text format of the A1111 web UI: prompt, “Negative prompt: …”, and a last line of “Key: value” pairs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sdstudio.domain.added_texts import read_added
from sdstudio.domain.sampler_names import our_sampler

NEGATIVE = "Negative prompt:"
PAIRS_MIN = 3
"""A last line with fewer pairs is taken for a part of the prompt, as A1111 does."""

PAIRS_MAX = 1000
LINE_MAX = 200_000
# A key begins a word and has at most 60 signs, or a long line of letters would be searched from each of them.
_PAIR = re.compile(r'(?<!\w)(\w[\w \-/]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')


@dataclass(frozen=True, slots=True)
class A1111Text:
    """The three parts; `pairs` in their order, keys may repeat."""

    prompt: str
    negative: str
    pairs: tuple[tuple[str, str], ...] = ()

    def format(self) -> str:
        lines = [self.prompt.replace("\0", "")]
        if self.negative:
            lines.append(f"{NEGATIVE} {self.negative}".replace("\0", ""))
        lines.append(format_pairs(self.pairs))
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> A1111Text:
        """Reads any text; what has no settings line is all prompt."""
        lines = text.strip().replace("\r\n", "\n").split("\n")
        pairs = _parse_pairs(lines[-1])
        if len(pairs) >= PAIRS_MIN:
            lines.pop()
        else:
            pairs = ()
        prompt: list[str] = []
        negative: list[str] = []
        current = prompt
        for line in lines:
            if line.lstrip().startswith(NEGATIVE):
                current = negative
                line = line.lstrip()[len(NEGATIVE) :].lstrip()
            current.append(line)
        return cls("\n".join(prompt).strip(), "\n".join(negative).strip(), pairs)


def format_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs)


def _quoted(value: str) -> str:
    """JSON quotes where a value would break the line apart."""
    risky = any(mark in value for mark in ',:\n\r\0"') or value != value.strip()
    return json.dumps(value, ensure_ascii=False) if risky else value


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value  # Quotes of the writer's own kind: kept as found.
    return value.strip()


def _parse_pairs(line: str) -> tuple[tuple[str, str], ...]:
    if len(line) > LINE_MAX:
        return ()
    found = itertools.islice(_PAIR.finditer(line), PAIRS_MAX)
    return tuple((match[1].strip(), _unquoted(match[2])) for match in found)


_SIZE = re.compile(r"\s*(\d{1,6})\s*x\s*(\d{1,6})\s*")
_HIRES_KEYS = ("Hires upscale", "Hires resize", "Hires steps", "Hires upscaler")


def read_parameters(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(request under the contract's names, what else is there) from an A1111 text."""
    parts = A1111Text.parse(text)
    rest: dict[str, Any] = {}
    for key, value in parts.pairs:
        rest[key] = [*_as_list(rest[key]), value] if key in rest else value
    request: dict[str, Any] = {"prompt": parts.prompt}
    if parts.negative or any(line.lstrip().startswith(NEGATIVE) for line in text.split("\n")):
        request["negative_prompt"] = parts.negative
    _take(rest, "Steps", request, "steps", whole_number)
    _take(rest, "CFG scale", request, "guidance_scale", real_number)
    _take(rest, "Seed", request, "seed", whole_number)
    _take(rest, "Clip skip", request, "clip_skip", whole_number)
    _take(rest, "Model", request, "model", str)
    _take(rest, "Model hash", request, "model_hash", str)
    if not any(key in rest for key in _HIRES_KEYS):
        # With a second pass this is that pass's strength, not one of a picture that it began with.
        _take(rest, "Denoising strength", request, "strength", real_number)
    _take_size(rest, request)
    _take_sampler(rest, request)
    request |= read_added(parts.prompt, rest)
    return request, rest


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _take(rest: dict[str, Any], key: str, request: dict[str, Any], name: str, convert: Callable[[str], object]) -> None:
    """Moves a value over if it is there and can be read; leaves it where it is otherwise."""
    value = rest.get(key)
    if isinstance(value, str):
        converted = convert(value)
        if converted is not None:
            request[name] = converted
            del rest[key]


def _take_size(rest: dict[str, Any], request: dict[str, Any]) -> None:
    size = rest.get("Size")
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if match is not None:
        request["width"], request["height"] = int(match[1]), int(match[2])
        del rest["Size"]


def _take_sampler(rest: dict[str, Any], request: dict[str, Any]) -> None:
    sampler, schedule = rest.get("Sampler"), rest.get("Schedule type", "")
    if isinstance(sampler, str) and isinstance(schedule, str):
        request["sampler"] = our_sampler(sampler, schedule)
        rest.pop("Sampler")
        rest.pop("Schedule type", None)


def whole_number(value: object) -> int | None:
    """An int from an int, a whole float or their text; None for anything else (bool, NaN, words, absurd lengths)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    number = real_number(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,40}\s*", value):
        return int(value)
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**63 else None


def real_number(value: object) -> float | None:
    """A finite float from a number or its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number - number == 0 else None
