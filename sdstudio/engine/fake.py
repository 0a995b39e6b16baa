"""A scripted engine without torch, for the tests of everything above the engine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from sdstudio.domain.engine_api import CancelToken, Emit, EngineInfo
from sdstudio.domain.errors import CancelledByUser, StudioError
from sdstudio.domain.events import Cancelled, Failed, Finished, ImageReady, Loading, Preview, Progress, Started
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec, UpscaleRequest

_PATIENCE_SECONDS = 30.0
"""How long a gated step waits for its permit before the test is in error."""


class StepGate:
    """Holds the engine before each step until the test lets it go on; nothing sleeps."""

    def __init__(self) -> None:
        self._permits = threading.Semaphore(0)
        self._open = threading.Event()
        self.waiting = threading.Event()
        """Set while the engine stands at the gate."""

    def allow(self, steps: int = 1) -> None:
        """Lets the next `steps` steps pass."""
        self._permits.release(steps)

    def open(self) -> None:
        """Lets everything pass from now on."""
        self._open.set()

    def wait(self, cancel: CancelToken) -> None:
        """Called by the engine: returns with a permit, or at once when open or cancelled."""
        self.waiting.set()
        for _ in range(int(_PATIENCE_SECONDS / 0.005)):
            if self._open.is_set() or cancel.cancelled or self._permits.acquire(timeout=0.005):
                self.waiting.clear()
                return
        raise AssertionError("the test never let the engine take its next step")


@dataclass(kw_only=True)
class FakeScript:
    """What the engine will do. `failures[n]` is raised in the n-th run (from 0), after `fail_at_step` steps."""

    steps: int | None = None
    """Steps a picture, instead of the request's."""
    previews: int = 1
    """Previews a step (many = a flood)."""
    gate: StepGate | None = None
    failures: dict[int, Exception] = field(default_factory=dict)
    fail_at_step: int = 0
    warm_up_failure: Exception | None = None
    factory_failure: Exception | None = None
    missing_device: str = ""
    """The chosen device, if it is to be gone."""
    seconds_per_step: float = 0.01
    """What Progress reports; no time is really spent."""


@dataclass(kw_only=True)
class FakeCalls:
    """What was asked of the engine, and from which thread."""

    runs: list[tuple[str, JobRequest]] = field(default_factory=list)
    warm_ups: list[ModelSpec] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    closed: int = 0
    made: int = 0


