"""Where `sdstudio bench canvas` takes place: a canvas session with its autosave, and the view that shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdstudio.bench_canvas_control import TRIES, OtherWork

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from sdstudio.app.canvas_autosave import CanvasAutosave
    from sdstudio.app.canvas_session import CanvasSession
    from sdstudio.ui.canvas.editor_view import EditorView

SIDE = 8192
SECONDS = 4.0
VIEW = (1100, 800)
PATIENCE_S = 300.0
REST_S = 8.0
"""Before each stroke and each of the other parts: a laptop, or a host that shares its processors out, slows down under
lasting load, and no hand draws eight strokes in one go."""


class Stage:
    """Session, autosave and view, in a window of 1100 x 800; and `other`, the measure beside them."""

    def __init__(self, folder: Path, side: int, seconds: float) -> None:
        import psutil  # noqa: F401  which the program has loaded by the time a picture is opened

        from sdstudio.app.canvas_autosave import CanvasAutosave
        from sdstudio.app.canvas_session import CanvasSession
        from sdstudio.app.collector import UiCollector
        from sdstudio.app.io_worker import IoWorker
        from sdstudio.preload import SWITCH_INTERVAL_S
        from sdstudio.storage.settings import Settings
        from sdstudio.ui.application import make_application, make_theme
        from sdstudio.ui.canvas.editor_view import EditorView

        self.folder, self.side, self.seconds = folder, side, seconds
        self.other = OtherWork(TRIES if seconds >= SECONDS else 1)
        self.app: QApplication = make_application("sdstudio", "bench")
        theme = make_theme(self.app, Settings())
        self.collector = UiCollector()
        self.collector.start()
        self.workers = IoWorker(), IoWorker()
        self.session: CanvasSession = CanvasSession(self.workers[0])
        self.collector.wait_while(lambda: self.session.busy)
        sys.setswitchinterval(SWITCH_INTERVAL_S)  # as in the program
        self.autosave: CanvasAutosave = CanvasAutosave(self.session, self.workers[1], folder / "canvas")
        self.errors: list[object] = []
        self.session.problem.connect(self.errors.append)
        self.view: EditorView = EditorView(self.session, theme)
        self.view.resize(*VIEW)
        self.view.show()

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self.errors or time.monotonic() > end:
                raise RuntimeError(str(self.errors[0]) if self.errors else "the benchmark waits in vain")
            self.app.processEvents()
            time.sleep(0.0005)

    def settle(self) -> None:
        """Nothing goes on, everything is kept, and what the view shows is painted and as good as it gets."""
        self.app.processEvents()
        self.until(lambda: self.session.work is None and self.autosave.up_to_date and self.view.scene.sharp)
        self.app.processEvents()

    def rest(self) -> None:
        """As long as REST_S for strokes as long as SECONDS, with the window answering."""
        end = time.monotonic() + REST_S * self.seconds / SECONDS
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.02)

    def close(self) -> None:
        self.autosave.close()
        for worker in self.workers:
            worker.close(60_000)
