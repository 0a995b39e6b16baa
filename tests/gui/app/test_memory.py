"""Memory goes back to the system when a canvas has been closed."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_background import GONE_MOST
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.memory import give_memory_back
from sdstudio.canvas.pointer import PointerEvent
from tests.helpers.canvas_desk import CanvasDesk, discard


def test_it_can_be_asked_for_anywhere() -> None:
    give_memory_back()


def test_after_a_canvas_was_closed_in_another_thread_and_never_in_a_stroke(
    io: IoWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[threading.Thread, bool]] = []
    monkeypatch.setattr("sdstudio.app.canvas_background.TRIM_MS", 20)
    desk = CanvasDesk.make(io, qtbot)
    session = desk.session
    monkeypatch.setattr(
        "sdstudio.app.canvas_background.give_memory_back",
        lambda: given.append((threading.current_thread(), session.busy)),
    )
    desk.open()
    desk.open()
    session.press(PointerEvent(20, 20))
    later = QTimer(session, singleShot=True, interval=60)
    with qtbot.waitSignal(later.timeout):
        later.start()
    session.release(PointerEvent(30, 30))
    desk.wait(lambda: bool(given))
    before = len(given)
    session.ask_unsaved.connect(discard)
    session.close_document()
    desk.wait(lambda: len(given) > before + 1)
    assert all(thread is not threading.main_thread() and not busy for thread, busy in given)


def test_a_closed_canvas_is_freed_without_the_garbage_collector(
    io: IoWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held itself in a circle: a gigabyte stayed until the collector came by, which may be never."""
    monkeypatch.setattr("sdstudio.app.canvas_background.TRIM_MS", 20)
    desk = CanvasDesk.make(io, qtbot)
    closed = weakref.ref(desk.open())
    desk.stroke()
    desk.session.ask_unsaved.connect(discard)
    gc.disable()
    try:
        desk.session.close_document()
        desk.wait(lambda: closed() is None)
    finally:
        gc.enable()


def test_canvases_opened_one_after_the_other_do_not_pile_up(
    io: IoWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them puts off what is given back: here it never comes to that."""
    monkeypatch.setattr("sdstudio.app.canvas_background.TRIM_MS", 3_600_000)
    desk = CanvasDesk.make(io, qtbot)
    opened = [weakref.ref(desk.open()) for _ in range(6)]
    desk.wait(lambda: sum(document() is not None for document in opened) <= 1 + GONE_MOST)
    assert opened[-1]() is desk.session.document
