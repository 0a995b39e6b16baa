"""Generate in the whole window: what is in front decides, and the button says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.errors import ErrorKind, StudioError
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.request import GenerationRequest
from sdstudio.ui.main_window import MainWindow
from tests.helpers.app_fixtures import HeldFactory, MakeContext
from tests.helpers.edit_desk import EditDesk


@pytest.fixture
def desk(window: MainWindow, qtbot: QtBot) -> EditDesk:
    """The page in front is the window's business here."""
    return EditDesk(window.context, qtbot)


def words(window: MainWindow) -> str:
    return window.left.bar.button.text()


def test_the_button_follows_page_mask_and_frame(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    assert words(window) == "Generate"
    desk.open(Size(128, 96))
    qtbot.waitUntil(lambda: words(window) == "Redraw the picture")
    desk.mask(Rect(40, 30, 20, 20))
    qtbot.waitUntil(lambda: words(window) == "Fill the mask")
    window.left.edit.modes.buttons["remove"].click()
    qtbot.waitUntil(lambda: words(window) == "Remove what is masked")
    desk.settings.extend("right", Size(128, 96))
    qtbot.waitUntil(lambda: words(window) == "Extend to the right")
    desk.settings.frame = None
    window.commands.run("switch_page")
    qtbot.waitUntil(lambda: words(window) == "Generate")
    assert not window.left.edit_fold.open
    window.commands.run("switch_page")
    qtbot.waitUntil(lambda: words(window) == "Remove what is masked")
    window.commands.run("close_canvas")


def test_ctrl_enter_fills_the_mask_and_on_the_result_makes_a_picture(
    window: MainWindow, desk: EditDesk, engine: HeldFactory, qtbot: QtBot
) -> None:
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    window.left.prompt.focus_prompt()
    QTest.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(desk.saved) == 1)
    assert desk.jobs[0].task == "inpaint" and desk.saved[0].edit is not None
    assert desk.saved[0].edit.changed_outside == 0
    assert window.canvas.canvas_shown, "a run does not take the canvas away"
    qtbot.waitUntil(lambda: window.context.queue.current is None)
    window.canvas.show_result()
    window.commands.run("generate")
    qtbot.waitUntil(lambda: len(desk.saved) == 2)
    request = desk.saved[1].request
    assert isinstance(request, GenerationRequest) and request.task == "text" and len(desk.jobs) == 1


def test_a_frame_that_misses_the_mask_greys_the_button(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    desk.open(Size(256, 96))
    desk.mask(Rect(200, 30, 20, 20))
    desk.settings.frame = Rect(0, 0, 64, 64)
    bar = window.left.bar
    qtbot.waitUntil(lambda: not bar.button.isEnabled())
    assert "shows nothing of what is masked" in bar.cost.text()
    window.commands.run("generate")
    QTest.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert window.context.queue.current is None and not desk.jobs
    desk.settings.frame = None
    qtbot.waitUntil(bar.button.isEnabled)


def test_the_cost_is_that_of_the_frame(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    desk.context.session.update(steps=10, count=2)
    desk.context.step_times.learn(desk.context.session.draft_request(), 20.0)
    desk.open(Size(64, 64))
    desk.mask(Rect(20, 20, 20, 20))
    qtbot.waitUntil(lambda: window.left.bar.cost.text() == "about 35 s for 2")
    assert "Sees 64 × 64, about 35 s" in window.left.bar.button.toolTip()


def test_what_cannot_be_stored_is_said_in_the_banner(window: MainWindow, desk: EditDesk, qtbot: QtBot) -> None:
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    folder = desk.context.paths.images
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    folder.write_text("a file where the folder should be")
    window.commands.run("generate")
    qtbot.waitUntil(lambda: window.canvas.banner.message is not None)
    assert not desk.jobs


def test_try_again_finds_its_place_on_the_canvas(
    window: MainWindow, desk: EditDesk, engine: HeldFactory, qtbot: QtBot
) -> None:
    failure = StudioError("There was not enough memory.")
    failure.kind = ErrorKind.OUT_OF_MEMORY
    engine.script.failures[0] = failure
    desk.open(Size(128, 96))
    desk.mask(Rect(40, 30, 20, 20))
    window.commands.run("generate")
    qtbot.waitUntil(lambda: window.canvas.banner.message is not None)
    message = window.canvas.banner.message
    assert message is not None
    message.remedies[0].act()
    qtbot.waitUntil(lambda: len(desk.saved) == 1)
    assert [job.job_id for job in desk.jobs][-1] == desk.saved[0].job_id
    assert len(desk.jobs) == 2


def test_the_choices_come_back_at_the_next_start(make_context: MakeContext, qtbot: QtBot) -> None:
    first: AppContext = make_context()
    first.edit_settings.update(feather=33)
    first.edit_settings.extend_by = 200
    assert first.close()
    path = Path(first.paths.session_file)
    assert '"edits"' in path.read_text()
    again = make_context()
    assert (again.edit_settings.values.feather, again.edit_settings.extend_by) == (33, 200)
