"""The measured process of `sdstudio bench ui`: the real window and the starter model, a fresh home, a beat of 5 ms.

The gap between two beats of a timer in the UI thread is what a hand would feel.
"""

from __future__ import annotations

import json
import sys
import time

BEAT_MS = 5
STEPS = 40
PICTURES = 4


def measure() -> int:
    """The child: opens the window, makes pictures, prints one JSON object, closes."""
    from PySide6.QtCore import QObject, Qt, QTimer, Slot

    from sdstudio import wiring
    from sdstudio.app.engine_state import EngineState
    from sdstudio.studio import Studio

    class Meter(QObject):
        def __init__(self, studio: Studio) -> None:
            super().__init__()
            self.gaps: dict[str, list[float]] = {"loading": [], "sampling": []}
            self._studio = studio
            self._phase = "loading"
            self._last = time.perf_counter()
            self._left = PICTURES
            self._timer = QTimer(self)
            self._timer.setTimerType(Qt.TimerType.PreciseTimer)
            self._timer.timeout.connect(self._beat)
            self._timer.start(BEAT_MS)
            studio.context.bridge.state_changed.connect(self._on_engine_state)
            studio.context.queue.job_ended.connect(self._on_job_ended)

        @Slot()
        def _beat(self) -> None:
            now = time.perf_counter()
            self.gaps[self._phase].append(now - self._last)
            self._last = now

        @Slot(object)
        def _on_engine_state(self, state: EngineState) -> None:
            if state is not EngineState.READY:
                return
            self._phase = "sampling"
            session = self._studio.context.session
            session.update(steps=STEPS, seed=7, seed_locked=True)
            for _ in range(PICTURES):
                self._studio.context.queue.add(session.build_request())

        @Slot(object)
        def _on_job_ended(self, item: object) -> None:
            self._left -= 1
            if self._left == 0:
                self._studio.window.close()

    studio = wiring.build_studio()
    meter = Meter(studio)
    studio.window.show()
    code = studio.run()
    studio.finish()
    print(json.dumps({**_figures("sampling", meter.gaps), **_figures("loading", meter.gaps)}), flush=True)
    return code


def _figures(phase: str, gaps: dict[str, list[float]]) -> dict[str, float]:
    ordered = sorted(gap * 1000 for gap in gaps[phase])
    if not ordered:
        raise RuntimeError(f"nothing was measured while {phase}")
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {f"{phase}_p99_ms": round(p99, 1), f"{phase}_worst_ms": round(ordered[-1], 1)}


if __name__ == "__main__":
    sys.exit(measure())
