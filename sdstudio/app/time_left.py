"""How long a running job still takes, shown so that the figure does not flicker."""

from __future__ import annotations

STEPS_BEFORE_SHOWN = 3
JUMP = 1.2
"""The shown time grows only when the estimate is at least a fifth longer."""


def round_time(seconds: float) -> float:
    """Whole seconds under 20 s (at least 1), fives under 2 minutes, else whole minutes; in seconds."""
    if seconds < 19.5:
        return float(max(1, round(seconds)))
    if seconds < 117.5:
        return float(5 * round(seconds / 5))
    return float(60 * max(2, round(seconds / 60)))


class TimeLeft:
    """Of one job. `update` is called for every step; None until three steps are done."""

    def __init__(self) -> None:
        self._shown: float | None = None

    @property
    def shown(self) -> float | None:
        """Rounded seconds."""
        return self._shown

    def update(self, steps_done: int, seconds_left: float) -> float | None:
        """`steps_done` counts over all pictures of the job; `seconds_left` is the plain estimate."""
        if steps_done < STEPS_BEFORE_SHOWN:
            return self._shown
        rounded = round_time(max(0.0, seconds_left))
        if self._shown is None or rounded < self._shown or rounded >= self._shown * JUMP:
            self._shown = rounded
        return self._shown
