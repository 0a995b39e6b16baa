"""The queue: order, states, cancelling, failing, and what the journal keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.engine_state import EngineState
from sdstudio.app.queue import JobItem, JobQueue, JobState
from sdstudio.domain.errors import DeviceLost, OutOfMemory, StorageError, StudioError
from sdstudio.domain.events import PictureSaved, Preview
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.fake import StepGate
from tests.helpers.app_fixtures import HeldFactory, make_request


class Watch(QObject):
    """All that a queue says."""

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self.current: list[JobItem | None] = []
        self.waiting: list[tuple[JobItem, ...]] = []
        self.saved: list[PictureSaved] = []
        self.previews: list[Preview] = []
        self.ended: list[JobItem] = []
        self.refused: list[StudioError] = []
        queue.current_changed.connect(self.current.append)
        queue.waiting_changed.connect(self.waiting.append)
        queue.picture_saved.connect(self.saved.append)
        queue.preview_changed.connect(self.previews.append)
        queue.job_ended.connect(self.ended.append)
        queue.refused.connect(self.refused.append)

    @property
    def states(self) -> list[JobState | None]:
        """Without repeats."""
        states = [None if item is None else item.state for item in self.current]
        return [state for at, state in enumerate(states) if at == 0 or state is not states[at - 1]]


def prompts(items: tuple[JobItem, ...]) -> list[str]:
    return [item.request.prompt.positive for item in items if isinstance(item.request, GenerationRequest)]


def entries(context: AppContext) -> int:
    """Journal entries on disk."""
    folder = context.paths.journal
    return len(list(folder.glob("*.json"))) if folder.exists() else 0


@pytest.fixture
def queue(ready_context: AppContext) -> JobQueue:
    return ready_context.queue


@pytest.fixture
def watch(queue: JobQueue) -> Watch:
    return Watch(queue)


@pytest.fixture
def gate(engine: HeldFactory) -> StepGate:
    """Every step of every job waits for a permit."""
    engine.script.gate = StepGate()
    return engine.script.gate


AddThree = Callable[[], list[str]]


@pytest.fixture
def add_three(queue: JobQueue, watch: Watch, gate: StepGate, qtbot: QtBot) -> AddThree:
    """One job runs and stands at the gate, and three wait; returns the ids of those."""

    def add() -> list[str]:
        for prompt in ("running", "one", "two", "three"):
            queue.add(make_request(prompt))
        qtbot.waitUntil(lambda: len(queue.waiting) == 3 and gate.waiting.is_set())
        return [item.job_id for item in queue.waiting]

    return add


def test_a_job_goes_through_its_states(queue: JobQueue, watch: Watch, ready_context: AppContext, qtbot: QtBot) -> None:
    request = make_request(count=2, steps=5)
    queue.add(request)
    qtbot.waitUntil(lambda: bool(watch.ended))
    assert watch.states == [
        JobState.RUNNING,
        JobState.LOADING,  # the request names another model than the one that was warmed up
        JobState.RUNNING,
        JobState.FINISHING,
        JobState.RUNNING,
        JobState.FINISHING,
        None,
    ]
    done = watch.ended[0]
    assert (done.state, done.request, done.done, done.pictures) == (JobState.DONE, request, 2, 2)
    assert done.fraction == 1.0
    assert [Path(saved.path).is_file() for saved in done.saved] == [True, True]
    assert done.saved == tuple(watch.saved)
    fractions = [item.fraction for item in watch.current if item is not None]
    assert fractions == sorted(fractions)
    assert entries(ready_context) == 0
    assert queue.current is None and queue.waiting == ()


def test_time_left_appears_after_three_steps(queue: JobQueue, watch: Watch, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.seconds_per_step = 2.0
    queue.add(make_request(steps=6))
    qtbot.waitUntil(lambda: bool(watch.ended))
    shown = {item.step: item.seconds_left for item in watch.current if item is not None}
    assert shown == {0: None, 1: None, 2: None, 3: 6.0, 4: 4.0, 5: 2.0, 6: 1.0}


def test_what_was_measured_is_known_for_the_next_job(queue: JobQueue, ready_context: AppContext, qtbot: QtBot) -> None:
    request = make_request(count=3)
    assert ready_context.step_times.seconds_for(request) is None
    with qtbot.waitSignal(queue.job_ended):
        queue.add(make_request())
    assert ready_context.step_times.seconds_for(request) == pytest.approx(1.5)


def test_waiting_jobs_learn_what_they_will_cost(
    queue: JobQueue, watch: Watch, gate: StepGate, add_three: AddThree, qtbot: QtBot
) -> None:
    add_three()
    assert {item.seconds_left for item in queue.waiting} == {None}
    gate.allow(4)
    qtbot.waitUntil(lambda: len(watch.ended) == 1)
    assert [item.seconds_left for item in queue.waiting] == [pytest.approx(0.5)] * 2


def test_big_seeds_come_through_whole(queue: JobQueue, watch: Watch, qtbot: QtBot) -> None:
    queue.add(make_request(seed=2**64 - 1, count=2))
    qtbot.waitUntil(lambda: bool(watch.ended))
    seeds = [saved.request.sampling.seed for saved in watch.saved]  # type: ignore[union-attr]
    assert seeds == [2**64 - 1, 0]


def test_previews_of_the_running_job_are_passed_on(queue: JobQueue, watch: Watch, qtbot: QtBot) -> None:
    queue.add(make_request(count=2))
    qtbot.waitUntil(lambda: bool(watch.ended))
    assert {preview.index for preview in watch.previews} == {0, 1}
    assert {preview.job_id for preview in watch.previews} == {watch.ended[0].job_id}


def test_jobs_run_in_the_order_in_which_they_stand(
    queue: JobQueue, watch: Watch, gate: StepGate, add_three: AddThree, qtbot: QtBot
) -> None:
    one, two, three = add_three()
    assert {item.state for item in queue.waiting} == {JobState.WAITING}
    queue.move(three, 0)
    queue.move(one, 99)
    queue.move("nobody", 0)
    assert prompts(queue.waiting) == ["three", "two", "one"]
    before = len(watch.waiting)
    queue.move(two, 1)
    assert len(watch.waiting) == before, "silent when nothing changed"
    gate.open()
    qtbot.waitUntil(lambda: len(watch.ended) == 4)
    assert prompts(tuple(watch.ended)) == ["running", "three", "two", "one"]


def test_removing_takes_the_journal_entry_along(
    queue: JobQueue, ready_context: AppContext, watch: Watch, gate: StepGate, add_three: AddThree, qtbot: QtBot
) -> None:
    _, two, _ = add_three()
    assert entries(ready_context) == 4
    queue.remove(two)
    queue.remove("nobody")
    assert queue.current is not None
    queue.remove(queue.current.job_id)
    assert prompts(queue.waiting) == ["one", "three"]
    qtbot.waitUntil(lambda: entries(ready_context) == 3)
    queue.clear_waiting()
    assert queue.waiting == ()
    qtbot.waitUntil(lambda: entries(ready_context) == 1)
    gate.open()
    qtbot.waitUntil(lambda: len(watch.ended) == 1)
    assert watch.ended[0].state is JobState.DONE


def test_cancelling_says_so_at_once_and_the_next_job_starts(
    queue: JobQueue, watch: Watch, gate: StepGate, add_three: AddThree, qtbot: QtBot
) -> None:
    add_three()
    queue.cancel_current()
    assert queue.current is not None and queue.current.state is JobState.CANCELLING
    changes = len(watch.current)
    queue.cancel_current()
    assert len(watch.current) == changes
    qtbot.waitUntil(lambda: bool(watch.ended))
    assert watch.ended[0].state is JobState.CANCELLED
    qtbot.waitUntil(lambda: queue.current is not None and queue.current.state is JobState.RUNNING)
    assert prompts((queue.current,)) == ["one"]
    gate.open()
    qtbot.waitUntil(lambda: len(watch.ended) == 4)
    states = [item.state for item in watch.current if item is not None and item.job_id == watch.ended[0].job_id]
    assert set(states[states.index(JobState.CANCELLING) :]) == {JobState.CANCELLING}


def test_a_failed_job_leaves_the_others_running(
    queue: JobQueue, ready_context: AppContext, watch: Watch, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.failures[0] = OutOfMemory("The picture did not fit.", meaning="It is lost.", hint="Make it smaller.")
    engine.script.fail_at_step = 2
    for prompt in ("fails", "works"):
        queue.add(make_request(prompt))
    qtbot.waitUntil(lambda: len(watch.ended) == 2)
    failed, done = watch.ended
    assert (failed.state, done.state) == (JobState.FAILED, JobState.DONE)
    assert failed.failure is not None
    assert (failed.failure.message, failed.failure.hint) == ("The picture did not fit.", "Make it smaller.")
    assert failed.seconds_left is None
    assert entries(ready_context) == 0


def test_when_the_graphics_card_is_lost_everything_waits_for_the_next_start(
    queue: JobQueue, ready_context: AppContext, watch: Watch, engine: HeldFactory, qtbot: QtBot
) -> None:
    """Every other job would fail as well."""
    engine.script.failures[0] = DeviceLost("The card has stopped working.", hint="Start again.")
    for prompt in ("fails", "waits", "waits too"):
        queue.add(make_request(prompt))
    qtbot.waitUntil(lambda: len(watch.ended) == 1 and len(queue.waiting) == 2)
    qtbot.waitUntil(lambda: entries(ready_context) == 3)
    assert queue.current is None and prompts(queue.waiting) == ["waits", "waits too"]
    assert len(engine.calls.runs) == 1


def test_a_job_that_cannot_be_journaled_is_refused(
    queue: JobQueue, ready_context: AppContext, watch: Watch, qtbot: QtBot
) -> None:
    ready_context.paths.results.parent.mkdir(parents=True, exist_ok=True)
    ready_context.paths.results.write_text("a file where the folder should be")
    accepted: list[bool] = []
    queue.add(make_request(), lambda: accepted.append(True))
    qtbot.waitUntil(lambda: bool(watch.refused))
    assert isinstance(watch.refused[0], StorageError)
    assert queue.current is None and queue.waiting == () and accepted == []


def test_a_prompt_sent_early_waits_and_then_runs(context: AppContext, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.hold()
    context.start()
    watch = Watch(context.queue)
    context.queue.add(make_request("first"))
    context.queue.add(make_request("second"))
    qtbot.waitUntil(lambda: len(context.queue.waiting) == 1)
    assert context.queue.current is not None
    assert context.queue.current.state is JobState.GETTING_READY
    assert engine.calls.runs == []
    engine.let_go()
    qtbot.waitUntil(lambda: len(watch.ended) == 2)
    assert prompts(tuple(watch.ended)) == ["first", "second"]
    assert watch.states[0] is JobState.GETTING_READY


def test_an_early_prompt_can_be_taken_back_at_once(context: AppContext, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.hold()
    context.start()
    watch = Watch(context.queue)
    context.queue.add(make_request("first"))
    context.queue.add(make_request("second"))
    qtbot.waitUntil(lambda: len(context.queue.waiting) == 1)
    context.queue.cancel_current()
    assert [item.state for item in watch.ended] == [JobState.CANCELLED]
    assert prompts((context.queue.current,)) == ["second"]  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: entries(context) == 1)
    engine.let_go()
    qtbot.waitUntil(lambda: len(watch.ended) == 2)
    assert len(engine.calls.runs) == 1


def test_with_a_broken_engine_each_job_says_why(context: AppContext, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.factory_failure = ImportError("No module named 'torch'")
    watch = Watch(context.queue)
    context.start()
    context.queue.add(make_request())
    qtbot.waitUntil(lambda: bool(watch.ended))
    assert context.bridge.state is EngineState.BROKEN
    assert watch.ended[0].state is JobState.FAILED
    assert watch.ended[0].failure is not None and "torch" in watch.ended[0].failure.message


@pytest.mark.parametrize("by_user", [False, True])
def test_closing_in_mid_job_keeps_what_is_left_for_the_next_start(
    ready_context: AppContext, make_context: Any, engine: HeldFactory, qtbot: QtBot, by_user: bool
) -> None:
    gate = engine.script.gate = StepGate()
    watch = Watch(ready_context.queue)
    gate.allow(4 + 1)
    ready_context.queue.add(make_request("running", seed=2**64 - 1, count=3))
    ready_context.queue.add(make_request("waiting", seed=5))
    qtbot.waitUntil(lambda: len(watch.saved) == 1 and gate.waiting.is_set() and len(ready_context.queue.waiting) == 1)
    if by_user:
        ready_context.queue.cancel_current()
    assert ready_context.close()
    assert [item.state for item in watch.ended] == [JobState.CANCELLED]
    left = sorted(
        (entry.job.request.prompt.positive, entry.job.request.sampling.seed, entry.job.request.sampling.count)
        for entry in all_entries(ready_context)
    )
    assert left == ([] if by_user else [("running", 0, 2)]) + [("waiting", 5, 1)]


def all_entries(context: AppContext) -> list[Any]:
    """Also of this process, which lives: the journal itself offers only those of processes that are gone."""
    return context.recovery._journal._entries()
