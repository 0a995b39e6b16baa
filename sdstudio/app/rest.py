"""What is left of a job that did not come to its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sdstudio.domain.request import GenerationRequest, JobRequest, UpscaleRequest


def rest_of(request: JobRequest, done: Collection[int]) -> tuple[JobRequest, ...]:
    """Requests for the pictures whose index is not in `done`: one for each unbroken run of indices.

    Each picture keeps its seed, so that it comes out as it would have.
    """
    if isinstance(request, UpscaleRequest):
        return () if 0 in done else (request,)
    requests: list[JobRequest] = []
    first: int | None = None
    for index in range(request.sampling.count + 1):
        missing = index < request.sampling.count and index not in done
        if missing and first is None:
            first = index
        elif not missing and first is not None:
            requests.append(_part(request, first, index - first))
            first = None
    return tuple(requests)


def _part(request: GenerationRequest, first: int, count: int) -> GenerationRequest:
    single = request.for_batch(first)
    return replace(single, sampling=replace(single.sampling, count=count))
