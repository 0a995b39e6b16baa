"""The prompt syntax that people know from other programs: weights in brackets, escapes, BREAK.

`(x)` = weight 1.1, `((x))` = 1.21, `[x]` = 1 / 1.1, `(x:1.3)` = 1.3, a backslash before a bracket makes it
plain text, and the word BREAK (capitals) starts a new chunk of tokens. LoRAs (`<lora:name:0.8>`) are no words: they
are left out here and read by `lora_prompt`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sdstudio.domain.additions import LORA_WEIGHT_MAX
from sdstudio.domain.lora_prompt import blanked, lora_tags, tag_text, without_tags

BRACKET_FACTOR = 1.1
WEIGHT_LIMIT = 100.0
"""Deep nesting multiplies; beyond this a weight says nothing, and it must stay finite."""
CHANGED_MIN, CHANGED_MAX = 0.0, 2.0

_TOKEN = re.compile(
    r"\\[()\[\]\\]"  # an escaped bracket or backslash
    r"|:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)"  # the end of a group with a weight of its own
    r"|[()\[\]]"
    r"|[^\\()\[\]:]+|[\\:]"
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_WORD = re.compile(r"(?:\\.|[^\s,;()\[\]\\])+")


@dataclass(frozen=True, slots=True)
class PromptPart:
    """Text (escapes resolved) and how strongly the text encoder's answer to it is weighted."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class PromptBreak:
    """What follows begins in a new chunk of tokens."""


@dataclass(slots=True)
class _Run:
    """A piece of text as it stands in the source: text[start:end], escapes resolved in `text`."""

    start: int
    end: int
    text: str
    weight: float = 1.0

    def multiply(self, factor: float) -> None:
        self.weight = min(max(self.weight * factor, -WEIGHT_LIMIT), WEIGHT_LIMIT)


@dataclass(frozen=True, slots=True)
class _Group:
    """A closed bracket pair: source[start:end] with brackets, source[inner_start:inner_end] without."""

    start: int
    end: int
    inner_start: int
    inner_end: int
    factor: float


def _factor(closer: str) -> float:
    """`:1.3)` -> 1.3, `)` -> 1.1, `]` -> 1 / 1.1."""
    if closer.startswith(":"):
        factor = float(closer[1:-1])
        return min(max(factor, -WEIGHT_LIMIT), WEIGHT_LIMIT) if math.isfinite(factor) else WEIGHT_LIMIT
    return BRACKET_FACTOR if closer == ")" else 1 / BRACKET_FACTOR


def _scan(text: str) -> tuple[list[_Run], list[_Group]]:
    """Runs in source order and closed groups, inner ones first. A bracket that is never closed weights what
    follows it; a closer without an opener is plain text."""
    runs: list[_Run] = []
    groups: list[_Group] = []
    opened: dict[str, list[tuple[int, int]]] = {"(": [], "[": []}
    for match in _TOKEN.finditer(text):
        token, start, end = match[0], match.start(), match.end()
        if token in opened:
            opened[token].append((start, len(runs)))
            continue
        stack = opened["["] if token == "]" else opened["("]
        if token[-1] in ")]" and not token.startswith("\\") and stack:
            position, first_run = stack.pop()
            factor = _factor(token)
            groups.append(_Group(position, end, position + 1, start, factor))
            for run in runs[first_run:]:
                run.multiply(factor)
            continue
        escaped = len(token) == 2 and token[0] == "\\"
        runs.append(_Run(start, end, token[1] if escaped else token))
    for bracket, factor in (("(", BRACKET_FACTOR), ("[", 1 / BRACKET_FACTOR)):
        for _, first_run in opened[bracket]:
            for run in runs[first_run:]:
                run.multiply(factor)
    return runs, groups


def _pieces(run: _Run) -> Iterator[PromptPart | PromptBreak]:
    for index, piece in enumerate(_BREAK.split(run.text)):
        if index:
            yield PromptBreak()
        if piece:
            yield PromptPart(piece, run.weight)


def parse_prompt(text: str) -> list[PromptPart | PromptBreak]:
    """Parts in order, neighbours of equal weight joined. Never raises; an empty text gives an empty list."""
    parts: list[PromptPart | PromptBreak] = []
    for run in _scan(without_tags(text))[0]:
        for piece in _pieces(run):
            last = parts[-1] if parts else None
            if isinstance(piece, PromptPart) and isinstance(last, PromptPart) and last.weight == piece.weight:
                parts[-1] = PromptPart(last.text + piece.text, last.weight)
            else:
                parts.append(piece)
    return parts


