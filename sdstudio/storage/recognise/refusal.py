"""Why a file is not taken, as an exception between the readers of headers."""

from __future__ import annotations

from sdstudio.domain.model_file import Verdict


class Refusal(Exception):
    """`reason` completes the sentence “refused: …”; `what` names the file where that is known."""

    def __init__(self, verdict: Verdict, reason: str, *, what: str = "") -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.what = what


def broken(reason: str) -> Refusal:
    return Refusal(Verdict.BROKEN, reason)


def unsafe(reason: str) -> Refusal:
    return Refusal(Verdict.UNSAFE, reason)


def unsupported(what: str, reason: str = "not supported") -> Refusal:
    return Refusal(Verdict.UNSUPPORTED, f"{what}: {reason}", what=what)


def size_words(count: int, unit: int = 0) -> str:
    """2132696762 as “2.1 GB”; `unit` (1000, 10**6, 10**9) says which unit to use, 0 finds one."""
    for size, name in ((10**9, "GB"), (10**6, "MB"), (1000, "kB")):
        if unit == size or (not unit and count >= size):
            return f"{count / size:.1f} {name}"
    return f"{count} bytes"


def truncated(there: int, whole: int) -> Refusal:
    """“truncated: 1.3 of 2.1 GB”."""
    unit = next((size for size in (10**9, 10**6) if whole >= size), 1)
    first, second = size_words(there, unit), size_words(whole, unit)
    if unit == 1 or first == second:
        return broken(f"truncated: {there:,} of {whole:,} bytes")
    return broken(f"truncated: {first.split()[0]} of {second}")
