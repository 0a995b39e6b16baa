"""The running window: what its first picture needs is there at once, the rest follows when it has been painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sdstudio import start_times

if TYPE_CHECKING:
    from sdstudio.app.context import AppContext
    from sdstudio.app.engine_state import EngineState
    from sdstudio.app.front_context import FrontContext
    from sdstudio.ui.main_window import MainWindow

CLOSE_TIMEOUT_MS = 1500
"""Closing in the middle of a job ends the process within two seconds, whatever the engine is doing."""


class Studio:
    """Asking for the context completes the window, too."""

    def __init__(
        self, window: MainWindow, run: Callable[[], int], front: FrontContext, build: Callable[[], AppContext]
    ) -> None:
        """`run`: the event loop, until the window is closed; the exit code. `front`: what the window was made with;
        `build` makes on top of it what the window does not need for its first picture."""
        self.window = window
        self.run = run
        self._front = front
        self._build = build
        self._context: AppContext | None = None

    @property
    def context(self) -> AppContext:
        if self._context is None:
            self._context = self._build()
            self.window.complete(self._context)
        return self._context

    def complete(self) -> None:
        """Nothing happens where it has been done."""
        _ = self.context

    def start(self) -> None:
        """The engine begins to load, pictures, models and unfinished jobs are looked for."""
        self.context.bridge.state_changed.connect(_note_ready)
        self.context.start()

    def finish(self) -> bool:
        """Saves the state and ends the threads. False: a thread is still inside something that cannot be
        interrupted; everything is saved, and the process must leave without waiting for it.

        A window that was closed before it was complete just ends, unless something was asked for in it: a run is then
        in the journal, and offered at the next start.
        """
        if self._context is None and not self.window.asked_early:
            return self._front.close(CLOSE_TIMEOUT_MS)
        return self.context.close(CLOSE_TIMEOUT_MS)


def _note_ready(state: EngineState) -> None:
    if state.value == "ready":
        start_times.note(start_times.ENGINE)
