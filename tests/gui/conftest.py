"""Guards and fixtures of everything that needs Qt. The guards of tests/conftest.py hold here too."""

from __future__ import annotations

import gc
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QThread
from PySide6.QtGui import QGuiApplication

from tests.helpers.app_fixtures import (
    app_paths,
    built_in,
    context,
    counter,
    delete_what_waits,
    engine,
    io,
    make_context,
    ready_context,
)

__all__ = ["app_paths", "built_in", "context", "counter", "engine", "io", "make_context", "ready_context"]


@pytest.fixture(scope="session", autouse=True)
def clipboard_emptied(qapp: object) -> Iterator[None]:
    """The offscreen platform's clipboard outlives Python, which what was copied into it (a QMimeData) does not bear."""
    yield
    QGuiApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def collected_here() -> None:
    """Python's garbage collector may run in any thread, and a QObject that it destroys outside of its own crashes
    the process (see app.collector). So it stays off, and what the test before left behind is collected here.

    What is alive then (modules, reports, what Qt holds on to) need not be walked again before each of a thousand tests:
    that took longer than many of them."""
    gc.disable()
    delete_what_waits()
    gc.collect()
    gc.freeze()


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Qt's offscreen platform warns at every window that it has no window manager to tell size hints to."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(autouse=True)
def no_thread_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that leaves a thread running and says where it was started."""
    started: list[tuple[QThread, str]] = []
    start = QThread.start

    def noted_start(thread: QThread, *arguments: Any) -> None:
        started.append((thread, "".join(traceback.format_stack(limit=8)[:-1])))
        start(thread, *arguments)

    monkeypatch.setattr(QThread, "start", noted_start)
    before = set(threading.enumerate())
    yield
    left = [where for thread, where in started if shiboken6.isValid(thread) and thread.isRunning()]
    for thread, _ in started:
        if shiboken6.isValid(thread) and thread.isRunning():
            thread.quit()
            thread.wait(2000)
    assert not left, "a QThread was left running; it was started here:\n" + "\n".join(left)
    # Qt's threads appear in Python as dummies, and stay listed after their end.
    others = [thread for thread in threading.enumerate() if thread not in before]
    python = [thread.name for thread in others if not isinstance(thread, threading._DummyThread)]
    assert not python, f"threads were left running: {python}"
