"""The hand: gestures with the tool in use: a part of CanvasSession."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from sdstudio.app.canvas_ahead import LookAhead
from sdstudio.app.canvas_build import AREA_PIXELS, NewTiles, filled
from sdstudio.app.canvas_pace import HandPace, step_back
from sdstudio.app.canvas_tools import CanvasTools
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.blend import opacity_step
from sdstudio.canvas.document import CanvasDocument, Change
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.spare import LARGE_CANVAS, SpareTiles
from sdstudio.canvas.tool_area import AreaWork
from sdstudio.canvas.tool_base import Outline
from sdstudio.canvas.tool_fill import FillWork
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.canvas.tools import GRAB, Tool, make_tool, picks
from sdstudio.domain.canvas_state import MASK, PAINT
from sdstudio.domain.geometry import Rect


class CanvasHand(CanvasTools):
    """Events come in document coordinates; each call makes one `pixels_changed` at most."""

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(io, parent)
        self.pace = HandPace()
        """Ended by the view, when what the hand did is painted."""
        self._chosen = self._settings.tool, self._settings.target
        self._tool: Tool | None = None
        self._outline: Outline | None = None
        self._last_point: tuple[float, float] | None = None
        self._pressed = False
        self._hand_layer = MASK
        self._grab = GRAB
        self._spare_io = io
        self._ahead = LookAhead(io, self.pace)
        self._refilling = False
        self.document_changed.connect(self._forget_hand)
        self.settings_changed.connect(self._follow_tool)

    def set_grab(self, pixels: float) -> None:
        """Within how many document pixels of a polygon's first corner a press closes it: 8 of the screen's."""
        self._grab = pixels

    # The hand

    @property
    def outline(self) -> Outline | None:
        """What is drawn while a shape is made, in document coordinates."""
        return self._outline

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way; a polygon is between its clicks too."""
        return self._tool is not None

    def press(self, event: PointerEvent) -> None:
        """Begins a gesture, or goes on with one that is between its clicks."""
        if self._tool is None:
            if self._document is None or self._refused():
                return
            if self._settings.target == "paint" and not picks(self._settings, event):
                self._show_paint(self._document)
            self._tool = make_tool(self._document, self._settings, self._last_point, self._grab, AREA_PIXELS)
            self._hand_layer = MASK if self._settings.target == "mask" else PAINT
        self._pressed = True
        self._ahead.begin(event.point)
        self._after(self._tool.press(event))

    def _show_paint(self, document: CanvasDocument) -> None:
        """Nobody paints on what cannot be seen."""
        info = document.layer(PAINT)
        opacity = info.opacity if opacity_step(info.opacity) else 1.0
        if not info.visible or opacity != info.opacity:
            self._changed(document.set_layer(PAINT, visible=True, opacity=opacity))
            self.note.emit(self.tr("The paint was hidden: it is shown again."))

    def move(self, events: Sequence[PointerEvent]) -> None:
        """All that came since the last time, in order; every one counts."""
        if self._tool is not None and events:
            self.pace.begin()
            self._after(self._tool.move(events))
            if self._tool is not None and self._document is not None and self._large:
                grid = self._document.grid(self._hand_layer)
                self._ahead.go_on(grid, self._tool.parts, events[-1].point)

    def release(self, event: PointerEvent) -> None:
        self._pressed = False
        self.pace.end()
        if self._tool is not None:
            self._after(self._tool.release(event))

    def finish_gesture(self) -> None:
        """Closes a polygon (Enter, double click); nothing for other tools."""
        if self._tool is not None:
            self._after(self._tool.finish())

    def step_back(self) -> bool:
        """Takes a polygon's last corner back (Backspace). False when no gesture is under way."""
        if self._tool is None:
            return False
        self._after(self._tool.step_back())
        return True

    def cancel_gesture(self) -> bool:
        """Takes back what the gesture under way did. False when there is none."""
        tool, self._tool = self._tool, None
        if tool is None:
            return False
        self._show_hand(tool.cancel())
        self._follow_outline()
        self._tell_rest()
        return True

    def _after(self, rect: Rect) -> None:
        """What follows every event: once the tool is no longer busy the gesture is over."""
        self._show_hand(rect)
        tool = self._tool
        if tool is None:
            return
        self._follow_outline()
        if not tool.busy:
            self._tool = None
            self._take_from(tool)
        elif self._document is not None and not rect.empty:
            self._look_at_spares(self._document.spare)
            if self.mask_empty and self._hand_layer == MASK:
                self._look_at_mask()
            self.touched.emit()

    @property
    def _large(self) -> bool:
        return self._document is not None and self._document.size.pixels >= LARGE_CANVAS

    def _look_at_spares(self, spare: SpareTiles) -> None:
        """Memory for the tiles to come is made ready in the other thread; small canvases have few."""
        if self._large and not self._refilling and spare.low:
            self._refilling = True
            self._spare_io.submit(lambda: _refill(spare, self.pace), self._refilled)

    def look_ahead(self) -> None:
        """The document was frozen, maybe in the middle of a gesture."""
        if self._document is not None and self._tool is not None:
            self._ahead.stay(self._document.grid(self._hand_layer), self._tool.parts)

    def _refilled(self, _nothing: None) -> None:
        self._refilling = False

    def _take_from(self, tool: Tool) -> None:
        """A gesture is over: what else it brought."""
        self._follow_outline()
        self._tell_rest(masked=self._hand_layer == MASK)
        self._last_point = tool.last_point or self._last_point
        if tool.picked is not None:
            self.update_settings(colour=tool.picked)
        if tool.work is not None:
            self._run_area(tool.work)

    def _run_area(self, area: FillWork | AreaWork) -> None:
        """Flood fill and magic wand: found, and laid on the tiles, in the other thread where the picture is large; and
        shapes that are."""
        document = self._document
        if document is None:
            return
        snapshot = document.snapshot()

        def apply(tiles: NewTiles) -> None:
            if tiles:
                self._changed(document.apply_tiles(area.label, tiles))

        if isinstance(area, AreaWork):
            words = self.tr("Filling the area")
        else:
            words = self.tr("Filling") if self._settings.tool == "fill" else self.tr("Finding what is alike")
        self._compute(words, document.size.pixels, lambda ticket: self._counted(filled(area, snapshot, ticket)), apply)

    def _show_hand(self, rect: Rect) -> None:
        parts = () if self._tool is None else self._tool.parts
        self._show(Change(rect, frozenset({self._hand_layer}), parts=parts))

    def _follow_outline(self) -> None:
        outline = None if self._tool is None else self._tool.outline
        if outline != self._outline:
            self._outline = outline
            self.outline_changed.emit()

    def _follow_tool(self, settings: ToolSettings) -> None:
        """Another tool or layer: a polygon between its clicks is given up; a stroke goes on as it began."""
        chosen = settings.tool, settings.target
        if chosen != self._chosen:
            self._chosen = chosen
            if not self._pressed:
                self.cancel_gesture()

    def _forget_hand(self) -> None:
        """Another document: what was under way belonged to the last one."""
        self._tool = None
        self._last_point = None
        self._pressed = False
        self._follow_outline()


def _refill(spare: SpareTiles, pace: HandPace) -> None:
    """In the other thread, between the hand's frames: on few cores it would take them from the window."""
    step_back()
    spare.refill(pace.rest)
