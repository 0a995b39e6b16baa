"""Follows the canvas and the settings, and says at any moment what Generate will do, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from sdstudio.app import added_plan, edit_words
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_requests import EditOrder, for_estimates, whole_mode, whole_values
from sdstudio.app.edit_settings import EditSettings
from sdstudio.app.edit_tasks import EditPlan, EditTask, Facts, plan_of
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.mix_state import mixed_images
from sdstudio.app.session import Session
from sdstudio.app.step_times import StepTimes
from sdstudio.canvas.blank import is_blank
from sdstudio.canvas.document import Change
from sdstudio.canvas.region_frame import Plan, plan_islands
from sdstudio.canvas.region_mask import region_at
from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import MASK, Tiles
from sdstudio.domain.edits import FillMode
from sdstudio.domain.errors import InvalidRequest, StudioError
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size

__all__ = ["EditPlan", "EditPlanner", "EditTask"]

ISLANDS_MS = 150
"""After the last change the islands are counted: nobody chooses between them while still painting."""
ISLANDS_PIXELS = 1 << 24
"""Of the mask's box; in a larger one they are not looked for."""


@dataclass(frozen=True, slots=True)
class _Islands:
    """What the islands were looked for in. Tiles are compared as objects: they never change."""

    tiles: Tiles
    size: Size
    painted: Rect
    grow: int
    context: int
    native: int

    def same(self, other: _Islands | None) -> bool:
        return other is not None and self.tiles is other.tiles and self.rest == other.rest

    @property
    def rest(self) -> tuple[object, ...]:
        return self.size, self.painted, self.grow, self.context, self.native

    def find(self) -> tuple[Plan, ...]:
        mask = TileGrid(self.size, 1, self.tiles).read(self.painted)
        return plan_islands(region_at(mask, self.painted, self.size, self.grow), self.native, self.context)


