"""Long work: one after another, told about, and forgotten at once when nobody wants it any more."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_work import CanvasWork, CanvasWorker, Ticket
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import StudioError, UnreadableFile

PATIENCE_S = 20.0


class Gate:
    """Work that goes on until it is let go or cancelled."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.left = threading.Event()
        self._go = threading.Event()

    def let_go(self) -> None:
        self._go.set()

    def __call__(self, ticket: Ticket) -> str:
        self.entered.set()
        try:
            while not self._go.wait(0.005):
                ticket.check()
            return "done"
        finally:
            self.left.set()


@pytest.fixture
def worker(io: IoWorker) -> CanvasWorker:
    return CanvasWorker(io)


def unexpected(error: StudioError) -> None:
    raise AssertionError(str(error))


def test_works_run_in_order_and_each_is_told(worker: CanvasWorker, qtbot: QtBot) -> None:
    told: list[str] = []
    worker.changed.connect(lambda work: told.append("" if work is None else work.label))
    results: list[int] = []
    for number in range(3):
        worker.run(CanvasWork(f"work {number}"), lambda _, n=number: n, results.append, unexpected)  # type: ignore[misc]
    assert worker.work == CanvasWork("work 0")
    qtbot.waitUntil(lambda: len(results) == 3)
    assert results == [0, 1, 2]
    assert told == ["work 0", "work 1", "work 2", ""]
    assert worker.work is None


def test_what_is_cancelled_is_gone_at_once_and_its_result_is_dropped(worker: CanvasWorker, qtbot: QtBot) -> None:
    gate = Gate()
    results: list[str] = []
    worker.run(CanvasWork("long"), gate, results.append, unexpected)
    worker.run(CanvasWork("waits"), lambda _: "second", results.append, unexpected)
    qtbot.waitUntil(gate.entered.is_set)
    assert worker.cancel()
    assert worker.work is None and not worker.cancel()
    worker.run(CanvasWork("third"), lambda _: "third", results.append, unexpected)
    qtbot.waitUntil(lambda: bool(results))
    assert results == ["third"] and gate.left.is_set()


def test_what_cannot_be_cancelled_goes_on(worker: CanvasWorker, qtbot: QtBot) -> None:
    gate = Gate()
    results: list[str] = []
    worker.run(CanvasWork("saving", can_cancel=False), gate, results.append, unexpected)
    assert not worker.cancel()
    gate.let_go()
    qtbot.waitUntil(lambda: results == ["done"])


def test_work_that_waits_is_exclusive_too(worker: CanvasWorker, qtbot: QtBot) -> None:
    gate = Gate()
    ended: list[object] = []
    worker.run(CanvasWork("saving", can_cancel=False, exclusive=False), gate, ended.append, unexpected)
    assert worker.exclusive is None
    worker.run(CanvasWork("filling"), lambda _: None, ended.append, unexpected)
    assert worker.exclusive == CanvasWork("filling") and worker.work is not None and worker.work.label == "saving"
    gate.let_go()
    qtbot.waitUntil(lambda: len(ended) == 2)
    assert worker.exclusive is None


def test_a_failure_ends_the_work_in_words(worker: CanvasWorker, qtbot: QtBot) -> None:
    def fail(_: Ticket) -> None:
        raise UnreadableFile("“a.png” is damaged.")

    errors: list[StudioError] = []
    worker.run(CanvasWork("opening"), fail, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert "a.png" in str(errors[0]) and worker.work is None


def test_progress_comes_ten_times_a_second_at_most(
    worker: CanvasWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("sdstudio.app.canvas_work.time.monotonic", lambda: clock[0])

    def count(ticket: Ticket) -> str:
        for step in range(1000):
            clock[0] = step / 1000
            ticket.progress(step / 1000)
        return "done"

    fractions: list[float | None] = []
    results: list[str] = []
    worker.changed.connect(lambda work: fractions.append(None if work is None else work.fraction))
    worker.run(CanvasWork("counting"), count, results.append, unexpected)
    qtbot.waitUntil(lambda: bool(results))
    told = [fraction for fraction in fractions if fraction is not None]
    assert told == sorted(told) and 9 <= len(told) <= 10


def test_a_dropped_work_leaves_the_others(worker: CanvasWorker, qtbot: QtBot) -> None:
    gate = Gate()
    results: list[str] = []
    first = worker.run(CanvasWork("first"), gate, results.append, unexpected)
    worker.run(CanvasWork("second"), lambda _: "second", results.append, unexpected)
    worker.drop(first)
    qtbot.waitUntil(lambda: results == ["second"])
    worker.drop(first)
