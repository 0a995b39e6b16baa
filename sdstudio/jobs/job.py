"""A job: a request, accepted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sdstudio.domain.request import GenerationRequest, JobRequest

_JOB_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`files` are the absolute paths of the pictures to come, in order."""

    job_id: str
    request: JobRequest
    files: tuple[str, ...]


def new_job_id(when: datetime) -> str:
    """Sorts by time; unique among all processes."""
    return f"{when:%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


def is_job_id(text: str) -> bool:
    """True for what can be the name of a journal file: no separators, no dots."""
    return _JOB_ID.fullmatch(text) is not None


def picture_count(request: JobRequest) -> int:
    return request.sampling.count if isinstance(request, GenerationRequest) else 1
