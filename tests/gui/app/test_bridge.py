"""The bridge: two threads, ordered events, no backlog, a clean end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from sdstudio.app.bridge import EngineBridge
from sdstudio.app.engine_state import EngineState
from sdstudio.domain.engine_api import CancelToken, EngineInfo
from sdstudio.domain.errors import ErrorKind, ModelError
from sdstudio.domain.events import (
    Cancelled,
    Failed,
    Finished,
    JobEvent,
    PictureSaved,
    Preview,
    Progress,
    Started,
)
from sdstudio.engine.fake import FakeEngine, StepGate, fake_preview
from sdstudio.jobs.job import Job
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.image_store import ImageStore
from tests.helpers.app_fixtures import MODEL, HeldFactory, make_request

BIGGEST_SEED = 2**64 - 1


class Heard(QObject):
    """What came out of a bridge, in order, and in which thread."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__()
        self.events: list[JobEvent] = []
        self.previews: list[Preview] = []
        self.all: list[JobEvent] = []
        self.states: list[EngineState] = []
        self.threads: set[int] = set()
        bridge.event_arrived.connect(self.on_event)
        bridge.preview_arrived.connect(self.on_preview)
        bridge.state_changed.connect(self.states.append)

    def on_event(self, event: JobEvent) -> None:
        self.threads.add(threading.get_ident())
        self.events.append(event)
        self.all.append(event)

    def on_preview(self, preview: Preview) -> None:
        self.previews.append(preview)
        self.all.append(preview)

    def last(self) -> JobEvent | None:
        return self.events[-1] if self.events else None

    def ended(self) -> bool:
        return isinstance(self.last(), Finished | Cancelled | Failed)


class NotingRunner(JobRunner):
    """Tells when the engine is through with a job, to those who don't listen to the bridge."""

    ended: threading.Event

    def run(self, job: Job, emit: Callable[[JobEvent], None], cancel: CancelToken) -> None:
        super().run(job, emit, cancel)
        self.ended.set()


@pytest.fixture
def runner(tmp_path: Path, engine: HeldFactory) -> NotingRunner:
    journal = Journal(tmp_path / "journal")
    images = JobImages(ImageStore(tmp_path / "images"))
    results = tmp_path / "results"
    runner = NotingRunner(journal=journal, results=lambda: results, engine=engine, images=images, app_version="0")
    runner.ended = threading.Event()
    return runner


@pytest.fixture
def bridge(qapp: object, runner: JobRunner) -> Iterator[EngineBridge]:
    bridge = EngineBridge(runner)
    yield bridge
    assert bridge.shutdown(5000)


def test_the_engine_starts_in_its_own_thread(bridge: EngineBridge, engine: HeldFactory, qtbot: QtBot) -> None:
    heard = Heard(bridge)
    assert engine.engines == []
    with qtbot.waitSignal(bridge.info_changed) as info:
        bridge.start(MODEL)
    qtbot.waitUntil(lambda: bridge.state is EngineState.READY)
    assert info.args == [EngineInfo(device="Test device", device_kind="cpu", threads=2, memory_total=8 * 2**30)]
    assert heard.states == [EngineState.STARTING, EngineState.READY]
    assert engine.calls.warm_ups == [MODEL]
    assert engine.calls.threads.isdisjoint({threading.get_ident()})


def test_events_come_in_order_and_in_the_windows_thread(
    bridge: EngineBridge, runner: NotingRunner, qtbot: QtBot
) -> None:
    heard = Heard(bridge)
    bridge.start(MODEL)
    bridge.submit(runner.accept(make_request(count=2, steps=3)))
    qtbot.waitUntil(heard.ended)
    kinds = [type(event) for event in heard.events]
    picture = [Progress] * 4 + [PictureSaved]
    assert kinds == [Started, *picture, *picture, Finished]
    assert [event.step for event in heard.events if isinstance(event, Progress)] == [0, 1, 2, 3] * 2
    assert heard.threads == {threading.get_ident()}


@pytest.mark.parametrize("seed", [0, 2**31, 2**63, BIGGEST_SEED])
def test_seeds_of_64_bits_cross_the_threads(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot, seed: int
) -> None:
    heard = Heard(bridge)
    bridge.start(MODEL)
    bridge.submit(runner.accept(make_request(seed=seed, count=2)))
    qtbot.waitUntil(heard.ended)
    saved = [event for event in heard.events if isinstance(event, PictureSaved)]
    assert [event.request.sampling.seed for event in saved] == [seed, (seed + 1) % 2**64]  # type: ignore[union-attr]
    assert engine.calls.runs[0][1].sampling.seed == seed  # type: ignore[union-attr]


