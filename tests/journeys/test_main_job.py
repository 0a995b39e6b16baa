"""The main job, as a person does it: start, type, Ctrl+Enter, watch, keep, come back, make it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.events import PictureSaved, Preview
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.pictures import load_picture
from sdstudio.wiring import Studio
from tests.helpers.children import run_python
from tests.journeys.conftest import OpenStudios

PATIENCE_MS = 60_000
PROMPT = "a red apple on a blue background"


def type_prompt(studio: Studio, text: str) -> None:
    edit = studio.window.left.prompt.positive
    edit.setFocus()
    QTest.keyClick(edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(edit, text)


def generate(studio: Studio) -> None:
    edit = studio.window.left.prompt.positive
    QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def make_one(studio: Studio, qtbot: QtBot) -> PictureSaved:
    with qtbot.waitSignal(studio.context.queue.picture_saved, timeout=PATIENCE_MS) as waiting:
        generate(studio)
    saved = waiting.args[0]
    assert isinstance(saved, PictureSaved)
    qtbot.waitUntil(lambda: studio.context.queue.current is None, timeout=PATIENCE_MS)
    return saved


def test_the_first_start_has_a_prompt_ready_to_run(studios: OpenStudios, qtbot: QtBot) -> None:
    studio = studios()
    (example, *_) = studio.context.session.model.presets.examples
    qtbot.waitUntil(lambda: studio.context.session.state.positive == example)
    saved = make_one(studio, qtbot)
    assert Path(saved.path).is_file()


def test_type_watch_keep_restart_and_make_again(studios: OpenStudios, qtbot: QtBot) -> None:
    studio = studios()
    previews: set[bytes] = set()

    def note(preview: Preview) -> None:
        previews.add(preview.image.pixels.tobytes())

    studio.context.queue.preview_changed.connect(note)
    type_prompt(studio, PROMPT)
    studio.context.session.update(steps=40)
    saved = make_one(studio, qtbot)
    assert len(previews) >= 5, "the picture was not seen forming"
    middle = load_picture(Path(saved.path)).rgb[40:88, 40:88].reshape(-1, 3).mean(0)
    assert middle[0] > 1.5 * middle[2], f"no red apple in the middle: {middle}"
    studios.close(studio)

    again = studios()
    context = again.context
    assert context.session.state.positive == PROMPT
    qtbot.waitUntil(lambda: context.gallery.rowCount() == 1, timeout=PATIENCE_MS)
    type_prompt(again, "something else")
    context.session.update(steps=3, seed_locked=False)

    view, earlier = again.window.results.earlier_list, again.window.results.earlier_model
    qtbot.waitUntil(lambda: view.visualRect(earlier.index(0, 0)).isValid(), timeout=PATIENCE_MS)
    spot: QPoint = view.visualRect(earlier.index(0, 0)).center()
    with qtbot.waitSignal(context.files.restored, timeout=PATIENCE_MS):
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    restored = context.session.build_request()
    assert isinstance(saved.request, GenerationRequest)
    assert restored == saved.request
    repeat = make_one(again, qtbot)
    assert repeat.image == saved.image, "the same request gave other pixels"
    assert repeat.path != saved.path


def test_queue_of_three_with_one_removed_then_cancel(studios: OpenStudios, qtbot: QtBot) -> None:
    studio = studios()
    context, queue = studio.context, studio.context.queue
    ended: list[JobItem] = []
    queue.job_ended.connect(ended.append)
    context.session.update(steps=1000)
    for word in ("apple", "banana", "cat"):
        type_prompt(studio, f"a {word}")
        generate(studio)
    qtbot.waitUntil(lambda: queue.current is not None and len(queue.waiting) == 2, timeout=PATIENCE_MS)
    queue.remove(queue.waiting[0].job_id)
    qtbot.waitUntil(lambda: [_words(item) for item in queue.waiting] == ["a cat"], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: queue.current is not None and queue.current.step > 0, timeout=PATIENCE_MS)
    for _ in range(2):
        QTest.keyClick(studio.window, Qt.Key.Key_Escape)
        number = len(ended) + 1
        qtbot.waitUntil(lambda number=number: len(ended) >= number, timeout=PATIENCE_MS)
        if number == 1:
            qtbot.waitUntil(lambda: queue.current is not None and queue.current.step > 0, timeout=PATIENCE_MS)
    assert [(_words(item), item.state) for item in ended] == [
        ("a apple", JobState.CANCELLED),
        ("a cat", JobState.CANCELLED),
    ]
    assert not list(context.results_folder.glob("*.png"))
    context.session.update(steps=4)
    make_one(studio, qtbot)


def test_closing_in_mid_job_keeps_it_for_the_next_start(
    studios: OpenStudios, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = studios()
    studio.context.session.update(steps=1000, seed=5, seed_locked=True)
    type_prompt(studio, "a blue fish")
    with qtbot.waitSignal(studio.context.queue.preview_changed, timeout=PATIENCE_MS):
        generate(studio)
    studios.close(studio)

    # Both starts are in one process here; the journal offers only what a process left that is gone.
    monkeypatch.setattr("sdstudio.jobs.journal._alive", lambda pid, started: False)
    again = studios()
    recovery = again.context.recovery
    qtbot.waitUntil(lambda: len(recovery.entries) == 1, timeout=PATIENCE_MS)
    banner = again.window.canvas.banner
    assert banner.isVisible()
    make_again, _forget = banner.buttons()
    again.context.session.update(steps=4)
    QTest.mouseClick(make_again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: again.context.queue.current is not None, timeout=PATIENCE_MS)
    request = again.context.queue.current.request if again.context.queue.current else None
    assert isinstance(request, GenerationRequest)
    assert (request.prompt.positive, request.sampling.seed, request.sampling.steps) == ("a blue fish", 5, 1000)
    assert not banner.isVisible()
    again.context.queue.cancel_current()
    qtbot.waitUntil(lambda: again.context.queue.current is None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not list(again.context.paths.journal.glob("*.json")), timeout=PATIENCE_MS)


def test_the_command_line_makes_the_same_pixels_twice(tmp_path: Path) -> None:
    command = ["-m", "sdstudio", "generate", "a red apple", "--seed", "7", "--steps", "4"]
    command += ["--out", str(tmp_path), "--json"]
    pictures = []
    for _ in range(2):
        done = run_python(command, offline=True)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        pictures.append(json.loads(line))
    first, second = (Path(picture["image"]) for picture in pictures)
    assert first != second
    assert load_picture(first) == load_picture(second)


def _words(item: JobItem) -> str:
    assert isinstance(item.request, GenerationRequest)
    return item.request.prompt.positive
