"""The whole application without a window."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.errors import ModelError, StorageError
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.fake import FakeEngineFactory, StepGate
from sdstudio.storage.paths import AppPaths
from tests.helpers.app_fixtures import HeldFactory, MakeContext, WordCounter, build_context, write_model


def test_building_it_starts_no_engine_and_writes_no_picture_folder(context: AppContext, engine: HeldFactory) -> None:
    assert engine.engines == []
    assert not context.bridge.running
    assert not context.paths.results.exists()


def test_the_main_job(ready_context: AppContext, make_context: MakeContext, qtbot: QtBot) -> None:
    """Type, generate, restart, restore: the same request."""
    session, queue = ready_context.session, ready_context.queue
    session.update(positive="a red apple on a blue background", steps=5)
    request = session.build_request()
    pictures: list[PictureSaved] = []
    queue.picture_saved.connect(pictures.append)
    with qtbot.waitSignal(queue.job_ended):
        queue.add(request)
    saved = pictures[0]
    assert Path(saved.path).parent == ready_context.paths.results
    assert ready_context.close()

    again = make_context()
    assert again.session.state == session.state
    assert again.session.history == ("a red apple on a blue background",)
    assert again.session.last_seed == request.sampling.seed
    assert again.step_times.seconds_for(request) is not None
    with qtbot.waitSignal(again.gallery.refreshed):
        again.start()
    assert again.recovery.entries == ()
    path = again.gallery.index(0).data()
    assert path == Path(saved.path).name
    again.session.update(positive="something else", steps=9)
    with qtbot.waitSignal(again.files.restored) as restored:
        again.files.restore(saved.path)
    back: GenerationRequest = restored.args[0]  # type: ignore[index]
    assert again.session.restore(back) == ""
    assert again.session.build_request() == request


def test_closing_in_mid_job_waits_for_the_engine_no_longer_than_it_may(
    ready_context: AppContext, engine: HeldFactory, qtbot: QtBot
) -> None:
    gate = engine.script.gate = StepGate()
    ready_context.queue.add(ready_context.session.build_request())
    qtbot.waitUntil(gate.waiting.is_set)
    assert ready_context.close(), "the job let go before the time was over"
    assert not ready_context.bridge.running


def test_closing_while_the_libraries_are_imported_saves_everything_and_says_so(
    context: AppContext, make_context: MakeContext, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.hold()
    context.start()
    context.session.update(positive="typed early")
    context.queue.add(context.session.build_request())
    qtbot.waitUntil(lambda: engine.asked.is_set() and context.queue.current is not None)
    assert context.close(50) is False
    assert "typed early" in context.paths.session_file.read_text("utf-8")
    assert len(list(context.paths.journal.glob("*.json"))) == 1, "the job is offered at the next start"
    engine.let_go()
    assert context.close(5000)
    assert engine.calls.runs == []


def test_the_results_folder_follows_the_settings(
    ready_context: AppContext, make_context: MakeContext, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "elsewhere"
    ready_context.settings.update(results_folder=str(folder))
    assert ready_context.results_folder == ready_context.gallery.folder == folder
    with qtbot.waitSignal(ready_context.queue.picture_saved) as saved:
        ready_context.queue.add(ready_context.session.build_request())
    assert Path(saved.args[0].path).parent == folder  # type: ignore[index]
    assert ready_context.close()
    assert make_context().results_folder == folder


def test_settings_are_silent_when_nothing_changed_and_come_back(
    context: AppContext, make_context: MakeContext, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(context.settings.changed) as changed:
        context.settings.update(theme="light", threads=2)
    assert changed.args == [context.settings.settings]
    with qtbot.assertNotEmitted(context.settings.changed):
        context.settings.update(theme="light")
    assert context.close()
    again = make_context()
    assert (again.settings.settings.theme, again.settings.settings.threads) == ("light", 2)
    assert again.settings.notes == ()


def test_settings_that_cannot_be_written_are_a_problem(context: AppContext, qtbot: QtBot) -> None:
    context.paths.config.parent.mkdir(parents=True, exist_ok=True)
    context.paths.config.write_text("a file where the folder should be")
    with qtbot.waitSignal(context.settings.problem) as problem:
        context.settings.update(theme="light")
    assert isinstance(problem.args[0], StorageError)  # type: ignore[index]


@pytest.mark.expects_log("cannot be a folder")
def test_a_home_that_cannot_be_written_is_said_at_the_start(
    context: AppContext, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    context.paths.data.parent.mkdir(parents=True, exist_ok=True)
    context.paths.data.write_text("a file where the folder should be")
    with qtbot.waitSignal(context.settings.problem) as problem:
        context.start()
    error = problem.args[0]  # type: ignore[index]
    assert isinstance(error, StorageError) and str(context.paths.data) in error.message
    assert "cannot be kept" in error.meaning and error.hint
    # Other disk work fails for the same reason, a moment later: the log says so, the screen does not say it twice.
    qtbot.waitUntil(lambda: "cannot be a folder" in caplog.text)


def test_a_damaged_settings_file_is_noted(app_paths: AppPaths, make_context: MakeContext) -> None:
    app_paths.settings_file.parent.mkdir(parents=True)
    app_paths.settings_file.write_text("theme = ")
    context = make_context()
    assert len(context.settings.notes) == 1
    assert context.settings.settings.theme == "dark"


def test_the_last_model_is_back_as_soon_as_it_is_found(make_context: MakeContext, qtbot: QtBot) -> None:
    first = make_context()
    write_model(first.paths.models / "mine", "Dreamy", b"dreamy")
    with qtbot.waitSignal(first.catalog.refreshed):
        first.catalog.refresh()
    first.session.choose_model(first.catalog.infos[1])
    first.session.update(steps=3)
    assert first.close()
    second = make_context()
    assert second.session.model.name == "Starter"
    with qtbot.waitSignal(second.session.model_changed):
        second.start()
    assert (second.session.model.name, second.session.state.steps) == ("Dreamy", 3)


def test_without_the_model_in_the_box_it_says_what_is_missing(
    qapp: object, app_paths: AppPaths, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="Starter"):
        build_context(
            app_paths,
            engine=FakeEngineFactory(),
            counter=WordCounter(),
            built_in=tmp_path / "nothing",
        )
