"""The canvas of a whole application context with something to edit on it, for the tests of edits."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.edit_job import EditJob
from sdstudio.app.edit_plan import EditPlan
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.errors import StudioError
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest
from tests.helpers.canvas_desk import picture

USUAL = Size(128, 96)


class EditDesk:
    """`plans`: what the planner told; `jobs`, `problems`, `saved`: what came of Generate."""

    def __init__(self, context: AppContext, qtbot: QtBot) -> None:
        self.context = context
        self.qtbot = qtbot
        self.canvas = context.canvas
        self.settings = context.edit_settings
        self.planner = context.edit_planner
        self.edits = context.edit_jobs
        self.plans: list[EditPlan] = []
        self.jobs: list[EditJob] = []
        self.problems: list[StudioError] = []
        self.saved: list[PictureSaved] = []
        self.planner.plan_changed.connect(lambda: self.plans.append(self.planner.plan))
        self.edits.started.connect(self.jobs.append)
        self.edits.problem.connect(self.problems.append)
        context.queue.picture_saved.connect(self.saved.append)

    @property
    def plan(self) -> EditPlan:
        return self.planner.plan

    @property
    def document(self) -> CanvasDocument:
        assert self.canvas.document is not None
        return self.canvas.document

    def open(self, size: Size = USUAL, image: ImageBuffer | None = None) -> CanvasDocument:
        """A picture, in front."""
        self._replace(lambda: self.canvas.open_image(image or picture(size), "apple"))
        return self.document

    def blank(self, size: Size, colour: tuple[int, int, int] | None) -> CanvasDocument:
        self._replace(lambda: self.canvas.new_blank(size, colour))
        return self.document

    def _replace(self, call: Callable[[], None]) -> None:
        before = self.canvas.document
        self.canvas.ask_unsaved.connect(_discard)
        call()
        self.qtbot.waitUntil(lambda: self.canvas.document is not before, timeout=20_000)
        self.canvas.ask_unsaved.disconnect(_discard)
        self.planner.set_canvas_active(True)

    def mask(self, *boxes: Rect) -> None:
        """Hard rectangles."""
        self._draw("mask", boxes)

    def paint(self, *boxes: Rect) -> None:
        self._draw("paint", boxes)

    def _draw(self, target: str, boxes: tuple[Rect, ...]) -> None:
        self.canvas.update_settings(tool="rectangle", target=target, antialias=False)
        for box in boxes:
            self.canvas.press(PointerEvent(box.x + 0.5, box.y + 0.5, shift=True, time_ms=0))
            self.canvas.move([PointerEvent(box.right - 0.5, box.bottom - 0.5, time_ms=8)])
            self.canvas.release(PointerEvent(box.right - 0.5, box.bottom - 0.5, time_ms=16))

    def islands_counted(self) -> None:
        self.qtbot.waitUntil(lambda: self.plan.islands > 0)

    def generate(self, pictures: int = 1) -> list[PictureSaved]:
        """Until the pictures are there."""
        before = len(self.saved)
        self.edits.generate()
        self.qtbot.waitUntil(lambda: len(self.saved) >= before + pictures or bool(self.problems), timeout=20_000)
        assert not self.problems, self.problems
        return self.saved[before:]

    def loaded(self, request: GenerationRequest) -> Pixels:
        """What the request begins with, from the store."""
        assert request.image is not None
        return self.context.images.load(request.image.sha256).pixels

    def pixels(self) -> Pixels:
        return self.document.composite(self.document.rect)


def _discard(question: object) -> None:
    question.discard()  # type: ignore[attr-defined]
