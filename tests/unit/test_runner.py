from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.engine_api import CancelToken, Engine
from sdstudio.domain.errors import ErrorKind, ModelError, StorageError, StudioError
from sdstudio.domain.events import (
    Cancelled,
    Failed,
    Finished,
    JobEvent,
    Loading,
    PictureSaved,
    Preview,
    Progress,
    Started,
)
from sdstudio.domain.request import ModelSpec
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage import files
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.pictures import load_picture, read_texts
from tests.helpers.requests import generation
from tests.helpers.scripted_engine import ScriptedEngine


class Desk:
    """A runner with its folders and all that it emits."""

    def __init__(self, folder: Path, engine: Callable[[], Engine] | Engine | None = None) -> None:
        self.results = folder / "results"
        self.journal_folder = folder / "journal"
        self.engine = engine if isinstance(engine, ScriptedEngine) else ScriptedEngine()
        factory = engine if callable(engine) else lambda: self.engine
        self.runner = JobRunner(
            journal=Journal(self.journal_folder),
            results=lambda: self.results,
            engine=factory,
            images=JobImages(ImageStore(folder / "images")),
            app_version="0.1",
        )
        self.events: list[JobEvent] = []
        self.cancel = CancelToken()

    def run(self, count: int = 1) -> JobEvent:
        self.runner.run(self.runner.accept(generation(count=count)), self.events.append, self.cancel)
        return self.events[-1]

    def kinds(self) -> list[type]:
        return [type(event) for event in self.events if not isinstance(event, Progress | Preview)]

    def open_jobs(self) -> list[str]:
        return [path.name for path in self.journal_folder.glob("*")]

    def pictures(self) -> list[str]:
        return sorted(path.name for path in self.results.glob("*"))


