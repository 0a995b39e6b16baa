"""The canvas on disk: kept while it is worked on, back at the next start, whatever happened in between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_questions import UnsavedQuestion
from sdstudio.app.context import AppContext
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.errors import StorageError, StudioError
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.picture_decode import load_picture
from sdstudio.storage.pictures import save_png
from tests.helpers.app_fixtures import MakeContext
from tests.helpers.canvas_child import FIRST_STROKE, point
from tests.helpers.canvas_desk import SMALL, CanvasDesk, picture
from tests.helpers.sources import ROOT

Start = Callable[[], tuple[AppContext, CanvasDesk]]


def desk_of(context: AppContext, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk(context.canvas, qtbot)


def kept(context: AppContext, desk: CanvasDesk) -> None:
    desk.wait(lambda: context.autosave.up_to_date)


@pytest.fixture
def started(make_context: MakeContext, qtbot: QtBot) -> Start:
    """Starts the program on the same home and gives what it has on the canvas; starting again closes it before."""
    running: list[AppContext] = []

    def start() -> tuple[AppContext, CanvasDesk]:
        if running:
            assert running.pop().close(5000)
        context = make_context()
        running.append(context)
        desk = desk_of(context, qtbot)
        context.autosave.restore()
        return context, desk

    return start


def test_nothing_is_written_for_nothing(make_context: MakeContext, app_paths: AppPaths, qtbot: QtBot) -> None:
    context = make_context()
    context.autosave.restore()
    context.canvas.update_settings(tool="lasso")
    assert context.autosave.up_to_date and context.close()
    assert not app_paths.canvas.exists()


def test_the_canvas_stays_open_between_two_starts(started: Start) -> None:
    context, desk = started()
    desk.open()
    desk.stroke()
    context.canvas.toggle_target()
    desk.stroke([(30, 200), (200, 220)])
    context.canvas.undo()
    mask, labels = desk.mask(), desk.document.history.undo_labels
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    document = desk.document
    assert np.array_equal(desk.mask(), mask) and document.name == "apple" and context.canvas.modified
    assert np.array_equal(document.picture.read(document.rect), picture(SMALL).pixels)
    assert document.history.undo_labels == labels and context.canvas.can_redo
    assert context.canvas.settings.target == "paint", "the tools come back too"
    context.canvas.redo()
    assert document.paint.read(document.rect).any()
    context.canvas.go_to(0)
    assert not desk.mask().any() and not desk.notes and not desk.problems
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert not desk.mask().any() and len(desk.document.history.redo_labels) == 2


def test_what_was_closed_stays_closed(started: Start) -> None:
    context, desk = started()
    desk.open()
    kept(context, desk)
    context.canvas.ask_unsaved.connect(lambda question: question.discard())
    context.canvas.close_document()
    context, desk = started()
    desk.wait(lambda: not context.canvas.waits)
    assert context.canvas.document is None and not desk.notes


def test_a_stroke_in_progress_is_kept_too(started: Start) -> None:
    context, desk = started()
    desk.open()
    context.canvas.press(PointerEvent(100, 100))
    context.canvas.move([PointerEvent(150, 100), PointerEvent(200, 100)])
    kept(context, desk)
    painted = desk.mask()
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert np.array_equal(desk.mask(), painted) and desk.mask()[100, 150]
    context.canvas.undo()
    assert not desk.mask().any()


def test_a_file_from_the_command_line_waits_and_asks(started: Start) -> None:
    context, desk = started()
    desk.open()
    desk.stroke()
    assert context.close(5000)
    context, desk = started()
    asked: list[UnsavedQuestion] = []
    context.canvas.ask_unsaved.connect(asked.append)
    context.canvas.new_blank(Size(10, 10))
    assert not asked and context.canvas.document is None
    desk.wait(lambda: bool(asked))
    asked[0].cancel()
    assert desk.mask().any()


def killed_child(folder: Path, wanted: int, *more: str) -> int:
    """A program that painted, and was killed. Returns the point of its stroke that was certainly kept."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.helpers.canvas_child", str(folder), *more]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        reached = 0
        while reached < wanted:
            line = child.stdout.readline()
            assert line, "the child ended by itself"
            reached = int(line.split()[1])
        child.kill()
    return reached


