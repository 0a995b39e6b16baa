"""Garbage collection in the window's thread only."""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
WAITS_MOST = 40
"""Beats (20 s) that a gesture may put it off: a polygon can stay open for an hour."""


class UiCollector(QObject):
    """Does the cyclic garbage collector's work from a timer, between `start` and `stop`.

    Python collects in whatever thread happens to allocate, and destroys what it finds there. A QObject (a closed
    dialog, say) that is part of a reference cycle would then die in the engine's or the disk thread, while its own
    thread sends it timer events: the program crashes, rarely and without a trace of why.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = False
        self._busy: Callable[[], bool] = bool
        self._waited = 0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._collect)

    def wait_while(self, busy: Callable[[], bool]) -> None:
        """A full collection takes the time of a frame (10 ms and more): none begins while somebody draws."""
        self._busy = busy

    def start(self) -> None:
        """Before the first other thread is started."""
        if not self._timer.isActive():
            self._was_on = gc.isenabled()
            gc.disable()
            self._timer.start()

    def stop(self) -> None:
        """When the other threads have ended."""
        if self._timer.isActive():
            self._timer.stop()
            if self._was_on:
                gc.enable()

    def _collect(self) -> None:
        """The oldest generation whose count is over Python's own threshold, as Python would."""
        if gc.get_threshold()[0] == 0:
            return  # Python's own sign for “not now”
        if self._busy() and self._waited < WAITS_MOST:
            self._waited += 1
            return
        self._waited = 0
        due = [count > threshold for count, threshold in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        for generation in (2, 1, 0):
            if due[generation]:
                gc.collect(generation)
                return
