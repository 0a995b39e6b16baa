"""What a crash or a closed window left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.rest import rest_of
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.request import GenerationRequest, JobRequest, UpscaleRequest
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from tests.helpers.app_fixtures import HeldFactory, MakeContext, make_request


@given(st.integers(1, 12), st.sets(st.integers(0, 12)), st.integers(0, 2**64 - 1))
def test_the_rest_is_exactly_what_is_missing(count: int, done: set[int], seed: int) -> None:
    request = make_request(count=count, seed=seed)
    rest = [part for part in rest_of(request, done) if isinstance(part, GenerationRequest)]
    made = [part.for_batch(index) for part in rest for index in range(part.sampling.count)]
    assert made == [request.for_batch(index) for index in range(count) if index not in done]


def test_the_rest_of_an_enlargement_is_all_or_nothing() -> None:
    request = UpscaleRequest(image=ImageInput(sha256="0" * 64, width=8, height=8))
    assert rest_of(request, set()) == (request,)
    assert rest_of(request, {0}) == ()


def leave_behind(context: AppContext, *requests: JobRequest, done: tuple[int, ...] = ()) -> None:
    """Journal entries as a process that died would leave them."""
    journal = Journal(context.paths.journal)
    runner = JobRunner(
        journal=journal,
        results=lambda: context.results_folder,
        engine=HeldFactory(),
        images=JobImages(context.images),
        app_version="0",
    )
    for request in requests:
        job = runner.accept(request)
        for index in done:
            journal.done_picture(job.job_id, index)
    for path in context.paths.journal.glob("*.json"):
        entry = json.loads(path.read_text("utf-8"))
        # The process that has this number now began later: the entry's own is gone.
        path.write_text(json.dumps({**entry, "process_started": 1.0}), "utf-8")


def entry_files(context: AppContext) -> list[Path]:
    return list(context.paths.journal.glob("*.json"))


@pytest.fixture
def after_crash(context: AppContext, qtbot: QtBot) -> AppContext:
    """Started after a crash with four of which the second is done, and one waiting."""
    leave_behind(context, make_request("batch", count=4, seed=10), done=(1,))
    leave_behind(context, make_request("other", seed=99))
    with qtbot.waitSignal(context.recovery.entries_changed):
        context.start()
    return context


def test_nothing_is_offered_after_a_clean_end(ready_context: AppContext) -> None:
    assert ready_context.recovery.entries == ()


def test_what_was_open_is_offered(after_crash: AppContext) -> None:
    assert sorted((entry.job.request.prompt.positive, set(entry.done)) for entry in after_crash.recovery.entries) == [  # type: ignore[union-attr]
        ("batch", {1}),
        ("other", set()),
    ]


def test_made_again_are_the_pictures_that_were_not_finished(
    after_crash: AppContext, engine: HeldFactory, qtbot: QtBot
) -> None:
    after_crash.recovery.again_all()
    assert after_crash.recovery.entries == ()
    qtbot.waitUntil(lambda: engine.calls.made == 4 and entry_files(after_crash) == [])
    seeds = sorted(
        request.sampling.seed + index
        for _, request in engine.calls.runs
        if isinstance(request, GenerationRequest)
        for index in range(request.sampling.count)
    )
    assert seeds == [10, 12, 13, 99]


def test_forgotten_entries_are_gone(after_crash: AppContext, engine: HeldFactory, qtbot: QtBot) -> None:
    first, second = after_crash.recovery.entries
    after_crash.recovery.forget(first)
    assert after_crash.recovery.entries == (second,)
    after_crash.recovery.forget(first)
    after_crash.recovery.again(first)
    qtbot.waitUntil(lambda: len(entry_files(after_crash)) == 1)
    after_crash.recovery.forget_all()
    qtbot.waitUntil(lambda: entry_files(after_crash) == [])
    assert engine.calls.runs == []


def test_an_entry_stays_when_its_rest_cannot_be_journaled(
    after_crash: AppContext, engine: HeldFactory, qtbot: QtBot, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    after_crash.settings.update(results_folder=str(blocked))
    files = sorted(entry_files(after_crash))
    with qtbot.waitSignal(after_crash.queue.refused):
        after_crash.recovery.again(after_crash.recovery.entries[0])
    with qtbot.waitSignal(after_crash.settings.changed):
        after_crash.settings.update(results_folder="")
    assert sorted(entry_files(after_crash)) == files


def test_one_program_does_not_offer_the_jobs_of_another_that_lives(
    make_context: MakeContext, engine: HeldFactory, qtbot: QtBot
) -> None:
    first = make_context()
    first.runner.accept(make_request())
    second = make_context()
    second.recovery.load()
    done: list[None] = []
    second.io.submit(lambda: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert second.recovery.entries == ()