class EditPlanner(QObject):
    """`plan_changed` comes at most once in a turn of the event loop; `plan` is always that of this moment."""

    plan_changed = Signal()

    def __init__(
        self,
        canvas: CanvasSession,
        session: Session,
        settings: EditSettings,
        times: StepTimes,
        io: IoWorker,
        parent: QObject | None = None,
    ) -> None:
        """`io`: the thread in which islands are counted."""
        super().__init__(parent)
        self._canvas = canvas
        self._session = session
        self._settings = settings
        self._times = times
        self._io = io
        self._active = False
        self._stroke = NO_PIXELS
        self._size: Size | None = None
        self._document: object | None = None
        self._found: tuple[_Islands, tuple[Plan, ...]] | None = None
        self._looking: _Islands | None = None
        self._told = self._plan = EditPlan(words=edit_words.button(EditPlan()))
        self._stale = True
        self._soon = _timer(self, 0, self._tell)
        self._later = _timer(self, ISLANDS_MS, self._look_for_islands)
        self._follow_model()
        self._connect()

    def _connect(self) -> None:
        canvas, session = self._canvas, self._session
        canvas.document_changed.connect(self._on_document)
        canvas.mask_changed.connect(self._on_committed)
        canvas.history_changed.connect(self._on_committed)
        canvas.layers_changed.connect(self.refresh)
        canvas.pixels_changed.connect(self._on_pixels)
        session.state_changed.connect(self.refresh)
        session.model_changed.connect(self._follow_model)
        self._settings.changed.connect(self._on_settings)

    @property
    def plan(self) -> EditPlan:
        if self._stale:
            self._stale = False
            self._plan = self._planned()
        return self._plan

    @property
    def native(self) -> int:
        """The model's own size, pixels a side."""
        return self._session.model.presets.native

    def set_canvas_active(self, active: bool) -> None:
        """Whether the canvas is what one works on; else Generate makes a picture of its own."""
        if active != self._active:
            self._active = active
            self._on_settings()

    def refresh(self, *_: object) -> None:
        """Something that decides the plan, or its cost, may have changed."""
        self._stale = True
        if not self._soon.isActive():
            self._soon.start()

    def order(self) -> EditOrder:
        """Of the plan, with the prompt and numbers of the session, without drawing a seed. Raises InvalidRequest."""
        plan, settings = self.plan, self._settings
        mode, values = settings.mode, settings.values
        if plan.task in ("text", "image"):
            mode = whole_mode(plan.task)
            values = whole_values(plan.task, settings.values_of(FillMode.CHANGE), plan.whole)
        elif plan.task == "outpaint":
            mode, values = FillMode.FILL, settings.values_of(FillMode.FILL)
        return EditOrder(
            task=plan.task,
            base=self._session.draft_request(),
            native=self.native,
            mode=mode,
            values=values,
            strength=plan.strength,
            frame=settings.frame,
            each_island=settings.islands,
            plan=plan.plans[0] if plan.task in ("text", "image") and plan.plans else None,
            whole=plan.whole,
            margins=plan.margins,
        )

    # What changes

    def _on_document(self) -> None:
        """A frame belongs to the canvas that it was drawn on."""
        document = self._canvas.document
        size = None if document is None else document.size
        if self._document is not None and (document is not self._document or size != self._size):
            self._settings.frame = None
        self._document, self._size = document, size
        self._on_committed()

    def _on_committed(self) -> None:
        """What was painted is known exactly."""
        self._stroke = NO_PIXELS
        self._on_settings()

    def _on_settings(self) -> None:
        self._later.start()
        self.refresh()

    def _on_pixels(self, change: Change) -> None:
        """Until a stroke ends, what it has touched counts as masked: its bounds are found only then."""
        if MASK in change.layers and not self._canvas.preview and self._canvas.settings.tool != "eraser":
            self._stroke = self._stroke.united(change.rect)
        self.refresh()

    def _follow_model(self, *_: object) -> None:
        self._settings.follow_native(self.native)
        self._settings.follow_usual_strength(added_plan.usual_strength(self._session.model.family))
        self._on_settings()

    # The plan

    def _tell(self) -> None:
        if self.plan != self._told:
            self._told = self.plan
            self.plan_changed.emit()

    def _planned(self) -> EditPlan:
        facts = self._facts()
        family = self._session.model.family
        self._plan = added_plan.for_family(plan_of(facts), family, facts.size)  # `order` is asked for it below
        seconds = self._seconds(self._plan, facts.size)
        mixed = len(mixed_images(self._session.state.mix, self._session.mix_missing))
        words = added_plan.words(self._plan, family, mixed) or edit_words.button(self._plan)
        title, says = added_plan.heading(self._plan, family)
        plan = replace(self._plan, seconds=seconds, words=words, title=title, says=says)
        return replace(plan, detail=edit_words.detail(plan))

    def _seconds(self, plan: EditPlan, size: Size | None) -> float | None:
        """Over all frames and pictures; of a picture of its own, too."""
        try:
            if not plan.on_canvas or size is None:
                return self._times.seconds_for(self._session.draft_request())
            known = [self._times.seconds_for(each) for each in for_estimates(plan, self.order(), size)]
        except InvalidRequest:
            return None
        seconds = [each for each in known if each is not None]
        return sum(seconds) if seconds and len(seconds) == len(known) else None

    def _facts(self) -> Facts:
        document, settings = self._canvas.document, self._settings
        shown = document if self._active else None
        values = settings.values
        return Facts(
            size=None if shown is None else shown.size,
            blank=shown is not None and is_blank(shown),
            painted=NO_PIXELS if shown is None else self._painted(shown.rect),
            native=self.native,
            mode=settings.mode,
            grow=values.grow,
            context=values.context,
            strength=settings.strength,
            image_strength=settings.image_strength,
            frame=settings.frame,
            each_island=settings.islands,
            islands=self._known_islands(),
        )

    def _painted(self, canvas: Rect) -> Rect:
        known = self._canvas.mask_bounds
        return known if known.empty else known.united(self._stroke).intersected(canvas)

    # Islands

    def _wanted_islands(self) -> _Islands | None:
        document, values = self._canvas.document, self._settings.values
        painted = self._canvas.mask_bounds
        if document is None or not self._active or self._canvas.busy or self._settings.frame is not None:
            return None
        if painted.empty or painted.pixels > ISLANDS_PIXELS:
            return None
        tiles = document.mask.freeze()
        return _Islands(tiles, document.size, painted, values.grow, values.context, self.native)

    def _known_islands(self) -> tuple[Plan, ...]:
        """Those of the mask as it is; nothing while it is painted on."""
        found, wanted = self._found, self._wanted_islands()
        return found[1] if found is not None and wanted is not None and wanted.same(found[0]) else ()

    def _look_for_islands(self) -> None:
        """One search at a time; the next one takes what is there by then."""
        wanted = self._wanted_islands()
        known = None if self._found is None else self._found[0]
        if wanted is None or self._looking is not None or wanted.same(known):
            return
        self._looking = wanted
        self._io.submit(wanted.find, lambda plans: self._on_islands(wanted, plans), lambda error: self._lost(error))

    def _on_islands(self, where: _Islands, plans: tuple[Plan, ...]) -> None:
        self._looking = None
        self._found = (where, plans)
        self.refresh()
        self._look_for_islands()

    def _lost(self, error: StudioError) -> None:
        """Then there is one frame around all; what was wrong is in the log already."""
        if self._looking is not None:
            self._on_islands(self._looking, ())


def _timer(parent: QObject, milliseconds: int, then: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(then)
    return timer
