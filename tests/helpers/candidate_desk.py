"""Candidates on a whole application with the fake engine: a picture, a mask, Generate, and what comes of it."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from sdstudio.app.candidates import Candidates
from sdstudio.app.context import AppContext
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from tests.helpers.canvas_desk import CanvasDesk

BOX = Rect(100, 90, 60, 50)
"""Masked."""


class CandidateDesk:
    """`said` holds the names of the signals that came."""

    def __init__(self, context: AppContext, qtbot: QtBot) -> None:
        self.context = context
        self.candidates: Candidates = context.candidates
        self.canvas = CanvasDesk(context.canvas, qtbot)
        self.wait = self.canvas.wait
        self.accepted: list[str] = []
        self.notes: list[str] = []
        self.doubted: list[object] = []
        self.discarded: list[bool] = []
        self.problems: list[object] = []
        self.candidates.accepted.connect(self.accepted.append)
        self.candidates.note.connect(self.notes.append)
        self.candidates.doubted.connect(self.doubted.append)
        self.candidates.problem.connect(self.problems.append)
        self.candidates.discarded.connect(lambda: self.discarded.append(True))
        context.edit_jobs.problem.connect(self.problems.append)

    def open(self, size: Size = Size(300, 280), box: Rect | None = BOX) -> None:  # noqa: B008
        """With a mask, where `box` is given."""
        self.canvas.open(size)
        self.context.edit_planner.set_canvas_active(True)
        if box is not None:
            self.canvas.mask_box(box)

    def generate(self, count: int = 1, **settings: object) -> None:
        """Asks, and waits until the strip has taken it."""
        self.context.session.update(
            positive="a red apple on a table", seed=7, seed_locked=True, count=count, **settings
        )
        started: list[object] = []
        self.context.edit_jobs.started.connect(started.append)
        self.context.edit_jobs.generate()
        self.wait(lambda: bool(started) or bool(self.problems))
        assert not self.problems, self.problems

    def made(self, count: int = 1, **settings: object) -> Candidates:
        """Asks, and waits until all are there."""
        self.generate(count, **settings)
        self.settle()
        return self.candidates

    def settle(self) -> None:
        self.wait(lambda: not self.candidates.running and all(item.done for item in self.candidates.items))

    def composite(self) -> Pixels:
        document = self.canvas.document
        return document.composite(Rect.of(document.size))
