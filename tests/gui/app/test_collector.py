"""Garbage is collected in the window's thread, and nowhere else."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.collector import WAITS_MOST, UiCollector
from sdstudio.app.io_worker import IoWorker


class Node:
    """Part of a cycle, as a dialog is whose button calls one of its methods."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def gc_on() -> Iterator[None]:
    gc.collect()
    gc.enable()
    yield
    gc.disable()


def make_garbage_elsewhere(io: IoWorker, qtbot: QtBot) -> None:
    done: list[int] = []
    io.submit(lambda: len([[number] for number in range(200_000)]), done.append)
    qtbot.waitUntil(lambda: bool(done))


def test_other_threads_collect_nothing(gc_on: None, io: IoWorker, qtbot: QtBot) -> None:
    collector = UiCollector()
    collector.start()
    threads: list[int] = []
    for _ in range(50):
        weakref.finalize(Node(), lambda: threads.append(threading.get_ident()))
    make_garbage_elsewhere(io, qtbot)
    assert threads == []
    kept = [[number] for number in range(2 * gc.get_threshold()[0])]
    qtbot.waitUntil(lambda: len(threads) == 50)
    assert kept
    assert set(threads) == {threading.get_ident()}
    collector.stop()
    assert gc.isenabled()


def test_without_it_they_would(gc_on: None, io: IoWorker, qtbot: QtBot) -> None:
    """What makes the collector necessary; if this fails, Python has changed and it may go."""
    threads: list[int] = []
    for _ in range(50):
        weakref.finalize(Node(), lambda: threads.append(threading.get_ident()))
    make_garbage_elsewhere(io, qtbot)
    assert threads and set(threads) != {threading.get_ident()}


def test_stopping_leaves_a_collector_off_that_was_off(qapp: object) -> None:
    collector = UiCollector()
    assert not gc.isenabled()
    collector.start()
    collector.start()
    collector.stop()
    assert not gc.isenabled()


def test_nothing_is_collected_while_somebody_draws(gc_on: None, qtbot: QtBot) -> None:
    collector, busy = UiCollector(), [True]
    collector.wait_while(lambda: busy[0])
    collector.start()
    died: list[bool] = []
    weakref.finalize(Node(), lambda: died.append(True))
    kept = [[number] for number in range(2 * gc.get_threshold()[0])]
    for _ in range(WAITS_MOST - 1):
        collector._collect()
    assert not died and kept
    busy[0] = False
    collector._collect()
    assert died
    collector.stop()


def test_it_does_not_wait_for_ever(gc_on: None, qtbot: QtBot) -> None:
    collector = UiCollector()
    collector.wait_while(lambda: True)
    collector.start()
    died: list[bool] = []
    weakref.finalize(Node(), lambda: died.append(True))
    kept = [[number] for number in range(2 * gc.get_threshold()[0])]
    for _ in range(WAITS_MOST + 1):
        collector._collect()
    assert died and kept
    collector.stop()
