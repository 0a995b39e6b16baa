"""Long work on the canvas in a thread of its own: one at a time, with a label, a fraction done, and cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import CancelledByUser, StudioError

T = TypeVar("T")
PROGRESS_S = 0.1
"""Progress is told at most ten times a second."""


@dataclass(frozen=True, slots=True)
class CanvasWork:
    """What goes on. `fraction` is None where nobody knows; `exclusive`: the canvas cannot be changed meanwhile."""

    label: str
    fraction: float | None = None
    can_cancel: bool = True
    exclusive: bool = True


class Ticket:
    """What the work gets along: the way to tell how far it is, and to learn that nobody wants it any more."""

    def __init__(self, tell: Callable[[Ticket, float], None]) -> None:
        self._tell = tell
        self._told = time.monotonic()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raises CancelledByUser once the work is not wanted any more."""
        if self._cancelled.is_set():
            raise CancelledByUser

    def progress(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_S:
            self._told = now
            self._tell(self, fraction)


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    work: CanvasWork
    ticket: Ticket
    submit: Callable[[], None]


class CanvasWorker(QObject):
    """Runs works one after another on its IoWorker. What was cancelled is forgotten at once: its thread may need a
    moment longer, and whatever it still brings is dropped."""

    changed = Signal(object)  # CanvasWork | None
    _told = Signal(object, float)

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._io = io
        self._orders: list[_Order] = []  # the first one runs
        self._work: CanvasWork | None = None
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    @property
    def work(self) -> CanvasWork | None:
        """What runs."""
        return self._work

    @property
    def exclusive(self) -> CanvasWork | None:
        """What runs or waits and forbids changes of the canvas meanwhile."""
        return next((order.work for order in self._orders if order.work.exclusive), None)

    def run(
        self,
        work: CanvasWork,
        function: Callable[[Ticket], T],
        done: Callable[[T], None],
        failed: Callable[[StudioError], None],
    ) -> Ticket:
        """`function` runs in the other thread when those before it have ended; then `done` or `failed` is called
        here, with the work no longer listed."""
        ticket = Ticket(self._told.emit)

        def run() -> tuple[T] | None:
            try:
                ticket.check()
                return (function(ticket),)
            except CancelledByUser:
                return None

        def finished(result: tuple[T] | None) -> None:
            if self._end(ticket) and result is not None:
                done(result[0])

        def broken(error: StudioError) -> None:
            if self._end(ticket):
                failed(error)

        order = _Order(work, ticket, lambda: self._io.submit(run, finished, broken))
        self._orders.append(order)
        if len(self._orders) == 1:
            order.submit()
            self._set(work)
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """Nobody wants it any more. Quiet when it has ended already."""
        ticket.cancel()
        self._end(ticket)

    def cancel(self) -> bool:
        """All that can be cancelled is. False when there is no such work."""
        wanted = [order for order in self._orders if order.work.can_cancel]
        for order in wanted:
            self.drop(order.ticket)
        return bool(wanted)

    def _end(self, ticket: Ticket) -> bool:
        """False when the work was forgotten already."""
        index = next((index for index, order in enumerate(self._orders) if order.ticket is ticket), None)
        if index is None:
            return False
        del self._orders[index]
        if index == 0:
            if self._orders:
                self._orders[0].submit()
            self._set(self._orders[0].work if self._orders else None)
        return True

    @Slot(object, float)
    def _on_told(self, ticket: Ticket, fraction: float) -> None:
        if self._work is not None and self._orders and self._orders[0].ticket is ticket:
            self._set(replace(self._work, fraction=min(max(fraction, 0.0), 1.0)))

    def _set(self, work: CanvasWork | None) -> None:
        if work != self._work:
            self._work = work
            self.changed.emit(work)
