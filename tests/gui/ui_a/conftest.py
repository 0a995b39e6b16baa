"""The left dock on a real application context, in a window that has the focus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.style import make_style_sheet
from sdstudio.ui.theme import DARK, Theme

HERE = Path(__file__).parent


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


def show(widget: QWidget, qtbot: QtBot) -> None:
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)


@pytest.fixture
def dock(context: AppContext, theme: Theme, qtbot: QtBot) -> LeftDock:
    dock = LeftDock(context, theme)
    dock.resize(320, 840)
    show(dock, qtbot)
    return dock
