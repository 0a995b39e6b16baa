"""The candidates of an edit: which there are, which is chosen, and how it is shown: the base of Candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from sdstudio.app.candidate_ground import Ground
from sdstudio.app.candidate_prepare import CandidatePart
from sdstudio.app.candidate_shelf import Candidate, CandidateShelf
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.image import ImageBuffer

T = TypeVar("T")
BEFORE = -1
"""In the place of a candidate's: the canvas as it was."""


class CandidateCore(QObject):
    """Owner of what is shown; a part of Candidates."""

    changed = Signal()  # candidates came or went, another is chosen, or it is shown in another way
    forming = Signal()  # a preview came
    accepted = Signal(str)  # the layer's id
    discarded = Signal()
    doubted = Signal(object)  # Candidate: pixels changed that must not have; accept(anyway=True) takes it nevertheless
    note = Signal(str)
    problem = Signal(object)  # StudioError

    def __init__(self, canvas: CanvasSession, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._io = io
        self._shelf = CandidateShelf()
        self._place = BEFORE
        self._following = True
        self._held = False
        self._compare: float | None = None
        self._difference = False
        self._stray = False
        self._softening = False
        self._differences: dict[CandidatePart, ImageBuffer | None] = {}
        self._before_thumb: ImageBuffer | None = None

    # What there is

    @property
    def open(self) -> bool:
        return bool(self._shelf.items)

    @property
    def items(self) -> tuple[Candidate, ...]:
        return self._shelf.items

    @property
    def place(self) -> int:
        """Of the one that is chosen, in `items`; BEFORE for the canvas as it was."""
        return self._place

    @property
    def chosen(self) -> Candidate | None:
        return self.items[self._place] if 0 <= self._place < len(self.items) else None

    @property
    def finished(self) -> Candidate | None:
        """The one that is chosen, where it can be accepted."""
        chosen = self.chosen
        return chosen if chosen is not None and chosen.done else None

    @property
    def running(self) -> bool:
        """Whether a job of the strip is under way or waits."""
        return bool(self._shelf.running)

    @property
    def fits(self) -> bool:
        """Whether the canvas is still as large as the one that they were made for."""
        document, job = self._canvas.document, self._shelf.newest
        return document is not None and job is not None and document.size == job.snapshot.state.size

    @property
    def before_shown(self) -> bool:
        return self._held or self.chosen is None or not self.fits

    @property
    def before_thumb(self) -> ImageBuffer | None:
        """What the model saw before."""
        return self._before_thumb

    @property
    def compare(self) -> float | None:
        """Where the line between before and after stands, 0 to 1 from left to right; None without one."""
        return self._compare

    @property
    def difference(self) -> bool:
        """Whether what changed is shown instead of the result."""
        return self._difference

    @property
    def stray(self) -> bool:
        """Whether pixels are marked that must not have changed."""
        return self._stray

    @property
    def softening(self) -> bool:
        return self._softening

    def ground(self, job_id: str) -> Ground | None:
        return self._shelf.ground(job_id)

    # For the other parts

    def _keep_place(self, change: Callable[[], T]) -> T:
        """The same one stays chosen, wherever it is afterwards."""
        chosen = self.chosen
        result = change()
        if chosen is not None:
            places = [(item.click, item.index) for item in self.items]
            known = (chosen.click, chosen.index)
            self._place = places.index(known) if known in places else len(places) - 1
        return result

    def _look_plainly(self) -> None:
        self._compare, self._difference, self._stray = None, False, False
        self._differences.clear()

    def _clear(self) -> None:
        self._shelf.clear()
        self._look_plainly()
        self._place, self._before_thumb, self._held, self._softening = BEFORE, None, False, False
        self.changed.emit()