def test_killed_in_mid_stroke_everything_is_back_but_the_last_moment(
    make_context: MakeContext, app_paths: AppPaths, qtbot: QtBot
) -> None:
    reached = killed_child(app_paths.canvas, 25)
    context = make_context()
    desk = desk_of(context, qtbot)
    context.autosave.restore()
    desk.wait(lambda: context.canvas.document is not None)
    mask = desk.mask()
    for x, y in (*FIRST_STROKE, *map(point, range(reached))):
        assert mask[int(y), int(x)] == 255
    assert np.array_equal(desk.document.picture.read(desk.document.rect), picture(SMALL).pixels)
    desk.wait(lambda: bool(desk.notes))
    assert desk.notes == ["The canvas is back as it was before SD Studio closed unexpectedly."]
    context.canvas.undo()
    assert not desk.mask()[20, 80] and desk.mask()[250, 60]
    context.canvas.undo()
    context.canvas.undo()
    assert not desk.mask().any() and not context.canvas.can_undo
    assert context.close(5000)
    again = make_context()
    desk = desk_of(again, qtbot)
    again.autosave.restore()
    desk.wait(lambda: again.canvas.document is not None)
    assert not desk.notes and not desk.mask().any()


@pytest.fixture
def wall(tmp_path: Path) -> Path:
    """A picture of 2 x 2 tiles; no two pixels are alike."""
    path = tmp_path / "wall.png"
    noise = np.random.default_rng(3).integers(0, 256, (SMALL.height, SMALL.width, 3), dtype=np.uint8)
    save_png(ImageBuffer.from_rgb(noise), path)
    return path


def test_killed_while_the_picture_is_on_its_way_to_the_disk_it_comes_from_its_file(
    started: Start, app_paths: AppPaths, wall: Path
) -> None:
    reached = killed_child(app_paths.canvas, 20, str(wall))
    pixels = load_picture(wall).pixels
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert np.array_equal(desk.document.picture.read(desk.document.rect), pixels)
    mask = desk.mask()
    assert all(mask[int(y), int(x)] == 255 for x, y in (*FIRST_STROKE, *map(point, range(reached))))
    desk.wait(lambda: bool(desk.notes))
    assert desk.notes == ["The canvas is back as it was before SD Studio closed unexpectedly."]
    kept(context, desk)
    wall.unlink()
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert np.array_equal(desk.document.picture.read(desk.document.rect), pixels) and not desk.notes


def test_a_file_that_is_gone_by_then_is_missed_in_words(started: Start, app_paths: AppPaths, wall: Path) -> None:
    killed_child(app_paths.canvas, 1, str(wall))
    wall.unlink()
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert not desk.document.picture.read(desk.document.rect).any() and desk.mask()[250, 60] == 255
    assert len(desk.notes) == 1 and "missing" in desk.notes[0] and "wall.png" in desk.notes[0]
    assert context.canvas.modified
    kept(context, desk)
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert not desk.notes, "it is said once"


def test_closing_in_the_middle_writes_the_rest(
    started: Start, wall: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("sdstudio.app.canvas_keeper.PIECE_S", 0.0)
    context, desk = started()
    with qtbot.waitSignal(context.autosave.followed):
        context.canvas.open_file(wall)
    assert not context.autosave.up_to_date
    pixels = desk.document.picture.read(desk.document.rect)
    assert context.close(5000)
    wall.unlink()
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)
    assert np.array_equal(desk.document.picture.read(desk.document.rect), pixels) and not desk.notes


