"""Positions in a prompt: Qt counts UTF-16 units, the domain counts code points."""

from __future__ import annotations

from sdstudio.domain.prompt import change_weight

WEIGHT_STEP = 0.1


def to_code_points(text: str, units: int) -> int:
    """Code points before the position `units` (UTF-16) of `text`."""
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore"))


def to_units(text: str, points: int) -> int:
    """UTF-16 units before the code point `points` of `text`."""
    return len(text[:points].encode("utf-16-le", "surrogatepass")) // 2


def reweigh(text: str, anchor: int, position: int, delta: float) -> tuple[str, int, int]:
    """`change_weight` in UTF-16 positions. A bare cursor stays where it is in its word instead of selecting it."""
    first, last = (to_code_points(text, place) for place in sorted((anchor, position)))
    new, start, end = change_weight(text, first, last, delta)
    if first == last:
        start = end = start + _offset_in(text, new[start:end], first)
    return new, to_units(new, start), to_units(new, end)


def _offset_in(text: str, words: str, place: int) -> int:
    """How far `place` is into that occurrence of `words` in `text` that reaches it; 0 where there is none."""
    for begin in range(max(0, place - len(words)), place + 1):
        if text.startswith(words, begin):
            return place - begin
    return 0


def changed_part(old: str, new: str) -> tuple[int, int, str]:
    """(start, end, replacement) in code points: the smallest single edit that turns `old` into `new`."""
    start = 0
    most = min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < most - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return start, len(old) - tail, new[start : len(new) - tail]
