"""Journeys through the whole window, driven as a person does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.domain.errors import InvalidRequest, OutOfMemory
from sdstudio.engine.fake import StepGate
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.thumbs import ThumbRole
from tests.gui.ui_b.conftest import OpenWindow
from tests.helpers.app_fixtures import HeldFactory, MakeContext

Made = Callable[..., list[str]]


def ctrl_enter(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_first_start_shows_examples_with_the_first_ready(window: MainWindow, qtbot: QtBot) -> None:
    card = window.canvas.first_start
    assert window.canvas.first_start_shown
    assert [row.text() for row in card.rows] == ["a red apple on a blue background", "a white lighthouse by the sea"]
    assert window.context.session.state.positive == "a red apple on a blue background"
    assert [row.ready for row in card.rows] == [True, False]
    qtbot.mouseClick(card.rows[1], Qt.MouseButton.LeftButton)
    assert window.context.session.state.positive == "a white lighthouse by the sea"
    assert [row.ready for row in card.rows] == [False, True]


def test_a_prompt_of_ones_own_survives_the_first_listing(make_context: MakeContext, open_window: OpenWindow) -> None:
    context = make_context()
    context.session.update(positive="my own")
    window = open_window(context)
    assert context.session.state.positive == "my own"
    assert window.canvas.first_start_shown
    assert not any(row.ready for row in window.canvas.first_start.rows)


def test_ctrl_enter_makes_a_picture_that_forms_and_lands_in_the_list(
    window: MainWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.gate = gate = StepGate()
    ctrl_enter(window, qtbot)
    gate.allow(2)
    qtbot.waitUntil(lambda: window.bottom.state_text == "Step 2 of 4")
    content = window.canvas.view.content
    assert content is not None and content.forming
    assert (content.width, content.height) == (64, 64)
    assert content.pill == "Forming · 64 × 64"
    assert not window.canvas.first_start_shown
    assert window.canvas.strip.preview(2) is not None
    assert window.bottom.running
    gate.open()
    qtbot.waitUntil(lambda: window.bottom.state_text == "Ready")
    content = window.canvas.view.content
    assert content is not None and not content.forming
    assert Path(content.path).exists()
    assert window.results.run_list.selected_paths() == [content.path]
    assert window.results.earlier_model.rowCount() == 0
    assert window.context.gallery.rowCount() == 1
    assert not window.bottom.running
    assert window.bottom.detail_text == "1 picture in 0.5 s"


def test_previews_are_shown_one_after_the_other(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    seen: list[bytes] = []
    ctrl_enter(window, qtbot)
    for step in range(1, 4):
        gate.allow()
        qtbot.waitUntil(lambda step=step: window.canvas.strip.preview(step) is not None)  # type: ignore[misc]
        content = window.canvas.view.content
        assert content is not None
        seen.append(bytes(content.pyramid.image.constBits()))
    gate.open()
    qtbot.waitUntil(lambda: not window.bottom.running)
    assert len(set(seen)) == 3


def test_pictures_of_a_run_fill_their_cells(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    window.context.session.update(count=4)
    ctrl_enter(window, qtbot)
    gate.allow(6)
    qtbot.waitUntil(
        lambda: window.bottom.state_text == "Step 2 of 4" and window.bottom.detail_text.startswith("picture 2")
    )
    results = window.results
    assert results.run_section.fact == "1 of 4 done"
    states = [results.run_model.index(row).data(ThumbRole.STATE) for row in range(4)]
    assert states == ["", "forming", "waiting", "waiting"]
    assert results.run_model.index(1).data(ThumbRole.LABEL) == "2 / 4"
    assert not window.grab().isNull()
    gate.open()
    qtbot.waitUntil(lambda: not window.bottom.running)
    assert results.run_model.done == 4
    assert window.bottom.detail_text.startswith("4 pictures in")


def test_a_look_at_another_picture_is_not_interrupted_by_the_run(
    window: MainWindow, made: Made, engine: HeldFactory, qtbot: QtBot
) -> None:
    (first,) = made()
    engine.script.gate = gate = StepGate()
    window.commands.run("generate")
    gate.allow(1)
    qtbot.waitUntil(lambda: window.presenter.path == "")
    window.results.earlier_list.clicked.emit(window.results.earlier_model.index(0, 0))
    qtbot.waitUntil(lambda: window.presenter.path == first)
    gate.allow(1)
    qtbot.waitUntil(lambda: window.bottom.state_text == "Step 2 of 4")
    assert window.presenter.path == first
    window.results.run_list.clicked.emit(window.results.run_model.index(0))
    content = window.canvas.view.content
    assert content is not None and content.forming
    gate.open()
    qtbot.waitUntil(lambda: not window.bottom.running)
    assert window.presenter.path != first


def test_double_click_puts_all_settings_back(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    made(positive="a red apple", steps=3, guidance_scale=2.5, width=128, seed=2**63 + 5, seed_locked=True)
    made(positive="something else", steps=4, guidance_scale=9.0, width=64, seed_locked=False)
    results = window.results
    view = results.earlier_list
    index = results.earlier_model.index(0, 0)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    with qtbot.waitSignal(window.context.files.restored):
        qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    state = window.context.session.state
    assert (state.positive, state.steps, state.guidance_scale, state.width) == ("a red apple", 3, 2.5, 128)
    assert (state.seed, state.seed_locked) == (2**63 + 5, True)


def test_waiting_runs_can_be_moved_and_removed_with_keys(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    for prompt in ("one", "two", "three"):
        window.context.session.update(positive=prompt)
        window.commands.run("generate")
    qtbot.waitUntil(lambda: len(window.context.queue.waiting) == 2)
    assert window.bottom.queue_text == "2 waiting"
    assert window.left.bar.cost.text().startswith("starts after 3 runs")
    queue = window.results.queue
    queue.setFocus()
    queue.setCurrentIndex(queue.model().index(0, 0))
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(queue, Qt.Key.Key_Down, both)
    assert [item.request.prompt.positive for item in window.context.queue.waiting] == ["three", "two"]  # type: ignore[union-attr]
    assert queue.currentIndex().row() == 1
    qtbot.keyClick(queue, Qt.Key.Key_Delete)
    assert [item.request.prompt.positive for item in window.context.queue.waiting] == ["three"]  # type: ignore[union-attr]
    window.commands.run("clear_waiting")
    assert window.context.queue.waiting == ()
    gate.open()
    qtbot.waitUntil(lambda: not window.bottom.running)


def test_waiting_runs_can_be_dragged_and_crossed_out(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    for prompt in ("running", "one", "two", "three"):
        window.context.session.update(positive=prompt)
        window.commands.run("generate")
    qtbot.waitUntil(lambda: len(window.context.queue.waiting) == 3)
    queue = window.results.queue
    model = queue.model()

    def prompts() -> list[str]:
        return [item.request.prompt.positive for item in window.context.queue.waiting]  # type: ignore[union-attr]

    data = model.mimeData([model.index(0, 0)])
    model.dropMimeData(data, Qt.DropAction.MoveAction, 3, 0, model.index(-1, -1))
    assert prompts() == ["two", "three", "one"]
    data = model.mimeData([model.index(2, 0)])
    model.dropMimeData(data, Qt.DropAction.MoveAction, 0, 0, model.index(-1, -1))
    assert prompts() == ["one", "two", "three"]
    row = queue.visualRect(model.index(1, 0))
    qtbot.mouseClick(queue.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(row.right() - 20, row.center().y()))
    assert prompts() == ["one", "three"]
    window.commands.run("clear_waiting")
    gate.open()
    qtbot.waitUntil(lambda: not window.bottom.running)


def test_esc_cancels_the_run_and_keeps_what_was_finished(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    window.context.session.update(count=2)
    ctrl_enter(window, qtbot)
    gate.allow(5)
    qtbot.waitUntil(lambda: window.results.run_model.done == 1)
    with qtbot.waitSignal(window.context.queue.job_ended):
        qtbot.keyClick(window.left.prompt.positive, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.bottom.state_text == "Stopped")
    assert window.bottom.detail_text == "1 picture kept"
    assert not window.actions_table["cancel"].isEnabled()


def test_a_failed_run_says_what_happened_and_can_be_tried_again(
    window: MainWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.failures[0] = OutOfMemory(
        "It did not fit.", meaning="The steps are safe.", hint="Choose a smaller size."
    )
    ctrl_enter(window, qtbot)
    banner = window.canvas.banner
    qtbot.waitUntil(banner.isVisible)
    message = banner.message
    assert message is not None
    assert (message.title, message.text) == ("It did not fit.", "The steps are safe. Choose a smaller size.")
    assert message.details == "scripted failure"
    assert window.bottom.state_text == "Not finished"
    (again,) = banner.buttons()
    with qtbot.waitSignal(window.context.queue.picture_saved):
        qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    assert not banner.isVisible()
    qtbot.waitUntil(lambda: not window.bottom.running)


def test_a_refused_value_is_shown_beside_its_field(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.failures[0] = InvalidRequest("width", "This width is not possible.", hint="Choose 64.")
    ctrl_enter(window, qtbot)
    qtbot.waitUntil(lambda: window.left.bar.blocked)
    assert not window.canvas.banner.isVisible()


def test_the_last_picture_comes_back_at_the_next_start(
    make_context: MakeContext, open_window: OpenWindow, qtbot: QtBot
) -> None:
    first = make_context()
    window = open_window(first)
    with qtbot.waitSignal(first.queue.picture_saved) as saved:
        window.commands.run("generate")
    qtbot.waitUntil(lambda: first.queue.current is None)
    window.resize(1024, 700)
    window.close()
    assert first.close()
    again = open_window(make_context())
    assert again.size() == window.size()
    qtbot.waitUntil(lambda: again.presenter.path == saved.args[0].path)
    assert not again.canvas.first_start_shown


def drop(target: QWidget, paths: list[str]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    copy, button, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, button, none)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), copy, data, button, none))


@pytest.mark.parametrize("where", ["window", "prompt"])
def test_a_dropped_picture_puts_its_settings_back(window: MainWindow, made: Made, qtbot: QtBot, where: str) -> None:
    (path,) = made(positive="a red apple", seed=11, seed_locked=True)
    window.context.session.update(positive="changed", seed_locked=False)
    prompt = window.left.prompt.positive
    with qtbot.waitSignal(window.context.files.restored):
        drop(window if where == "window" else prompt.viewport(), [path])
    assert window.context.session.state.positive == "a red apple"
    assert window.context.session.state.seed == 11


def test_a_file_that_is_no_picture_is_refused_in_words(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "not.png"
    file.write_text("no picture", "utf-8")
    window.open_files([file])
    qtbot.waitUntil(window.canvas.banner.isVisible)
    assert window.canvas.banner.message is not None
    assert "not.png" in window.canvas.banner.message.title


def test_del_moves_to_the_bin_and_undo_brings_it_back(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    (path,) = made()
    made()
    view = window.results.earlier_list
    view.setFocus()
    view.setCurrentIndex(window.results.earlier_model.index(0, 0))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    qtbot.waitUntil(window.results.notice.isVisible)
    assert window.results.notice.text == "1 picture moved to the bin."
    assert not Path(path).exists()
    assert not window.context.gallery.index_of(path).isValid()
    with qtbot.waitSignal(window.files_bin.restored):
        qtbot.mouseClick(window.results.notice.undo_button, Qt.MouseButton.LeftButton)
    assert Path(path).exists()
    qtbot.waitUntil(lambda: window.context.gallery.index_of(path).isValid())


def test_copy_puts_picture_and_file_on_the_clipboard(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    (path,) = made()
    window.canvas.view.setFocus()
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    assert data.urls() == [QUrl.fromLocalFile(path)]
    assert data.hasImage()


def test_enlarge_makes_a_larger_picture(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    made()
    button = window.canvas.foot.enlarge_button
    with qtbot.waitSignal(window.context.queue.picture_saved) as saved:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert saved.args[0].image.size.width == 256
    qtbot.waitUntil(lambda: window.presenter.path == saved.args[0].path)
    assert window.canvas.strip.isHidden()


def test_closing_in_mid_job_remembers_and_ends(
    make_context: MakeContext,
    open_window: OpenWindow,
    engine: HeldFactory,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    engine.script.gate = gate = StepGate()
    context = make_context()
    window = open_window(context)
    for prompt in ("running", "waiting"):
        context.session.update(positive=prompt)
        window.commands.run("generate")
    qtbot.waitUntil(gate.waiting.is_set)
    qtbot.waitUntil(lambda: len(context.queue.waiting) == 1)
    with qtbot.waitSignal(window.closing):
        window.close()
    assert context.close()
    monkeypatch.setattr("sdstudio.jobs.journal._alive", lambda pid, started: False)
    engine.script.gate = None
    again = open_window(make_context())
    qtbot.waitUntil(again.canvas.banner.isVisible)
    message = again.canvas.banner.message
    assert message is not None and message.title == "SD Studio was closed before 2 runs were done"
    make, forget = again.canvas.banner.buttons()
    assert (make.text(), forget.text()) == ("Make them again", "Forget them")
    with qtbot.waitSignals([again.context.queue.job_ended] * 2):
        qtbot.mouseClick(make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: again.context.gallery.rowCount() == 2)
