"""The whole window on a real application context with the fake engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.engine_state import EngineState
from sdstudio.ui import results_wiring
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.theme import Theme
from tests.helpers.models_desk import dialog, stocked
from tests.helpers.ui_fixtures import one_theme, theme

__all__ = ["dialog", "one_theme", "stocked", "theme"]

OpenWindow = Callable[[AppContext], MainWindow]


@pytest.fixture
def open_window(theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> OpenWindow:
    """Shows the window on a context and starts that, as the program does."""
    monkeypatch.setattr(results_wiring, "KEYS_FIRST_MS", 0)

    def open_(context: AppContext) -> MainWindow:
        window = MainWindow(context, theme)
        window.complete(context)
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        with qtbot.waitSignals([context.gallery.refreshed, context.catalog.refreshed]):
            context.start()
        qtbot.waitUntil(lambda: context.bridge.state is not EngineState.STARTING)
        if window.canvas.first_start_shown and context.session.model.presets.examples:
            qtbot.waitUntil(lambda: context.session.state.positive != "")
        return window

    return open_


@pytest.fixture
def window(context: AppContext, open_window: OpenWindow) -> MainWindow:
    """Ready for the first picture: empty results folder, engine ready."""
    return open_window(context)


@pytest.fixture
def made(window: MainWindow, qtbot: QtBot) -> Callable[..., list[str]]:
    """Makes pictures to the end and returns the paths, in the order they were saved."""

    def make(**settings: object) -> list[str]:
        paths: list[str] = []
        queue = window.context.queue
        queue.picture_saved.connect(lambda saved: paths.append(saved.path))
        window.context.session.update(**settings)
        with qtbot.waitSignal(queue.job_ended):
            window.commands.run("generate")
        qtbot.waitUntil(lambda: window.context.queue.current is None)
        return paths

    return make
