"""What is put into a watched folder is told of once it is complete; folders that come and go, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import model_watch
from sdstudio.app.context import AppContext
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_watch import ModelWatch
from sdstudio.domain.models_found import FolderKind
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors

SETTLE_MS = 60


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(qapp: object, io: IoWorker, clock: Clock) -> Iterator[ModelWatch]:
    watch = ModelWatch(io, settle_ms=SETTLE_MS, roots_ms=SETTLE_MS, clock=clock)
    yield watch
    watch.close()


def test_a_new_file_is_told_of(watch: ModelWatch, tmp_path: Path, qtbot: QtBot) -> None:
    watch.follow([str(tmp_path)], [])
    assert watch.complete and watch.watched == {str(tmp_path)}
    with qtbot.waitSignal(watch.changed):
        (tmp_path / "a.safetensors").write_bytes(b"1")
    with qtbot.waitSignal(watch.changed):
        (tmp_path / "a.safetensors").unlink()


def test_a_growing_file_is_told_of_only_when_it_stops(
    watch: ModelWatch, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    real, looks, told = model_watch._stamps_of, [0], list[int]()

    def growing(folders: tuple[str, ...]) -> model_watch.Stamps:
        """Whenever somebody looks, there is more of it; five times."""
        looks[0] += 1
        if looks[0] <= 5:
            with path.open("ab") as file:
                file.write(b"1234")
        return real(folders)

    monkeypatch.setattr(model_watch, "_stamps_of", growing)
    watch.changed.connect(lambda: told.append(path.stat().st_size))
    watch.follow([str(tmp_path)], [])
    path.touch()
    qtbot.waitUntil(lambda: bool(told))
    assert told == [20]


def test_a_copy_that_stalled_is_told_of_again(
    watch: ModelWatch, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_watch, "AFTERGLOW_MS", (SETTLE_MS,) * 100)
    watch.follow([str(tmp_path)], [])
    path = tmp_path / "a.safetensors"
    with qtbot.waitSignal(watch.changed):
        path.write_bytes(b"half")
    with qtbot.waitSignal(watch.changed), path.open("ab") as file:
        file.write(b"the rest")  # no new entry in the folder: only its size tells


def test_what_grows_inside_of_a_model_folder_counts(watch: ModelWatch, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "unet").mkdir()
    before = model_watch._stamps_of([str(tmp_path)])
    (tmp_path / "unet" / "a.bin").write_bytes(b"1")
    assert model_watch._stamps_of([str(tmp_path)]) != before
    assert model_watch._stamps_of([str(tmp_path / "gone")]) == {}


def test_a_disk_that_comes_and_goes_is_told_of(watch: ModelWatch, tmp_path: Path, qtbot: QtBot) -> None:
    disk = tmp_path / "disk"
    watch.follow([], [disk])
    qtbot.waitUntil(lambda: watch._roots_seen == ())
    with qtbot.waitSignal(watch.changed):
        disk.mkdir()
    qtbot.waitUntil(lambda: watch._roots_seen != ())
    with qtbot.waitSignal(watch.changed):
        disk.rmdir()


def test_where_not_all_can_be_watched_the_windows_use_leads_to_a_look(
    watch: ModelWatch, clock: Clock, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [str(tmp_path / name) for name in "ab"]
    for folder in folders:
        Path(folder).mkdir()
    watch.follow(folders, [])
    with qtbot.assertNotEmitted(watch.changed):
        watch.window_used()
    clock.now += model_watch.USED_AGAIN_S + 1
    with qtbot.waitSignal(watch.changed):
        watch.window_used()
    monkeypatch.setattr(model_watch, "WATCHED_MAX", 1)
    watch.follow(folders, [])
    assert not watch.complete and len(watch.watched) == 1
    with qtbot.waitSignal(watch.changed):
        watch.window_used()


def test_after_the_end_nothing_is_watched(watch: ModelWatch, tmp_path: Path, qtbot: QtBot) -> None:
    watch.follow([str(tmp_path)], [tmp_path])
    watch.close()
    with qtbot.assertNotEmitted(watch.changed):
        watch.window_used()
        watch.follow([str(tmp_path)], [])
    assert watch.watched == frozenset()


def test_a_model_appears_by_itself_and_an_unplugged_folder_says_so(
    ready_context: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    context = ready_context
    context.models.watch._settle_ms = SETTLE_MS
    context.models.watch._look_at_roots.setInterval(SETTLE_MS)
    disk = tmp_path / "disk"
    write_safetensors(disk / "deep" / "a.safetensors", families.small_sd(1))
    context.models.add_folder(disk)
    qtbot.waitUntil(lambda: [info.name for info in context.catalog.infos] == ["Starter", "a"])
    write_safetensors(disk / "deep" / "b.safetensors", families.small_sd(1))
    qtbot.waitUntil(lambda: [info.name for info in context.catalog.infos] == ["Starter", "a", "b"])
    disk.rename(tmp_path / "away")
    qtbot.waitUntil(lambda: not context.models.folders[-1].connected)
    assert context.models.folders[-1].kind is FolderKind.ADDED
    assert [info.name for info in context.catalog.infos] == ["Starter"]
    shutil.move(tmp_path / "away", disk)
    qtbot.waitUntil(lambda: len(context.catalog.infos) == 3)


def test_what_is_written_over_the_model_in_use_is_seen(
    ready_context: AppContext, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_watch, "AFTERGLOW_MS", ())
    context = ready_context
    context.models.watch._settle_ms = SETTLE_MS
    path = write_safetensors(tmp_path / "disk" / "a.safetensors", families.small_sd(1))
    context.models.add_folder(path.parent)
    qtbot.waitUntil(lambda: len(context.catalog.infos) == 2)
    context.session.choose_model(context.catalog.infos[1])
    for version, badge in ((2, "SD 2"), (1, "SD 1.5")):
        before = context.session.model.spec.hash
        write_safetensors(path, families.small_sd(version))
        qtbot.waitUntil(lambda badge=badge: context.session.model.badge == badge)
        assert context.session.model.spec.hash not in ("", before)
    path.unlink()
    qtbot.waitUntil(lambda: len(context.catalog.infos) == 1)
    write_safetensors(path, families.small_sd(1))
    qtbot.waitUntil(lambda: len(context.catalog.infos) == 2)
    write_safetensors(path, families.small_sd(2))
    qtbot.waitUntil(lambda: context.session.model.badge == "SD 2")


def test_a_folder_in_use_is_none_of_the_files(watch: ModelWatch, tmp_path: Path) -> None:
    watch.follow([str(tmp_path)], [])
    (tmp_path / "model").mkdir()
    watch.follow_file(str(tmp_path / "model"))
    assert watch.watched == {str(tmp_path)}
