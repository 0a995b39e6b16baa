"""A job as the window shows it: a frozen snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sdstudio.domain.events import Failed, PictureSaved
from sdstudio.domain.request import JobRequest, UpscaleRequest

SAVED_KEPT = 64
"""Saved pictures that a snapshot holds on to; a job of a thousand pictures must not keep all of them in memory."""


class JobState(Enum):
    """WAITING for its turn; GETTING_READY while the engine starts; FINISHING = last step done, decoding and saving."""

    WAITING = "waiting"
    GETTING_READY = "getting ready"
    LOADING = "loading"
    RUNNING = "running"
    FINISHING = "finishing"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.CANCELLED, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobItem:
    """`index` is the picture being made (0-based), `step` of `steps` is done in it. `saved` holds the newest 64
    pictures and `done` their number. `seconds_left` is rounded for showing; for a waiting job it is what the whole
    job will take. `what` are the words of the last Loading, which has read `read` of `read_of` bytes (0: not known)."""

    job_id: str
    request: JobRequest
    state: JobState
    pictures: int
    index: int = 0
    step: int = 0
    steps: int = 0
    saved: tuple[PictureSaved, ...] = ()
    done: int = 0
    seconds_left: float | None = None
    failure: Failed | None = None
    what: str = ""
    read: int = 0
    read_of: int = 0

    @property
    def fraction(self) -> float:
        """How much of the whole run is done, 0 to 1, pictures counted alike."""
        if self.state is JobState.DONE:
            return 1.0
        in_picture = self.step / self.steps if self.steps and self.index >= self.done else 0.0
        return min(1.0, (max(self.index, self.done) + in_picture) / max(1, self.pictures))


def pictures_of(request: JobRequest) -> int:
    return 1 if isinstance(request, UpscaleRequest) else request.sampling.count


def steps_of(request: JobRequest) -> int:
    """Steps of one picture; 0 for an upscale, whose tiles only the engine knows."""
    return 0 if isinstance(request, UpscaleRequest) else request.steps_made
