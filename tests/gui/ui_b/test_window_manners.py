"""The window as a whole: look, focus, keys, what can be done when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.engine_state import EngineState
from sdstudio.app.gallery_model import GalleryRole
from sdstudio.ui.action_table import ACTION_ROWS
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.right_dock import LAYERS
from tests.gui.ui_b.conftest import OpenWindow
from tests.helpers.app_fixtures import HeldFactory, MakeContext

Made = Callable[..., list[str]]


def test_the_theme_changes_at_once(window: MainWindow) -> None:
    dark = window.grab().toImage().pixelColor(700, 100)
    window.commands.run("theme_light")
    assert window.grab().toImage().pixelColor(700, 100) != dark
    assert window.actions_table["theme_light"].isChecked()
    window.commands.run("theme_dark")
    assert window.actions_table["theme_dark"].isChecked()


def test_f6_goes_round_the_areas(window: MainWindow, made: Made) -> None:
    made()
    made()
    visited = []
    window.left.prompt.positive.setFocus()
    for _ in range(3):
        window.commands.run("next_area")
        visited.append(QApplication.focusWidget())
    assert visited == [window.canvas.view, window.results.run_list, window.left.prompt.positive]
    window.commands.run("previous_area")
    assert QApplication.focusWidget() is window.results.run_list


def test_getting_the_focus_does_not_change_the_picture(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    made()
    (second,) = made()[-1:]
    window.results.earlier_list.setFocus(Qt.FocusReason.TabFocusReason)
    assert window.results.earlier_list.currentIndex().data(GalleryRole.PATH) is not None
    assert window.presenter.path == second
    with qtbot.waitSignal(window.context.files.shown):
        qtbot.keyClick(window.results.earlier_list, Qt.Key.Key_Return)


def test_actions_are_there_when_they_make_sense(window: MainWindow, made: Made) -> None:
    actions = window.actions_table
    absent = ("copy", "use_settings", "enlarge", "to_bin", "zoom_in", "cancel", "clear_waiting", "use_last_seed")
    assert not any(actions[name].isEnabled() for name in absent)
    made()
    present = ("copy", "use_settings", "enlarge", "to_bin", "zoom_in", "use_last_seed")
    assert all(actions[name].isEnabled() for name in present)
    assert not actions["cancel"].isEnabled()


def test_single_keys_do_not_act_while_typing(window: MainWindow, made: Made, qtbot: QtBot) -> None:
    made()
    window.canvas.view.fit()
    prompt = window.left.prompt.positive
    prompt.setFocus()
    qtbot.keyClicks(prompt, "1 ?")
    assert window.canvas.view.viewport.fit
    assert window.context.session.state.positive.endswith("1 ?")
    window.canvas.view.setFocus()
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_1)
    assert window.canvas.view.viewport.zoom == 1.0
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_0)
    assert window.canvas.view.viewport.fit


def test_a_text_field_leaves_the_keys_of_the_window_alone(window: MainWindow) -> None:
    """Some editors know Ctrl+E or Ctrl+D as keys of their own; an action that has one of those gets it. What everybody
    knows from writing stays the field's."""
    prompt = window.left.prompt.positive
    for action in window.actions_table.all():
        action.setEnabled(True)
    for row in ACTION_ROWS:
        for key in row.keys:
            stroke = QKeySequence(key)[0]
            plain = stroke.keyboardModifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
            if plain or row.name in ("copy", "paste", "undo", "redo"):
                continue
            event = QKeyEvent(QEvent.Type.ShortcutOverride, stroke.key(), stroke.keyboardModifiers())
            event.ignore()
            QApplication.sendEvent(prompt, event)
            assert not event.isAccepted(), f"{row.name}: {key}"


def test_a_run_over_ten_seconds_that_ends_in_the_background_is_marked(
    context: AppContext, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = open_window(context)
    times = iter([0.0, 11.0])
    monkeypatch.setattr(window.attention, "_clock", lambda: next(times))
    monkeypatch.setattr(window, "isActiveWindow", lambda: False)
    with qtbot.waitSignal(context.queue.job_ended):
        window.commands.run("generate")
    assert window.windowTitle() == "1 picture done – SD Studio"
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowActivate))
    assert window.windowTitle() == "SD Studio"


def test_everything_fits_at_the_smallest_size(window: MainWindow) -> None:
    window.resize(1024, 640)
    assert window.size().width() == 1024 and window.size().height() == 640
    for part in (window.left, window.canvas, window.results):
        assert part.width() >= part.minimumSizeHint().width()
    assert window.left.bar.button.isVisible()


def test_settings_dialog_changes_settings_at_once(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.run("settings")
    dialog = window.commands.dialog("settings")
    assert dialog is not None and not dialog.isModal()
    boxes = {box.text(): box for box in dialog.findChildren(QCheckBox)}
    boxes["Reduce motion"].setChecked(True)
    assert window.context.settings.settings.reduce_motion
    assert window.theme.reduce_motion
    dialog.close()
    qtbot.waitUntil(lambda: window.commands.dialog("settings") is None)


def test_the_page_of_the_right_dock_comes_back(make_context: MakeContext, open_window: OpenWindow) -> None:
    for chosen, found in (("layers", False), ("results", True), ("results", False)):
        context = make_context()
        window = open_window(context)
        assert window.right.layers_shown == found
        window.right.tab_row.tabs.setCurrentIndex(LAYERS if chosen == "layers" else 0)
        window.close()
        assert context.close()


def test_a_chosen_card_that_is_gone_is_told_once_and_kept(
    make_context: MakeContext, open_window: OpenWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    context = make_context()
    context.settings.update(device="cuda:1")
    engine.script.missing_device = "cuda:1"
    window = open_window(context)
    message = window.canvas.banner.message
    assert message is not None and message.kind == "info"
    assert message.title == "Graphics card number 2, chosen in the settings, is not there."
    assert message.text.startswith("Pictures are made with the processor meanwhile.")
    assert context.bridge.state is EngineState.READY and context.settings.settings.device == "cuda:1"
    window.canvas.banner.close_message()
    window.troubles._on_info(context.bridge.info)
    assert window.canvas.banner.message is None, "the same news at the next start is none"
    window.troubles._on_info(replace(context.bridge.info, missing=""))
    window.troubles._on_info(context.bridge.info)
    assert window.canvas.banner.message is not None, "it had been back"


def test_why_no_card_is_used_is_told_once_by_the_program_that_was_chosen_for_cards(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = window.context.bridge.info
    assert info is not None
    without = replace(info, no_card="No graphics card is used, because there is no driver.")
    window.context.bridge.info_changed.emit(without)
    assert window.canvas.banner.message is None, "from source nobody chose torch's build"
    assert "there is no driver" in window.bottom._device.toolTip()
    monkeypatch.setattr("sdstudio.app.about_facts.is_frozen", lambda: True)
    window.troubles._on_info(without)
    message = window.canvas.banner.message
    assert message is not None and message.title == "Pictures are made with the processor."
    assert message.text == without.no_card
    window.canvas.banner.close_message()
    window.troubles._on_info(without)
    assert window.canvas.banner.message is None, "the same news at the next start is none"
