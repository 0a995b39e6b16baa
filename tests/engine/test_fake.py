"""The scripted engine keeps the real one's promises."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import CancelToken, Engine
from sdstudio.domain.errors import ErrorKind, ModelError
from sdstudio.domain.events import Cancelled, EngineEvent, Failed, Finished, ImageReady, Preview, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import JobRequest, UpscaleRequest
from sdstudio.engine.fake import FakeEngine, FakeEngineFactory, FakeScript, StepGate
from tests.engine.conftest import Run
from tests.helpers.tiny_models import make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run_fake(engine: Engine, request: JobRequest, cancel: CancelToken | None = None) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    engine.run("job", request, events.append, cancel or CancelToken())
    return events


def test_its_events_are_those_of_the_real_engine(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, count=2, steps=3)
    real, fake = run(request), run_fake(FakeEngine(), request)
    assert [type(event) for event in fake if not isinstance(event, Preview)] == [
        type(event) for event in real if not isinstance(event, Preview)
    ]
    assert [event.request for event in fake if isinstance(event, ImageReady)] == [
        event.request for event in real if isinstance(event, ImageReady)
    ]


def test_pictures_depend_on_the_request_alone() -> None:
    first, second = (run_fake(FakeEngine(), make_request(Path("m"))) for _ in range(2))
    other = run_fake(FakeEngine(), make_request(Path("m"), seed=8))
    runs = (first, second, other)
    pictures = [next(event.image for event in events if isinstance(event, ImageReady)) for events in runs]
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]
    assert pictures[0].size == Size(64, 64)


def test_an_upscale_has_the_result_size() -> None:
    request = UpscaleRequest(image=ImageInput(sha256="ab" * 32, width=10, height=6), scale=4)
    events = run_fake(FakeEngine(), request)
    assert next(event.image.size for event in events if isinstance(event, ImageReady)) == Size(40, 24)


def test_the_gate_holds_each_step_and_cancel_passes_it() -> None:
    gate, cancel = StepGate(), CancelToken()
    events: list[EngineEvent] = []
    stepped = threading.Semaphore(0)

    def emit(event: EngineEvent) -> None:
        events.append(event)
        if isinstance(event, Progress):
            stepped.release()

    engine = FakeEngine(FakeScript(gate=gate))
    thread = threading.Thread(target=engine.run, args=("job", make_request(Path("m")), emit, cancel))
    thread.start()
    assert stepped.acquire(timeout=5)
    assert gate.waiting.wait(5)
    gate.allow(2)
    assert stepped.acquire(timeout=5)
    assert stepped.acquire(timeout=5)
    cancel.cancel()
    thread.join(5)
    assert [event.step for event in events if isinstance(event, Progress)] == [0, 1, 2]
    assert isinstance(events[-1], Cancelled)


def test_scripted_failures() -> None:
    script = FakeScript(failures={1: ModelError("The model is gone.")}, fail_at_step=2)
    engine = FakeEngine(script)
    assert isinstance(run_fake(engine, make_request(Path("m")))[-1], Finished)
    events = run_fake(engine, make_request(Path("m")))
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == ErrorKind.MODEL
    assert [event.step for event in events if isinstance(event, Progress)] == [0, 1, 2]
    assert isinstance(run_fake(engine, make_request(Path("m")))[-1], Finished)
    assert len(engine.calls.runs) == 3


def test_a_factory_can_be_bad() -> None:
    with pytest.raises(ImportError):
        FakeEngineFactory(FakeScript(factory_failure=ImportError("no torch")))()
    factory = FakeEngineFactory()
    factory().warm_up(make_request(Path("m")).model)
    assert len(factory.calls.warm_ups) == 1
