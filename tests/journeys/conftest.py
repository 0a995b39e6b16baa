"""The real program: the real window, the real engine, the model in the box, a home that is thrown away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from sdstudio import wiring
from sdstudio.domain.engine_api import EngineFactory
from sdstudio.studio import Studio

CLOSE_MS = 20_000
"""A patience, not a promise: how long the engine may take to end after the window is closed."""


class OpenStudios:
    """Opens the program as often as a journey needs it; what is open at the end is closed."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self._open: list[Studio] = []

    def __call__(self, engine: EngineFactory | None = None) -> Studio:
        """`engine` instead of the real one, where a journey makes no pictures."""
        studio = wiring.build_studio(engine)
        studio.window.show()
        self._open.append(studio)
        studio.window.activateWindow()
        self._qtbot.waitUntil(studio.window.isActiveWindow)
        self._qtbot.waitUntil(lambda: studio.context.bridge.running)
        return studio

    def close(self, studio: Studio) -> None:
        """As the person does: the window first, then everything behind it, before the next start."""
        self._open.remove(studio)
        studio.window.close()
        assert studio.context.close(CLOSE_MS), "a thread went on after the window was closed"
        studio.window.deleteLater()
        studio.context.root.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def close_all(self) -> None:
        for studio in list(self._open):
            self.close(studio)


@pytest.fixture
def studios(qtbot: QtBot) -> Iterator[OpenStudios]:
    opened = OpenStudios(qtbot)
    yield opened
    opened.close_all()