def test_a_flood_of_previews_leaves_no_backlog(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.previews = 2500
    heard = Heard(bridge)
    bridge.start(MODEL)
    qtbot.waitUntil(lambda: bridge.state is EngineState.READY)
    bridge.submit(runner.accept(make_request(count=2, steps=2)))
    # The window is busy: no event reaches it until the engine has sent ten thousand previews and ended.
    assert runner.ended.wait(15)
    qtbot.waitUntil(heard.ended)
    assert isinstance(heard.last(), Finished)
    assert [(p.index, p.step) for p in heard.previews] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_first_and_last_preview_of_each_picture_arrive_in_their_place(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.previews = 1000
    heard = Heard(bridge)
    bridge.start(MODEL)
    request = make_request(count=3, steps=2)
    bridge.submit(runner.accept(request))
    qtbot.waitUntil(heard.ended, timeout=15_000)
    for index in range(3):
        previews = [p for p in heard.previews if p.index == index]
        single = request.for_batch(index)
        assert previews[0].image == fake_preview(single, 1000)
        assert previews[-1].image == fake_preview(single, 2999)
        places = [at for at, event in enumerate(heard.all) if isinstance(event, Preview) and event.index == index]
        saved = next(
            at for at, event in enumerate(heard.all) if isinstance(event, PictureSaved) and event.index == index
        )
        assert max(places) < saved
        assert index == 0 or min(places) > next(
            at for at, event in enumerate(heard.all) if isinstance(event, PictureSaved) and event.index == index - 1
        )


def test_a_job_sent_early_waits_and_then_runs(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.hold()
    heard = Heard(bridge)
    bridge.start(MODEL)
    bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(engine.asked.is_set)
    assert heard.events == []
    engine.let_go()
    qtbot.waitUntil(heard.ended)
    assert isinstance(heard.last(), Finished)


def test_cancel_stops_the_job_and_the_engine_is_usable_at_once(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    gate = engine.script.gate = StepGate()
    gate.allow(1)
    heard = Heard(bridge)
    bridge.start(MODEL)
    job = runner.accept(make_request())
    bridge.submit(job)
    qtbot.waitUntil(gate.waiting.is_set)
    bridge.cancel("some other job")
    bridge.cancel(job.job_id)
    qtbot.waitUntil(heard.ended)
    assert isinstance(heard.last(), Cancelled)
    gate.open()
    bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(lambda: isinstance(heard.last(), Finished))


def test_a_warm_up_that_fails_is_told_in_words_and_a_later_job_tries_again(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.warm_up_failure = ModelError("The model is damaged.", hint="Copy it again.")
    heard = Heard(bridge)
    bridge.start(MODEL)
    qtbot.waitUntil(lambda: bridge.state is EngineState.BROKEN)
    assert bridge.failure is not None
    assert (bridge.failure.kind, bridge.failure.message) == (ErrorKind.MODEL, "The model is damaged.")
    bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(heard.ended)
    assert isinstance(heard.last(), Finished)
    assert heard.states == [EngineState.STARTING, EngineState.BROKEN, EngineState.READY]
    assert bridge.failure is None


def test_an_engine_that_cannot_be_made_breaks_the_job_not_the_thread(
    qapp: object, tmp_path: Path, qtbot: QtBot
) -> None:
    def no_engine() -> FakeEngine:
        raise ImportError("No module named 'torch'")

    runner = JobRunner(
        journal=Journal(tmp_path / "journal"),
        results=lambda: tmp_path,
        engine=no_engine,
        images=JobImages(ImageStore(tmp_path / "images")),
        app_version="0",
    )
    bridge = EngineBridge(runner)
    heard = Heard(bridge)
    bridge.start(MODEL)
    for _ in range(2):
        bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(lambda: sum(isinstance(event, Failed) for event in heard.events) == 2)
    assert bridge.state is EngineState.BROKEN
    assert bridge.failure is not None and "torch" in str(bridge.failure)
    assert bridge.shutdown()


class BareRunner(JobRunner):
    """Ends a job without an event, or with an error of its own."""

    error: Exception | None = None

    def run(self, job: object, emit: object, cancel: object) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.expects_log("ended")
@pytest.mark.parametrize("error", [None, RuntimeError("boom"), OSError(28, "No space left on device")])
def test_a_job_always_ends_with_an_event(
    qapp: object, tmp_path: Path, engine: HeldFactory, qtbot: QtBot, error: Exception | None
) -> None:
    images = JobImages(ImageStore(tmp_path / "images"))
    journal = Journal(tmp_path / "journal")
    runner = BareRunner(journal=journal, results=lambda: tmp_path, engine=engine, images=images, app_version="0")
    runner.error = error
    bridge = EngineBridge(runner)
    heard = Heard(bridge)
    bridge.start(MODEL)
    bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(heard.ended)
    failed = heard.last()
    assert (isinstance(failed, Failed) and failed.message and "Traceback" in failed.details) or error is None
    assert len(heard.events) == 1
    assert bridge.shutdown()


def test_shutdown_in_mid_job_ends_the_thread_and_delivers_the_last_word(
    bridge: EngineBridge, runner: NotingRunner, engine: HeldFactory, qtbot: QtBot
) -> None:
    gate = engine.script.gate = StepGate()
    gate.allow(2)
    heard = Heard(bridge)
    bridge.start(MODEL)
    bridge.submit(runner.accept(make_request()))
    bridge.submit(runner.accept(make_request()))
    qtbot.waitUntil(gate.waiting.is_set)
    assert bridge.shutdown(2000)
    assert not bridge.running
    assert [type(event) for event in heard.events[-2:]] == [Cancelled, Cancelled]
    assert engine.calls.closed == 1
    assert bridge.shutdown(), "it may be called again"
    bridge.submit(runner.accept(make_request()))
    assert len(engine.calls.runs) == 1, "after the end nothing runs"


def test_shutdown_says_no_while_the_thread_cannot_be_interrupted(
    bridge: EngineBridge, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.hold()
    bridge.start(MODEL)
    qtbot.waitUntil(engine.asked.is_set)
    assert bridge.shutdown(30) is False
    assert bridge.running
    engine.let_go()
    assert bridge.shutdown(5000)


def test_shutdown_before_the_start_needs_no_thread(bridge: EngineBridge, engine: HeldFactory) -> None:
    assert bridge.shutdown(0)
    bridge.start(MODEL)
    assert not bridge.running
    assert engine.engines == []
