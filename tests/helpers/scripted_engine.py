"""An engine that follows a script and remembers what it was asked; it draws plain colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sdstudio.domain.engine_api import CancelToken, Emit, EngineInfo
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Cancelled, Failed, Finished, ImageReady, Loading, Preview, Progress, Started
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec


def plain_picture(width: int, height: int, seed: int) -> ImageBuffer:
    """Opaque, one colour, which depends on the seed."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = (seed % 251, seed % 241, seed % 239)
    return ImageBuffer(pixels)


@dataclass
class ScriptedEngine:
    """`before_step` is called with (picture, step) and may raise, cancel, or look at the disk."""

    before_step: Callable[[int, int], None] = lambda index, step: None
    fail_with: str = ""
    silent: bool = False
    missing_device: str = ""
    no_card: str = ""
    log: list[str] = field(default_factory=list)
    requests: list[JobRequest] = field(default_factory=list)

    def info(self) -> EngineInfo:
        missing, no_card = self.missing_device, self.no_card
        return EngineInfo(device="Scripted", device_kind="cpu", threads=2, missing=missing, no_card=no_card)

    def warm_up(self, model: ModelSpec) -> None:
        self.log.append(f"warm_up {model.name}")

    def close(self) -> None:
        self.log.append("close")

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        self.requests.append(request)
        self.log.append(f"run {job_id}")
        if self.silent:
            return
        count = request.sampling.count if isinstance(request, GenerationRequest) else 1
        steps = request.sampling.steps if isinstance(request, GenerationRequest) else 3
        emit(Started(job_id=job_id, pictures=count, steps=steps))
        emit(Loading(job_id=job_id, what="Loading model"))
        for index in range(count):
            if not self._picture(job_id, request, index, steps, emit, cancel):
                return
        emit(Finished(job_id=job_id, seconds=0.5))

    def _picture(
        self, job_id: str, request: JobRequest, index: int, steps: int, emit: Emit, cancel: CancelToken
    ) -> bool:
        for step in range(1, steps + 1):
            self.before_step(index, step)
            if cancel.cancelled:
                self.log.append(f"cancelled at {index}.{step}")
                emit(Cancelled(job_id=job_id))
                return False
            emit(Progress(job_id=job_id, index=index, step=step, steps=steps))
            emit(Preview(job_id=job_id, index=index, step=step, image=plain_picture(8, 8, 1), width=64, height=64))
        if self.fail_with:
            emit(Failed(job_id=job_id, kind=ErrorKind.OUT_OF_MEMORY, message=self.fail_with, hint="Try it smaller."))
            return False
        if isinstance(request, GenerationRequest):
            alone: JobRequest = request.for_batch(index)
            image = plain_picture(request.size.width, request.size.height, request.sampling.seed + index)
        else:
            alone = request
            image = plain_picture(request.image.width * request.scale, request.image.height * request.scale, 5)
        emit(ImageReady(job_id=job_id, index=index, image=image, request=alone, seconds=0.25))
        return True
