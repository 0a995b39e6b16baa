"""An engine that paints noise over everything it is given, and remembers the pictures and masks it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sdstudio.domain.engine_api import CancelToken, Emit, EngineInfo
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Cancelled, Failed, Finished, ImageReady, Loading, Preview, Progress, Started
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec
from sdstudio.jobs.job_images import JobImages


@dataclass
class PaintingEngine:
    """The worst that a model can do to a picture: not one pixel stays as it was. `paint` instead of noise."""

    images: JobImages
    paint: Callable[[GenerationRequest, ImageBuffer], np.ndarray] | None = None
    fail_at: int = -1
    cancel_at: int = -1
    seen: list[tuple[GenerationRequest, ImageBuffer, ImageBuffer]] = field(default_factory=list)

    def info(self) -> EngineInfo:
        return EngineInfo(device="Painter", device_kind="cpu", threads=2)

    def warm_up(self, model: ModelSpec) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        assert isinstance(request, GenerationRequest) and request.image is not None and request.inpaint is not None
        number = len(self.seen)
        start, mask = self.images.load(request.image.sha256), self.images.load(request.inpaint.mask.sha256)
        assert start.size == mask.size == request.size
        self.seen.append((request, start, mask))
        emit(Started(job_id=job_id, pictures=1, steps=request.steps_made))
        emit(Loading(job_id=job_id, what="Loading"))
        for step in range(1, request.steps_made + 1):
            emit(Progress(job_id=job_id, index=0, step=step, steps=request.steps_made))
        small = ImageBuffer(np.full((request.size.height // 8, request.size.width // 8, 4), 255, np.uint8))
        emit(Preview(job_id=job_id, index=0, step=1, image=small, width=request.size.width, height=request.size.height))
        if number == self.cancel_at:
            emit(Cancelled(job_id=job_id))
            return
        if number == self.fail_at:
            emit(Failed(job_id=job_id, kind=ErrorKind.OUT_OF_MEMORY, message="Too little memory."))
            return
        made = ImageBuffer.from_rgb(self._painted(request, start))
        emit(ImageReady(job_id=job_id, index=0, image=made, request=request, seconds=0.1))
        emit(Finished(job_id=job_id, seconds=0.1))

    def _painted(self, request: GenerationRequest, start: ImageBuffer) -> np.ndarray:
        if self.paint is not None:
            return self.paint(request, start)
        rng = np.random.default_rng(request.sampling.seed)
        return rng.integers(0, 256, (request.size.height, request.size.width, 3), np.uint8)
