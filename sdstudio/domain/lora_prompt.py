"""LoRAs named in a prompt: `<lora:name:0.8>`, found, written, and taken out of the words that are encoded.

As in A1111: `<lora:name>` = weight 1; `<lora:name:0.8>` = 0.8 in all parts; of two weights the first is the text
encoder's and the second the UNet's; the parts can be named in any order: `<lora:name:unet=0.8:te=0.5>`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sdstudio.domain.additions import LORA_WEIGHT_MAX

_TAG = re.compile(r"<\s*(?:lora|lyco)\s*:\s*([^<>:]+?)\s*((?::[^<>:]*)*)>", re.I)
"""A1111 takes “lyco” for the same."""
_PARTS = ("te", "unet")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraTag:
    """One tag as it stands at text[start:end]. `text_weight` None: as `weight`. `problem`: why its weights cannot be,
    in words; they are 1 then."""

    name: str
    weight: float = 1.0
    text_weight: float | None = None
    start: int = 0
    end: int = 0
    problem: str = ""


def lora_tags(text: str) -> tuple[LoraTag, ...]:
    """In their order. Never raises."""
    return tuple(_tag(match) for match in _TAG.finditer(text))


def without_tags(text: str) -> str:
    """What is encoded."""
    return _TAG.sub("", text)


def blanked(text: str) -> str:
    """Of the same length, with blanks where the tags are: all other positions stay."""
    return _TAG.sub(lambda match: " " * len(match[0]), text)


def tag_name(name: str) -> str:
    """Without the signs that a name cannot have in a prompt."""
    return re.sub(r"[<>:\n]", "", name).strip()


def tag_text(name: str, weight: float = 1.0, text_weight: float | None = None) -> str:
    """A tag that `lora_tags` reads as these values."""
    if text_weight is None or text_weight == weight:
        return f"<lora:{tag_name(name)}:{_number(weight)}>"
    return f"<lora:{tag_name(name)}:unet={_number(weight)}:te={_number(text_weight)}>"


def renamed(text: str, tag: LoraTag, name: str) -> str:
    """The same prompt with another name in one of its tags."""
    old = text[tag.start : tag.end]
    place = old.index(tag.name, old.index(":") + 1)
    return text[: tag.start] + old[:place] + name + old[place + len(tag.name) :] + text[tag.end :]


def without(text: str, tags: Iterable[LoraTag]) -> str:
    """The same prompt without these of its tags, nor the blanks and commas that stood there for them alone."""
    for tag in sorted(tags, key=lambda each: each.start, reverse=True):
        before, after = text[: tag.start].rstrip(" "), text[tag.end :].lstrip(" ")
        apart = (before, after) != (text[: tag.start], text[tag.end :])
        if after.startswith(",") and (not before or before.endswith((",", "\n"))):
            after = after[1:].lstrip(" ")
        if not after and before.endswith(","):
            before = before[:-1].rstrip(" ")
        needed = apart and before and after and not before.endswith("\n") and after[0] not in ",\n"
        text = f"{before} {after}" if needed else before + after
    return text


def with_tags_of(negative: str, prompt: str) -> tuple[str, str]:
    """The tags of a negative prompt, where they do nothing, behind the prompt: the new prompt and the new negative."""
    tags = [negative[tag.start : tag.end] for tag in lora_tags(negative)]
    rest = re.sub(r"(?:\s*,){2,}", ",", without_tags(negative)) if tags else negative
    return " ".join(filter(None, (prompt.rstrip(), *tags))), rest.strip(" ,") if tags else negative


def _tag(match: re.Match[str]) -> LoraTag:
    numbers: list[float] = []
    named: dict[str, float] = {}
    problem = ""
    for piece in filter(None, map(str.strip, match[2].split(":"))):
        key, _, value = piece.rpartition("=")
        number = _weight(value)
        if key and key.lower() not in _PARTS:
            problem = problem or f"“{key}” is not known here"
        elif number is None:
            problem = problem or f"“{value}” is not a weight from {-LORA_WEIGHT_MAX:g} to {LORA_WEIGHT_MAX:g}"
        elif key:
            named[key.lower()] = number
        else:
            numbers.append(number)
    if len(numbers) > len(_PARTS):
        problem = problem or "it has more than two weights"
    values = {} if problem else dict(zip(_PARTS, numbers, strict=False)) | named
    weight = values.get("unet", values.get("te", 1.0))
    text = values.get("te")
    return LoraTag(
        name=match[1],
        weight=weight,
        text_weight=None if text == weight else text,
        start=match.start(),
        end=match.end(),
        problem=problem,
    )


def _weight(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= LORA_WEIGHT_MAX else None


def _number(value: float) -> str:
    """The shortest text that is read as the same number."""
    return repr(value).removesuffix(".0")