def weighted_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, weight) of source text whose weight is not 1, brackets left out, in order."""
    spans: list[tuple[int, int, float]] = []
    for run in _scan(blanked(text))[0]:
        if run.weight == 1.0:
            continue
        if spans and spans[-1][1] == run.start and spans[-1][2] == run.weight:
            spans[-1] = (spans[-1][0], run.end, run.weight)
        else:
            spans.append((run.start, run.end, run.weight))
    return spans


def change_weight(text: str, start: int, end: int, delta: float) -> tuple[str, int, int]:
    """Makes the selected text, or the word or bracket group at the cursor, weigh `delta` more (less).

    Positions are code points (not UTF-16 units), in any order, clipped to the text. Returns the new text and
    the selection of the weighted words, so that the next call changes the same ones. Weights stay within
    0 to 2; at 1 the brackets vanish. The text comes back unchanged where there is nothing to weight. In a LoRA's tag
    it is the LoRA's weight that changes.
    """
    start, end = sorted((min(max(start, 0), len(text)), min(max(end, 0), len(text))))
    tag = next((each for each in lora_tags(text) if each.start < end and start < each.end and not each.problem), None)
    if tag is not None:
        text_weight = None if tag.text_weight is None else _changed(tag.text_weight, delta)
        shown = tag_text(tag.name, _changed(tag.weight, delta), text_weight)
        return text[: tag.start] + shown + text[tag.end :], tag.start, tag.start + len(shown)
    groups = _scan(blanked(text))[1]
    group = _group_at(groups, start, end)
    if group is not None:
        before, inner, after = text[: group.start], text[group.inner_start : group.inner_end], text[group.end :]
        weight = round(group.factor, 2) if abs(group.factor - 1 / BRACKET_FACTOR) > 1e-9 else 0.9
        return _compose(before, inner, after, weight + delta)
    first, last = _selected_words(text, start, end)
    if first == last or not _can_be_wrapped(text, first, last, groups):
        return text, start, end
    return _compose(text[:first], text[first:last], text[last:], 1.0 + delta)


def _changed(weight: float, delta: float) -> float:
    return round(min(max(weight + delta, -LORA_WEIGHT_MAX), LORA_WEIGHT_MAX), 2)


def _group_at(groups: list[_Group], start: int, end: int) -> _Group | None:
    """The group whose content or whole is selected; for a bare cursor the innermost group around it."""
    for group in groups:
        if (start, end) in ((group.start, group.end), (group.inner_start, group.inner_end)):
            return group
        if start == end and group.start < start < group.end:
            return group
    return None


def _selected_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The selection without blanks at its ends and with escapes kept whole; the word at a bare cursor."""
    if start == end:
        for match in _WORD.finditer(text):
            if match.start() <= start <= match.end():
                return match.span()
        return start, end
    for match in re.finditer(r"\\[()\[\]\\]", text):
        if match.start() < start < match.end():
            start = match.start()
        if match.start() < end < match.end():
            end = match.end()
    piece = text[start:end]
    if not piece.strip():
        return start, start
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _can_be_wrapped(text: str, start: int, end: int, groups: list[_Group]) -> bool:
    """Brackets around the piece must pair up with each other, and those within it among themselves."""
    inner = text[start:end]
    marks = [match for match in _TOKEN.finditer(text) if match[0][-1] in "()[]" and match[0][0] != "\\"]
    cut = any(mark.start() < edge < mark.end() for mark in marks for edge in (start, end))
    paired = sum(start <= group.start and group.end <= end for group in groups)
    brackets = sum(start <= mark.start() and mark.end() <= end for mark in marks)
    return not cut and brackets == 2 * paired and not inner.endswith("\\")


def _compose(before: str, inner: str, after: str, weight: float) -> tuple[str, int, int]:
    weight = min(max(round(weight, 2), CHANGED_MIN), CHANGED_MAX)
    if weight == 1.0:
        return before + inner + after, len(before), len(before) + len(inner)
    start = len(before) + 1
    return f"{before}({inner}:{weight:g}){after}", start, start + len(inner)
