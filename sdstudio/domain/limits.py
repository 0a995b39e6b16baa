"""Checks of single values, with words for people."""

from __future__ import annotations

import math

from sdstudio.domain.errors import InvalidRequest

_NAMES = {"steps": "number of steps", "count": "number of pictures", "mix": "weight of a mixed picture"}


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raises InvalidRequest(name) unless it is a whole number from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        hint = f"Choose a whole number from {low} to {high}."
        raise InvalidRequest(name, f"The {_words(name)} {value} is not possible.", hint=hint)


def check_number(name: str, value: float, low: float, high: float) -> None:
    """Raises InvalidRequest(name) unless it is a finite number from low to high."""
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not low <= value <= high:
        hint = f"Choose a number from {low:g} to {high:g}."
        raise InvalidRequest(name, f"The {_words(name)} {value} is not possible.", hint=hint)


def _words(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))
