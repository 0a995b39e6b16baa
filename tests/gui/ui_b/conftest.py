"""The whole window on a real application context with the fake engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.bridge import EngineState
from sdstudio.app.context import AppContext
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.style import make_style_sheet
from sdstudio.ui.theme import DARK, Theme

HERE = Path(__file__).parent
OpenWindow = Callable[[AppContext], MainWindow]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Qt's offscreen platform warns at every window that it has no window manager to tell size hints to."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(scope="session")
def one_theme(qapp: QApplication) -> Theme:
    theme = Theme("dark", qapp)
    theme.apply(qapp)
    return theme


@pytest.fixture
def theme(one_theme: Theme, qapp: QApplication) -> Iterator[Theme]:
    """Dark at the beginning of every test, whatever a test before did."""
    one_theme.set_mode("dark")
    if qapp.styleSheet() != make_style_sheet(DARK):
        one_theme.apply(qapp)
    yield one_theme


@pytest.fixture
def open_window(theme: Theme, qtbot: QtBot) -> OpenWindow:
    """Shows the window on a context and starts that, as the program does."""

    def open_(context: AppContext) -> MainWindow:
        window = MainWindow(context, theme)
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        with qtbot.waitSignals([context.gallery.refreshed, context.catalog.refreshed]):
            context.start()
        qtbot.waitUntil(lambda: context.bridge.state is not EngineState.STARTING)
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
