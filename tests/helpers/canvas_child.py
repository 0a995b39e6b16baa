"""A program that paints on the canvas without end, to be killed: `python -m tests.helpers.canvas_child FOLDER [FILE]`.

Prints `painted N` each time that the autosave has caught up, N being the point of the stroke that was last reached.
With the FILE of a picture that one is opened, and the disk is so slow that most of it never gets there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer

from sdstudio.app import canvas_keeper
from sdstudio.app.canvas_autosave import CanvasAutosave
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.storage.canvas_journal import CanvasJournal
from tests.helpers.canvas_desk import SMALL, picture

BEAT_MS = 5
POINTS_A_ROW = 200
ROW_STEP = 12
REST_EVERY = 25
FIRST_STROKE = ((20.0, 250.0), (60.0, 250.0), (100.0, 250.0))


def point(number: int) -> tuple[float, float]:
    """Along rows, to and fro."""
    row, column = divmod(number, POINTS_A_ROW)
    return 50.0 + (column if row % 2 == 0 else POINTS_A_ROW - column), 20.0 + row % 15 * ROW_STEP


def stuck(journal: CanvasJournal, seconds: float) -> bool:
    """In place of `CanvasJournal.go_on`: the disk is busy, nothing more is written."""
    time.sleep(0.005)
    return journal.complete


class Noted(CanvasAutosave):
    """Knows how far the hand was when it last took a snapshot: what it says it has written is no more than that."""

    hand: Painter
    reached = 0

    def _snapshot(self) -> CanvasSnapshot | None:
        self.reached = self.hand.number
        return super()._snapshot()


class Painter:
    def __init__(self, folder: Path, file: str) -> None:
        self.session = CanvasSession(IoWorker())
        self.autosave = Noted(self.session, IoWorker(), folder)
        self.autosave.hand = self
        self.number = 0
        self.timer = QTimer()
        self.timer.setInterval(BEAT_MS)
        self.timer.timeout.connect(self.paint)
        self.session.document_changed.connect(self.begin)
        if file:
            CanvasJournal.go_on = stuck  # type: ignore[method-assign,assignment]
            canvas_keeper.PIECE_S = 0.0
            self.autosave.followed.connect(self.tell)
            self.session.open_file(file)
        else:
            self.autosave.written.connect(self.tell)
            self.session.open_image(picture(SMALL), "apple")

    def tell(self) -> None:
        print("painted", self.autosave.reached, flush=True)

    def begin(self) -> None:
        """One whole stroke, one undone, and one that never ends."""
        self.session.update_brush(size=8, smoothing=0, size_by_pressure=False)
        for _ in range(2):
            self.session.press(PointerEvent(*FIRST_STROKE[0]))
            self.session.move([PointerEvent(*place) for place in FIRST_STROKE])
            self.session.release(PointerEvent(*FIRST_STROKE[-1]))
        self.session.press(PointerEvent(*point(0)))
        self.timer.start()

    def paint(self) -> None:
        self.number += 1
        self.session.move([PointerEvent(*point(self.number))])
        if self.number % REST_EVERY == 0:
            self.timer.stop()  # a rest of half a second, in which the autosave catches up
            QTimer.singleShot(500, self.timer.start)


if __name__ == "__main__":
    application = QCoreApplication([])
    painter = Painter(Path(sys.argv[1]), "".join(sys.argv[2:]))
    sys.exit(application.exec())