def test_a_job_from_acceptance_to_its_last_picture(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    job = desk.runner.accept(generation(count=2))
    assert desk.open_jobs() == [f"{job.job_id}.json"] and desk.engine.log == []
    desk.runner.run(job, desk.events.append, desk.cancel)
    assert desk.kinds() == [Loading, Started, Loading, PictureSaved, PictureSaved, Finished]
    assert desk.events[0] == Loading(job_id=job.job_id, what="Getting ready")
    assert desk.open_jobs() == []
    saved = [event for event in desk.events if isinstance(event, PictureSaved)]
    assert [event.path for event in saved] == list(job.files)
    for index, event in enumerate(saved):
        record = read_metadata(read_texts(Path(event.path))).record
        assert record is not None
        assert record.request == generation(count=2).for_batch(index) == event.request
        assert (record.seconds, record.device, record.threads, record.app_version) == (0.25, "Scripted", 2, "0.1")
        assert load_picture(Path(event.path)) == event.image


def test_the_engine_is_made_once_and_only_when_needed(tmp_path: Path) -> None:
    made: list[Engine] = []
    engine = ScriptedEngine()

    def factory() -> Engine:
        made.append(engine)
        return engine

    desk = Desk(tmp_path, factory)
    desk.runner.drop(desk.runner.accept(generation()))
    assert made == [] and desk.open_jobs() == [] and desk.runner.info() is None
    assert desk.runner.warm_up(ModelSpec(name="m", path="p")).device == "Scripted"
    desk.run()
    assert len(made) == 1 and desk.kinds()[0] is Started
    desk.runner.close()
    assert engine.log[-1] == "close"


def test_a_picture_is_on_disk_before_it_is_announced(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    seen: list[bool] = []

    def emit(event: JobEvent) -> None:
        if isinstance(event, PictureSaved):
            entry = json.loads(next(desk.journal_folder.glob("*.json")).read_text())
            seen.append(Path(event.path).exists() and event.index in entry["done"])

    desk.runner.run(desk.runner.accept(generation(count=3)), emit, desk.cancel)
    assert seen == [True, True, True]


def test_names_of_waiting_jobs_are_kept_free_and_files_are_never_overwritten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    jobs = [desk.runner.accept(generation(count=2)) for _ in range(3)]
    names = [name for job in jobs for name in job.files]
    assert len(set(names)) == 6
    Path(names[0]).write_bytes(b"someone else's")
    for job in jobs:
        desk.runner.run(job, desk.events.append, desk.cancel)
    assert Path(names[0]).read_bytes() == b"someone else's"
    assert len(desk.pictures()) == 7


def test_a_full_disk_fails_the_job_in_words_and_stops_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    job = desk.runner.accept(generation(count=3))

    def second_picture_fails(index: int, step: int) -> None:
        if (index, step) == (1, 1):

            def full(_handle: int) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(files.os, "fsync", full)

    desk.engine.before_step = second_picture_fails
    desk.runner.run(job, desk.events.append, desk.cancel)
    monkeypatch.undo()
    failed = desk.events[-1]
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.STORAGE
    assert str(desk.results) in failed.message and "full" in failed.message and failed.hint
    assert "cancelled at 2.1" in desk.engine.log
    assert desk.kinds().count(PictureSaved) == 1 and desk.kinds().count(Failed) == 1 and Cancelled not in desk.kinds()
    assert desk.pictures() == [Path(job.files[0]).name]
    assert desk.open_jobs() == []
    assert isinstance(Desk(tmp_path, desk.engine).run(), Finished)


def test_a_folder_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.results.write_bytes(b"a file")
    with pytest.raises(StorageError, match="file is in its way"):
        desk.runner.accept(generation())
    assert desk.open_jobs() == []


def test_cancel_before_the_start_does_not_make_the_engine(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.cancel.cancel()
    assert isinstance(desk.run(), Cancelled)
    assert desk.engine.log == [] and desk.open_jobs() == []


def test_cancel_within_a_job_keeps_what_is_done(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.engine.before_step = lambda index, step: desk.cancel.cancel() if (index, step) == (1, 2) else None
    assert isinstance(desk.run(count=3), Cancelled)
    assert len(desk.pictures()) == 1 and desk.open_jobs() == []


def raising(error: BaseException) -> Callable[[], Engine]:
    def factory() -> Engine:
        raise error

    return factory


def test_an_engine_that_cannot_be_made_fails_the_job(tmp_path: Path) -> None:
    desk = Desk(tmp_path, raising(ImportError("No module named torch")))
    failed = desk.run()
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.INTERNAL
    assert "No module named torch" in failed.message and "selftest" in failed.hint
    assert "ImportError" in failed.details and desk.open_jobs() == []
    with pytest.raises(StudioError, match="could not be started"):
        desk.runner.warm_up(ModelSpec(name="m", path="p"))


def test_typed_errors_keep_their_words(tmp_path: Path) -> None:
    error = ModelError("The model is damaged.", meaning="Nothing was made.", hint="Get it again.")
    failed = Desk(tmp_path, raising(error)).run()
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.message, failed.meaning, failed.hint) == (
        ErrorKind.MODEL,
        "The model is damaged.",
        "Nothing was made.",
        "Get it again.",
    )


def test_an_engine_that_breaks_its_promises_does_no_harm(tmp_path: Path) -> None:
    def explode(_index: int, _step: int) -> None:
        raise ZeroDivisionError("bug")

    failed = Desk(tmp_path, ScriptedEngine(before_step=explode)).run()
    assert isinstance(failed, Failed) and "bug" in failed.message and "explode" in failed.details
    silent = Desk(tmp_path, ScriptedEngine(silent=True)).run()
    assert isinstance(silent, Failed) and "without saying why" in silent.message


def test_the_engines_own_failure_is_passed_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedEngine(fail_with="Too little memory."))
    failed = desk.run()
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.OUT_OF_MEMORY
    assert desk.open_jobs() == []


@pytest.mark.parametrize("where", ["factory", "step"])
def test_ctrl_c_drops_the_job(tmp_path: Path, where: str) -> None:
    def interrupt(_index: int, _step: int) -> None:
        raise KeyboardInterrupt

    desk = Desk(tmp_path, raising(KeyboardInterrupt()) if where == "factory" else ScriptedEngine(before_step=interrupt))
    with pytest.raises(KeyboardInterrupt):
        desk.run()
    assert desk.open_jobs() == []


def test_a_client_that_fails_hears_of_it_and_the_job_is_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    def emit(event: JobEvent) -> None:
        if isinstance(event, PictureSaved):
            raise RuntimeError("client bug")

    with pytest.raises(RuntimeError, match="client bug"):
        desk.runner.run(desk.runner.accept(generation()), emit, desk.cancel)
    assert desk.open_jobs() == [] and len(desk.pictures()) == 1


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs POSIX folders")
@pytest.mark.expects_log("could not note a finished picture", "entry of a finished job stays")
def test_a_journal_that_breaks_in_mid_job_does_not_lose_the_picture(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    def break_journal(_index: int, step: int) -> None:
        if step == 1:
            for path in desk.journal_folder.iterdir():
                path.unlink()
            desk.journal_folder.rmdir()
            desk.journal_folder.write_bytes(b"a file now")

    desk.engine.before_step = break_journal
    assert isinstance(desk.run(), Finished)
    assert len(desk.pictures()) == 1
