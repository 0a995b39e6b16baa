"""The window's first picture: soon there, in its final look, and nothing that is asked for early is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext, complete_context
from sdstudio.app.front_context import FrontContext, build_front
from sdstudio.jobs.job_images import JobImages
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.paths import AppPaths
from sdstudio.studio import Studio
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.results_wiring import KEYS_FIRST_MS
from sdstudio.ui.theme import Theme
from tests.helpers.app_fixtures import HeldFactory, WordCounter, delete_what_waits
from tests.helpers.children import run_python

TOO_EARLY = ("numpy", "PIL", "sqlite3", "tokenizers", "torch", "PySide6.QtNetwork", "yaml", "hashlib", "difflib")
TOO_EARLY_OF_OURS = (
    *("sdstudio.canvas.", "sdstudio.jobs.", "sdstudio.app.canvas_", "sdstudio.app.bridge", "sdstudio.app.job_item"),
    *("sdstudio.domain.edits", "sdstudio.domain.events", "sdstudio.storage.pictures"),
)
Complete = Callable[[], AppContext]


@pytest.fixture
def front(qapp: object, app_paths: AppPaths, counter: WordCounter, built_in: Path) -> FrontContext:
    return build_front(app_paths, counter=counter, built_in=built_in)


@pytest.fixture
def window(front: FrontContext, theme: Theme, qtbot: QtBot) -> MainWindow:
    """As it is at its first picture."""
    window = MainWindow(front, theme)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


@pytest.fixture
def complete(front: FrontContext, window: MainWindow, engine: HeldFactory) -> Iterator[Complete]:
    """What follows the first picture, to be called by the test."""
    made: list[AppContext] = []

    def complete_() -> AppContext:
        images = JobImages(ImageStore(front.paths.images))
        made.append(complete_context(front, engine=engine, images=images, app_version="0.0.test"))
        window.complete(made[0])
        return made[0]

    yield complete_
    delete_what_waits()
    assert made and made[0].close(), "the context could not be closed in time"


def seen(window: MainWindow) -> dict[str, QRect]:
    """Where everything lies that can be seen, by its place in the tree of widgets."""
    found: dict[str, QRect] = {}

    def look(widget: QWidget, name: str) -> None:
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            return
        found[name] = QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())
        kinds: dict[str, int] = {}
        for child in widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            kind = type(child).__name__
            kinds[kind] = kinds.get(kind, 0) + 1
            look(child, f"{name}/{kind}{kinds[kind]}")

    for part in (window.left, window.canvas, window.right, window.bottom, window.menuBar()):
        look(part, type(part).__name__)
    return found


def test_nothing_that_is_seen_moves_when_the_rest_follows(window: MainWindow, complete: Complete, qtbot: QtBot) -> None:
    before, focus = seen(window), window.focusWidget()
    complete()
    window.left.repaint()
    QTest.qWait(0)
    after = seen(window)
    moved = {name: (place, after.get(name)) for name, place in before.items() if after.get(name) != place}
    assert len(before) > 50 and not moved
    assert window.focusWidget() is focus is window.left.prompt.positive


def test_a_run_asked_for_before_the_rest_is_there_is_made(
    window: MainWindow, complete: Complete, front: FrontContext, qtbot: QtBot
) -> None:
    front.session.update(positive="a pear")
    QTest.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    QTest.mouseClick(window.left.bar.button, Qt.MouseButton.LeftButton)
    context = complete()
    with qtbot.waitSignal(context.queue.job_ended):
        context.start()
    assert len(context.queue.waiting) + (context.queue.current is not None) == 1


def test_keys_that_were_on_their_way_stay_alone(
    front: FrontContext, window: MainWindow, complete: Complete, qtbot: QtBot
) -> None:
    """No example gets in before them."""
    context = complete()
    with qtbot.waitSignal(context.gallery.refreshed):
        context.start()
    assert window.canvas.first_start_shown
    QTest.keyClicks(window.left.prompt.positive, "a pear")
    after = QTimer(window, singleShot=True, interval=KEYS_FIRST_MS + 1)  # runs out behind the one that is tested
    with qtbot.waitSignal(after.timeout):
        after.start()
    assert front.session.state.positive == "a pear"


@pytest.fixture
def studio(front: FrontContext, window: MainWindow, engine: HeldFactory) -> Studio:
    """Whose event loop never ran."""

    def build() -> AppContext:
        images = JobImages(ImageStore(front.paths.images))
        return complete_context(front, engine=engine, images=images, app_version="0.0.test")

    return Studio(window, lambda: 0, front, build)


def test_a_window_closed_before_the_rest_is_there_leaves_only_its_state(
    window: MainWindow, front: FrontContext, studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build() -> AppContext:
        raise AssertionError("nothing more is needed for that")

    monkeypatch.setattr(studio, "_build", build)
    before = {path for path in home.rglob("*") if path.is_file()}
    front.session.update(positive="typed early")
    assert window.close() and studio.finish()
    assert {path for path in home.rglob("*") if path.is_file()} - before == {front.paths.session_file}
    kept = json.loads(front.paths.session_file.read_text("utf-8"))
    assert kept["session"]["state"]["positive"] == "typed early"
    assert set(kept["window"]) == {"geometry", "splitter", "results", "right_tab"}


def test_a_run_asked_for_in_a_window_that_was_closed_at_once_is_offered_at_the_next_start(
    window: MainWindow, front: FrontContext, studio: Studio
) -> None:
    front.session.update(positive="a pear")
    QTest.mouseClick(window.left.bar.button, Qt.MouseButton.LeftButton)
    assert window.close() and studio.finish()
    (entry,) = front.paths.journal.glob("*.json")
    assert json.loads(entry.read_text("utf-8"))["request"]["prompt"]["positive"] == "a pear"
    delete_what_waits()


def test_the_layers_are_where_they_were_left(
    app_paths: AppPaths, counter: WordCounter, built_in: Path, theme: Theme, engine: HeldFactory, qtbot: QtBot
) -> None:
    """The page that is shown first is not there yet."""
    front = build_front(app_paths, counter=counter, built_in=built_in)
    front.state_file.set_window(b"layers", "right_tab")
    window = MainWindow(front, theme)
    qtbot.addWidget(window)
    assert window.right.layers_shown
    images = JobImages(ImageStore(front.paths.images))
    context = complete_context(front, engine=engine, images=images, app_version="0.0.test")
    window.complete(context)
    window.show()
    assert window.right.layers_shown and window.right.layers.isVisible()
    delete_what_waits()
    assert context.close()


def test_what_was_kept_for_the_canvas_outlives_a_start_that_never_came_to_it(
    app_paths: AppPaths, counter: WordCounter, built_in: Path, engine: HeldFactory, qapp: object, qtbot: QtBot
) -> None:
    file = app_paths.session_file
    file.parent.mkdir(parents=True)
    kept = {"tools": {"tool": "eraser"}, "edits": {"mode": "replace"}}
    file.write_text(json.dumps({"schema": 1, "session": {}, "window": {}, **kept}), "utf-8")
    front = build_front(app_paths, counter=counter, built_in=built_in)
    front.session.update(positive="typed early")
    front.state_file.save_now()
    qtbot.waitUntil(lambda: "typed early" in file.read_text("utf-8"))
    again = json.loads(file.read_text("utf-8"))
    assert again["tools"] == kept["tools"] and again["edits"] == kept["edits"]
    images = JobImages(ImageStore(front.paths.images))
    context = complete_context(front, engine=engine, images=images, app_version="0.0.test")
    assert context.canvas.settings.tool == "eraser"
    assert context.edit_settings.mode.value == "replace"
    assert context.close()


def test_a_program_closed_at_its_first_picture_reads_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDSTUDIO_HOME", str(tmp_path))
    code = (
        "import os, sys\n"
        "from PySide6.QtCore import QTimer\n"
        "from sdstudio import wiring\n"
        "from sdstudio.app import qt_imports\n"
        "studio = wiring.build_studio()\n"
        "studio.window.show()\n"
        "QTimer.singleShot(0, studio.window.close)\n"
        "code = studio.run()\n"
        "ended = studio.finish()\n"
        "print('loaded:', code, ended, *sys.modules, flush=True)\n"
        "os._exit(0)\n"
    )
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr
    left, ended, *loaded = done.stdout.partition("loaded:")[2].split()
    assert (left, ended) == ("0", "True")
    assert [name for name in loaded if name in TOO_EARLY or name.startswith(TOO_EARLY_OF_OURS)] == []


def test_the_first_picture_waits_for_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDSTUDIO_HOME", str(tmp_path))
    code = (
        "import os, sys\n"
        "from sdstudio import wiring\n"
        "from sdstudio.app import qt_imports\n"
        "studio = wiring.build_studio()\n"
        "studio.window.show()\n"
        "studio.window.grab()\n"
        "print('loaded:', *sys.modules, flush=True)\n"
        "os._exit(0)\n"
    )
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.partition("loaded:")[2].split()
    assert "sdstudio.ui.main_window" in loaded
    early = [name for name in loaded if name in TOO_EARLY or name.startswith(TOO_EARLY_OF_OURS)]
    assert early == [], "these belong behind MainWindow.complete or AppContext.complete_context"
