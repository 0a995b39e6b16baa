"""The tools as the session uses them: one object that turns presses into the right gesture on the document."""

from __future__ import annotations

from collections.abc import Sequence

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_area import AreaGesture, AreaWork, BoxGesture, LassoGesture, PolygonGesture
from sdstudio.canvas.tool_base import Gesture, Outline, Point, QuietGesture
from sdstudio.canvas.tool_brush import BrushGesture
from sdstudio.canvas.tool_fill import FillGesture, FillWork
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.geometry import NO_PIXELS, Rect

GRAB = 8.0


def picks(settings: ToolSettings, event: PointerEvent) -> bool:
    """Whether a press like this takes a colour, and changes nothing."""
    if event.eraser:
        return False
    return settings.tool == "picker" or (event.ctrl and settings.tool == "brush" and settings.target == "paint")


class PickerGesture(QuietGesture):
    """The colour that is seen under the pointer, as long as it is down."""

    def __init__(self, document: CanvasDocument) -> None:
        self._document = document
        self.busy = False
        self.picked: tuple[int, int, int] | None = None

    def press(self, event: PointerEvent) -> Rect:
        self.busy = True
        return self.move([event])

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        for event in events[-1:] if self.busy else ():
            x, y = event.pixel
            red, green, blue, alpha = (int(part) for part in self._document.composite(Rect(x, y, 1, 1))[0, 0])
            if alpha:
                self.picked = (red, green, blue)
        return NO_PIXELS

    def release(self, event: PointerEvent) -> Rect:
        self.move([event])
        self.busy = False
        return NO_PIXELS

    def cancel(self) -> Rect:
        self.busy = False
        self.picked = None
        return NO_PIXELS


class Tool:
    """Good for one gesture after the other with the same settings; settings that change need a new one (not while
    it is `busy`). Every method returns the document pixels that may have changed."""

    def __init__(
        self,
        document: CanvasDocument,
        settings: ToolSettings,
        last_point: Point | None = None,
        grab: float = GRAB,
        at_once: int | None = None,
    ) -> None:
        self.document = document
        self.settings = settings
        self.last_point = last_point
        """Where the last stroke ended: give it to the next tool, a press with Shift draws a line from there."""
        self._grab = grab
        self._at_once = at_once
        self._gesture: Gesture = QuietGesture()

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way; a polygon is between its clicks too."""
        return self._gesture.busy

    @property
    def outline(self) -> Outline | None:
        """What the view draws meanwhile."""
        return self._gesture.outline

    @property
    def parts(self) -> tuple[Rect, ...]:
        """The rectangle of the last call more exactly; () where nothing more is known."""
        return self._gesture.parts if isinstance(self._gesture, BrushGesture) else ()

    @property
    def picked(self) -> tuple[int, int, int] | None:
        """The colour under the picker, after its press; None where there is none."""
        return self._gesture.picked if isinstance(self._gesture, PickerGesture) else None

    @property
    def work(self) -> FillWork | AreaWork | None:
        """What the gesture asks to be done elsewhere: fill and wand, and large areas."""
        return self._gesture.work if isinstance(self._gesture, FillGesture | AreaGesture) else None

    def press(self, event: PointerEvent) -> Rect:
        if not self._gesture.busy:
            self._gesture = self._begin(event)
        return self._gesture.press(event)

    def move(self, events: Sequence[PointerEvent]) -> Rect:
        """All samples since the last call, the oldest first; one call a frame is cheapest."""
        return self._gesture.move(events)

    def release(self, event: PointerEvent) -> Rect:
        return self._keeping_point(self._gesture.release(event))

    def finish(self) -> Rect:
        """Enter, or a double click: closes a polygon."""
        return self._gesture.finish()

    def step_back(self) -> Rect:
        """Backspace: takes a polygon's last corner back."""
        return self._gesture.step_back()

    def cancel(self) -> Rect:
        """Esc: the document is exactly as before the gesture."""
        return self._gesture.cancel()

    def _keeping_point(self, rect: Rect) -> Rect:
        if isinstance(self._gesture, BrushGesture):
            self.last_point = self._gesture.last_point
        return rect

    def _begin(self, event: PointerEvent) -> Gesture:
        document, settings = self.document, self.settings
        if event.eraser:
            return BrushGesture(document, settings, self.last_point, tip=True)
        if picks(settings, event):
            return PickerGesture(document)
        if settings.tool == "lasso":
            return LassoGesture(document, settings, self._at_once)
        if settings.tool == "polygon":
            return PolygonGesture(document, settings, self._grab, self._at_once)
        if settings.tool in ("rectangle", "ellipse"):
            return BoxGesture(document, settings, self._at_once)
        if settings.tool in ("fill", "wand"):
            return FillGesture(document, settings)
        return BrushGesture(document, settings, self.last_point)


def make_tool(
    document: CanvasDocument,
    settings: ToolSettings,
    last_point: Point | None = None,
    grab: float = GRAB,
    at_once: int | None = None,
) -> Tool:
    """`grab`: document pixels around a polygon's first corner in which a press closes it (8 of the screen's);
    `at_once`: areas of more pixels than that become `work`."""
    return Tool(document, settings, last_point, grab, at_once)
