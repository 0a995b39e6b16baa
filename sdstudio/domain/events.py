"""What a job tells its client, in order: Started, Loading*, then per picture Progress* / Preview* / ImageReady /
PictureSaved, and exactly one of Finished, Cancelled, Failed at the end. All are frozen, picklable values."""

from __future__ import annotations

from dataclasses import dataclass

from sdstudio.domain.edits import EditReport
from sdstudio.domain.errors import ErrorKind, InvalidRequest, StudioError
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The engine has taken the job up. `pictures` and `steps` are what it is about to make."""

    job_id: str
    pictures: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """A model is being read, or the libraries are (`what`: words for people; may come several times). `done` of `total`
    bytes are read; a total of 0 is not known. In the middle of a job it says why something is done anew."""

    job_id: str
    what: str
    done: int = 0
    total: int = 0

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Step `step` of `steps` of picture `index` is done (0 = none yet). For an upscale, steps are tiles."""

    job_id: str
    index: int
    step: int
    steps: int
    seconds_per_step: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The forming picture, one pixel a latent pixel (1/8 of the size); to be shown enlarged to `width` x `height`.

    Of an edit it shows `frame` of the result alone, at whatever size that is made.
    """

    job_id: str
    index: int
    step: int
    image: ImageBuffer
    width: int
    height: int
    frame: Rect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReady:
    """Picture `index` is decoded. `request` is the one that makes it alone; `seconds` = conditioning to decoded."""

    job_id: str
    index: int
    image: ImageBuffer
    request: JobRequest
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSaved:
    """Picture `index` is on disk, with its record. Sent by the runner in place of the engine's ImageReady.

    Of an edit, `image` is the whole picture after it, and `edit` tells what was counted.
    """

    job_id: str
    index: int
    path: str
    image: ImageBuffer
    request: JobRequest
    seconds: float
    edit: EditReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    job_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What happened, what it means, what to do. `details`: technical text; `field`: the request's field at fault."""

    job_id: str
    kind: ErrorKind
    message: str
    meaning: str = ""
    hint: str = ""
    details: str = ""
    field: str = ""

    @classmethod
    def of(cls, job_id: str, error: StudioError, details: str = "") -> Failed:
        """The words of a typed error; the field where it names one."""
        return cls(
            job_id=job_id,
            kind=error.kind,
            message=error.message,
            meaning=error.meaning,
            hint=error.hint,
            details=details,
            field=error.field if isinstance(error, InvalidRequest) else "",
        )


EngineEvent = Started | Loading | Progress | Preview | ImageReady | Finished | Cancelled | Failed
JobEvent = Started | Loading | Progress | Preview | PictureSaved | Finished | Cancelled | Failed
"""What the runner's client sees: the engine's events, with ImageReady turned into PictureSaved."""
