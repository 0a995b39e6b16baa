"""Fill and magic wand as work for another thread: a click says what, the result is applied as one history item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.fill import flood, similar
from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_area import apply_area, combine_of
from sdstudio.canvas.tool_base import FILL, WAND, QuietGesture
from sdstudio.canvas.tool_coverage import Coverage
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size


@dataclass(frozen=True, slots=True)
class FillWork:
    """`start`: the pixel that was clicked; `label`: words for the history and the progress."""

    start: tuple[int, int]
    settings: ToolSettings
    combine: str
    label: str

    def run(
        self,
        snapshot: CanvasSnapshot,
        progress: Callable[[float], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Coverage:
        """In any thread. Compares what is seen: picture, patches and paint together. Raises CancelledByUser."""
        stack = LayerStack(snapshot.state, _forbid)
        find = flood if self.settings.contiguous else similar
        return find(stack.composite, snapshot.state.size, self.start, self.settings.tolerance, progress, cancel)

    def apply(self, document: CanvasDocument, found: Coverage) -> Rect:
        """In the document's thread, on the document of which the snapshot was taken. Returns what has changed."""
        if not found.tiles:
            return NO_PIXELS
        return apply_area(document, self.settings, found, self.combine, self.label)


class FillGesture(QuietGesture):
    """A press makes the work; fill always adds, the wand combines."""

    def __init__(self, document: CanvasDocument, settings: ToolSettings) -> None:
        self._document = document
        self._settings = settings
        self.work: FillWork | None = None

    def press(self, event: PointerEvent) -> Rect:
        if _inside(event.pixel, self._document.size):
            wand = self._settings.tool == "wand"
            combine = combine_of(self._settings, event) if wand else "add"
            self.work = FillWork(event.pixel, self._settings, combine, WAND if wand else FILL)
        return NO_PIXELS


def _inside(pixel: tuple[int, int], size: Size) -> bool:
    return 0 <= pixel[0] < size.width and 0 <= pixel[1] < size.height


def _forbid(*_: object) -> None:
    raise RuntimeError("a snapshot does not change")