def test_the_hand_goes_before_the_rest_of_the_picture(
    started: Start, wall: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("sdstudio.app.canvas_keeper.PIECE_S", 0.0)
    monkeypatch.setattr(
        "sdstudio.app.canvas_keeper.CanvasJournal.go_on", lambda journal, _seconds=0.0: journal.complete
    )
    context, desk = started()
    with qtbot.waitSignal(context.autosave.followed):
        context.canvas.open_file(wall)
    with qtbot.waitSignal(context.autosave.followed):
        desk.stroke()
    assert not context.autosave.up_to_date


def test_a_damaged_journal_never_stops_the_start(started: Start, app_paths: AppPaths) -> None:
    context, desk = started()
    desk.open()
    assert context.close(5000)
    for path in app_paths.canvas.glob("canvas.sqlite*"):
        path.write_bytes(b"rubbish" * 1000)
    context, desk = started()
    desk.wait(lambda: not context.canvas.waits)
    assert context.canvas.document is None and len(desk.notes) + len(desk.problems) == 1
    desk.open()
    kept(context, desk)
    context, desk = started()
    desk.wait(lambda: context.canvas.document is not None)


def test_two_windows_have_a_canvas_each(make_context: MakeContext, qtbot: QtBot) -> None:
    first, second = make_context(), make_context()
    one, other = desk_of(first, qtbot), desk_of(second, qtbot)
    one.open(Size(40, 40))
    other.open(Size(50, 50))
    kept(first, one)
    kept(second, other)
    assert first.close(5000) and second.close(5000)
    again, beside = make_context(), make_context()
    again.autosave.restore()
    beside.autosave.restore()
    desk = desk_of(again, qtbot)
    desk.wait(lambda: again.canvas.document is not None and beside.canvas.document is not None)
    assert {again.canvas.document.size, beside.canvas.document.size} == {Size(40, 40), Size(50, 50)}  # type: ignore[union-attr]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.app.canvas_autosave.RETRY_MS", 30)


def test_a_folder_that_cannot_be_written_is_said_once_and_tried_again(
    make_context: MakeContext, app_paths: AppPaths, impatient: None, qtbot: QtBot
) -> None:
    app_paths.data.mkdir(parents=True)
    app_paths.canvas.write_text("a file where the folder should be")
    context = make_context()
    desk = desk_of(context, qtbot)
    tries: list[StudioError] = []
    desk.open()
    desk.wait(lambda: bool(desk.problems))
    desk.stroke()
    context.autosave.failed.connect(tries.append)
    desk.wait(lambda: len(tries) >= 3)
    assert len(desk.problems) == 1 and isinstance(desk.problems[0], StorageError)
    assert "crash" in desk.problems[0].meaning and desk.mask().any() and "Errno" not in str(desk.problems[0])
    news: list[str] = []
    context.canvas.note_on.connect(lambda topic, _words: news.append(topic))
    app_paths.canvas.unlink()
    kept(context, desk)
    assert desk.notes == ["Changes of the canvas are being kept again."]
    assert news == [desk.problems[0].topic]
    mask = desk.mask()
    assert context.close(5000)
    again = make_context()
    desk = desk_of(again, qtbot)
    again.autosave.restore()
    desk.wait(lambda: again.canvas.document is not None)
    assert np.array_equal(desk.mask(), mask)


def test_a_full_disk_loses_nothing_that_was_kept(
    make_context: MakeContext, impatient: None, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    context = make_context()
    desk = desk_of(context, qtbot)
    desk.open()
    desk.stroke()
    kept(context, desk)
    mask = desk.mask()

    def full(*_: object) -> None:
        raise StorageError("The disk that holds the canvas is full.")

    monkeypatch.setattr("sdstudio.app.canvas_keeper.CanvasJournal.write", full)
    desk.stroke([(200, 200), (220, 220)])
    desk.wait(lambda: bool(desk.problems))
    assert context.close(5000), "closing does not hang on it"
    monkeypatch.undo()
    again = make_context()
    desk = desk_of(again, qtbot)
    again.autosave.restore()
    desk.wait(lambda: again.canvas.document is not None)
    assert np.array_equal(desk.mask(), mask)
