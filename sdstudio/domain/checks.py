"""What a self-test found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """`words` says what was found; where `ok` is false, also what to do about it."""

    name: str
    ok: bool
    words: str