class FakeEngine:
    """Implements domain.engine_api.Engine by a script; its pictures are made of the request alone."""

    def __init__(self, script: FakeScript | None = None, calls: FakeCalls | None = None) -> None:
        self.script = script or FakeScript()
        self.calls = calls or FakeCalls()
        self._loaded: ModelSpec | None = None

    def info(self) -> EngineInfo:
        missing = self.script.missing_device
        return EngineInfo(device="Test device", device_kind="cpu", threads=2, memory_total=8 * 2**30, missing=missing)

    def warm_up(self, model: ModelSpec) -> None:
        self.calls.threads.add(threading.get_ident())
        self.calls.warm_ups.append(model)
        if self.script.warm_up_failure is not None:
            raise self.script.warm_up_failure
        self._loaded = model

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        self.calls.threads.add(threading.get_ident())
        failure = self.script.failures.get(len(self.calls.runs))
        self.calls.runs.append((job_id, request))
        try:
            self._make_pictures(job_id, request, emit, cancel, failure)
        except CancelledByUser:
            emit(Cancelled(job_id=job_id))
        except Exception as error:  # noqa: BLE001 - every error becomes an event, as in the real engine
            emit(_failed(job_id, error))
        else:
            emit(Finished(job_id=job_id, seconds=1.0))

    def close(self) -> None:
        self.calls.closed += 1

    def _make_pictures(
        self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken, failure: Exception | None
    ) -> None:
        count = request.sampling.count if isinstance(request, GenerationRequest) else 1
        steps = self.script.steps or (request.steps_made if isinstance(request, GenerationRequest) else 4)
        emit(Started(job_id=job_id, pictures=count, steps=steps))
        if isinstance(request, GenerationRequest) and self._loaded != request.model:
            emit(Loading(job_id=job_id, what=f"Reading the model “{request.model.name}”"))
            self._loaded = request.model
        for index in range(count):
            single = request.for_batch(index) if isinstance(request, GenerationRequest) else request
            self._steps(job_id, index, single, steps, emit, cancel, failure)
            emit(ImageReady(job_id=job_id, index=index, image=fake_picture(single), request=single, seconds=0.5))
            self.calls.made += 1

    def _steps(
        self,
        job_id: str,
        index: int,
        request: JobRequest,
        steps: int,
        emit: Emit,
        cancel: CancelToken,
        failure: Exception | None,
    ) -> None:
        size = _result_size(request)
        emit(Progress(job_id=job_id, index=index, step=0, steps=steps))
        for step in range(1, steps + 1):
            if failure is not None and step > self.script.fail_at_step:
                raise failure
            if self.script.gate is not None:
                self.script.gate.wait(cancel)
            if cancel.cancelled:
                raise CancelledByUser
            for number in range(self.script.previews if isinstance(request, GenerationRequest) else 0):
                small = fake_preview(request, step * 1000 + number)
                emit(Preview(job_id=job_id, index=index, step=step, image=small, width=size.width, height=size.height))
            pace = self.script.seconds_per_step
            emit(Progress(job_id=job_id, index=index, step=step, steps=steps, seconds_per_step=pace))


class FakeEngineFactory:
    """An EngineFactory: makes FakeEngines, or fails as the script says. `calls` is shared by all it makes."""

    def __init__(self, script: FakeScript | None = None) -> None:
        self.script = script or FakeScript()
        self.calls = FakeCalls()
        self.engines: list[FakeEngine] = []

    def __call__(self) -> FakeEngine:
        if self.script.factory_failure is not None:
            raise self.script.factory_failure
        self.engines.append(FakeEngine(self.script, self.calls))
        return self.engines[-1]


def _result_size(request: JobRequest) -> Size:
    if isinstance(request, UpscaleRequest):
        return Size(request.image.width * request.scale, request.image.height * request.scale)
    return request.size


def _colour(request: JobRequest) -> tuple[int, int, int]:
    seed = request.sampling.seed if isinstance(request, GenerationRequest) else int(request.image.sha256[:8] or "0", 16)
    words = request.prompt.positive if isinstance(request, GenerationRequest) else request.source_name
    mixed = seed * 2654435761 + sum(words.encode()) * 97
    return mixed % 256, (mixed // 256) % 256, (mixed // 65536) % 256


def fake_picture(request: JobRequest) -> ImageBuffer:
    """The picture that a request (of one seed) always gives: its colour, shaded from left to right."""
    size = _result_size(request)
    rgb = np.empty((size.height, size.width, 3), np.uint8)
    rgb[:] = _colour(request)
    rgb[..., 0] ^= np.linspace(0, 255, size.width).astype(np.uint8)[None, :]
    return ImageBuffer.from_rgb(rgb)


def fake_preview(request: JobRequest, number: int) -> ImageBuffer:
    """1/8 of the size; differs with `number`."""
    size = _result_size(request)
    rgb = np.empty((max(1, size.height // 8), max(1, size.width // 8), 3), np.uint8)
    rgb[:] = _colour(request)
    rgb[..., 1] = number % 256
    rgb[..., 2] = number // 256 % 256
    return ImageBuffer.from_rgb(rgb)


def _failed(job_id: str, error: Exception) -> Failed:
    if not isinstance(error, StudioError):
        error = StudioError(f"Something went wrong: {error}.")
    return Failed.of(job_id, error, details="scripted failure")
