"""The left dock on a real application context, in a window that has the focus."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.theme import Theme
from tests.helpers.ui_fixtures import one_theme, theme

__all__ = ["one_theme", "theme"]


def show(widget: QWidget, qtbot: QtBot) -> None:
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)


@pytest.fixture
def dock(context: AppContext, theme: Theme, qtbot: QtBot) -> LeftDock:
    dock = LeftDock(context, theme)
    dock.complete(context)
    dock.resize(320, 840)
    show(dock, qtbot)
    return dock
