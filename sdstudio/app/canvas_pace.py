"""Whether the hand's frame is under way: other threads put their work off to the rest before the next one."""

from __future__ import annotations

import logging
import os
import sys
import threading

_log = logging.getLogger(__name__)

FRAME_S = 0.02
"""A frame that is not told to be over is, by now."""


class HandPace:
    """A core that packs pixels slows the one beside it by half, and both want Python's lock: what is written meanwhile
    is written between two frames. `begin` and `end` in the window's thread, `rest` in any other."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()

    @property
    def under_way(self) -> bool:
        return not self._free.is_set()

    def begin(self) -> None:
        self._free.clear()

    def end(self) -> None:
        self._free.set()

    def rest(self) -> None:
        """Waits until the frame under way is over."""
        if not self._free.wait(FRAME_S):
            self.end()


def step_back() -> None:
    """For a thread that works while the hand draws: it waits its turn at every waking, where it would push the window
    off its core. (Handing the journal its work cost the window 4 to 6 ms, half a stroke's frame.) Its fair share stays:
    what it writes is no later on a busy computer. Linux has this by thread; elsewhere nothing is done."""
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_BATCH, os.sched_param(0))
        except OSError as error:  # a sandbox may forbid it: only speed
            _log.info("A thread could not step back: %s", error)
