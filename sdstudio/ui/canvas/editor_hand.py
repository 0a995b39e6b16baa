"""What press, move and release mean in the editor: a stroke, moving the picture, zooming, or the brush's size."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.tool_settings import SIZE_MAX, SIZE_MIN
from sdstudio.ui.canvas.pointer_input import Sample, StrokeInput

BRUSH_TOOLS = ("brush", "eraser")
VIEW_TOOLS = ("hand", "zoom", "frame")
HARDNESS_A_PIXEL = 1 / 200
"""A drag of 200 px takes the hardness from none to full."""
_LEFT, _MIDDLE, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


class Doing(Enum):
    NOTHING = auto()
    STROKE = auto()
    PAN = auto()
    BRUSH = auto()
    FRAME = auto()
    SPENT = auto()
    """A stroke was ended from elsewhere; nothing happens until all buttons are up."""


class Surface(Protocol):
    """What the hand asks of the view."""

    def place(self, sample: Sample) -> tuple[float, float]: ...
    def pan_by(self, moved: QPointF) -> None: ...
    def zoom_click(self, position: QPointF, closer: bool) -> None: ...
    def logical_size(self, document_pixels: float) -> float: ...


class FrameGrips(Protocol):
    """What the hand asks of the generation frame."""

    def press(self, sample: Sample) -> bool: ...
    def move(self, sample: Sample) -> None: ...
    def release(self) -> None: ...
    def cancel(self) -> None: ...
    def reset(self) -> None: ...
    def cursor(self, sample: Sample) -> QCursor: ...


class EditorHand(QObject):
    """Never stuck: whatever is lost (focus, pointer, release, document) ends what was under way.

    `changed`: what it does, or where the pointer is; the view shows cursor and ring accordingly.
    """

    changed = Signal()
    moved = Signal()
    """Only the pointer's place is another; may come a thousand times a second."""

    def __init__(self, session: CanvasSession, surface: Surface, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._surface = surface
        self.stroke = StrokeInput(session, surface.place, self)
        self.doing = Doing.NOTHING
        self.space = False
        self.eraser_tip = False
        self.pointer: Sample | None = None
        """Where the pointer is; None while it is elsewhere."""
        self.frame: FrameGrips | None = None
        self._view_tool = ""
        self._from: QPointF | None = None
        self._brush = (0.0, 0.0)
        self._last_tap: tuple[float, QPointF] | None = None
        session.document_changed.connect(self._forget)

    @property
    def view_tool(self) -> str:
        """ "hand", "zoom" or "frame" in place of the session's tool; "" for that one."""
        return self._view_tool

    def set_view_tool(self, name: str) -> None:
        self._view_tool = name if name in VIEW_TOOLS else ""
        self.changed.emit()

    def set_space(self, down: bool) -> None:
        """While it is down a drag moves the picture; in a stroke it does nothing."""
        if down != self.space:
            self.space = down
            self.changed.emit()

    @property
    def brush_shown(self) -> bool:
        """Whether the pointer is a brush now."""
        if self.doing in (Doing.STROKE, Doing.BRUSH):
            return self.eraser_tip or self._session.settings.tool in BRUSH_TOOLS
        moving = self.doing is Doing.PAN or self.space or bool(self._view_tool)
        return not moving and (self.eraser_tip or self._session.settings.tool in BRUSH_TOOLS)

    @property
    def anchor(self) -> QPointF | None:
        """Where the ring stands: under the pointer, but where a drag for size began it stays."""
        if self.doing is Doing.BRUSH:
            return self._from
        return None if self.pointer is None else self.pointer.position

    def press(self, sample: Sample) -> None:
        self._at(sample)
        if self.doing is not Doing.NOTHING:
            self._second_button()
        elif sample.button == _MIDDLE or (sample.button == _LEFT and (self.space or self._view_tool == "hand")):
            self._begin(Doing.PAN, sample)
        elif sample.button == _LEFT and self._view_tool == "zoom":
            self._surface.zoom_click(sample.position, not sample.has(Qt.KeyboardModifier.AltModifier))
        elif sample.button == _LEFT and self._view_tool == "frame":
            if self.frame is not None and self.frame.press(sample):
                self._begin(Doing.FRAME, sample)
        elif sample.button == _RIGHT and sample.has(Qt.KeyboardModifier.AltModifier) and self.brush_shown:
            brush = self._session.settings.brush_in_hand
            self._brush = (brush.size, brush.hardness)
            self._begin(Doing.BRUSH, sample)
        elif sample.button == _LEFT:
            self._press_tool(sample)
        self.changed.emit()

    def move(self, sample: Sample) -> None:
        if self.doing is Doing.STROKE and sample.pen != self.stroke.pen:
            return  # the mouse beside a pen that draws, or the other way round
        self._at(sample)
        if self.doing is not Doing.NOTHING and sample.buttons == Qt.MouseButton.NoButton:
            self.let_go()  # the release went to somebody else
        if self.doing is Doing.STROKE:
            self.stroke.move(sample)
        elif self.doing is Doing.PAN and self._from is not None:
            self._surface.pan_by(sample.position - self._from)
            self._from = sample.position
        elif self.doing is Doing.BRUSH and self._from is not None:
            self._drag_brush(sample.position - self._from)
        elif self.doing is Doing.FRAME and self.frame is not None:
            self.frame.move(sample)
        elif self.doing is Doing.NOTHING and self._session.busy:
            self.stroke.move(sample)
        self.moved.emit()

    def release(self, sample: Sample) -> None:
        self._at(sample)
        if self.doing is Doing.STROKE and sample.button == _LEFT:
            self.doing = Doing.NOTHING
            self.stroke.release(sample)
        elif self.doing in (Doing.PAN, Doing.BRUSH, Doing.FRAME) or sample.buttons == Qt.MouseButton.NoButton:
            self.let_go()
        self.changed.emit()

    def double_click(self, sample: Sample) -> None:
        """Finishes a polygon, lets the frame choose itself; for all other tools it is a press like any other, so that
        quick dabs all count."""
        if sample.button == _LEFT and self._polygon_open():
            self._at(sample)
            self.stroke.flush()
            self._session.finish_gesture()
            self.doing = Doing.SPENT
            self.changed.emit()
        elif sample.button == _LEFT and self._view_tool == "frame" and self.frame is not None and not self.space:
            self.frame.reset()
        else:
            self.press(sample)

    def leave(self) -> None:
        """The pointer is elsewhere. While a button is down Qt still tells where."""
        self.pointer = None
        self.eraser_tip = False
        self.changed.emit()

    def let_go(self) -> None:
        """Ends what is under way; a stroke stays as it is so far."""
        if self.doing is Doing.STROKE:
            self.stroke.release()
        elif self.doing is Doing.FRAME and self.frame is not None:
            self.frame.release()
        self.doing, self._from = Doing.NOTHING, None
        self.changed.emit()

    def cancel(self) -> bool:
        """Takes back what is under way (Esc): a drag, a stroke, a polygon, and last what the session does."""
        if self.doing in (Doing.PAN, Doing.BRUSH, Doing.FRAME):
            if self.doing is Doing.FRAME and self.frame is not None:
                self.frame.cancel()
            elif self.doing is Doing.BRUSH:
                self._session.update_brush(size=self._brush[0], hardness=self._brush[1])
            self.doing = Doing.SPENT
            self.changed.emit()
            return True
        if self.doing is Doing.STROKE:
            self.doing = Doing.SPENT
            self.stroke.cancel()
            self.changed.emit()
            return True
        self.stroke.forget()
        return self._session.cancel()

    def finish(self) -> bool:
        """Enter. False when there is nothing to finish."""
        if self.doing is Doing.STROKE or not self._session.busy:
            return False
        self.stroke.flush()
        self._session.finish_gesture()
        return True

    def step_back(self) -> bool:
        """Backspace."""
        if self.doing is Doing.STROKE:
            return False
        self.stroke.flush()
        return self._session.step_back()

    def _press_tool(self, sample: Sample) -> None:
        if sample.pen and self._is_double_tap(sample) and self._polygon_open():
            self.stroke.flush()
            self._session.finish_gesture()
            self.doing = Doing.SPENT
            return
        self.doing = Doing.STROKE
        self.stroke.press(sample)

    def _polygon_open(self) -> bool:
        return self.doing is Doing.NOTHING and self._session.busy

    def _is_double_tap(self, sample: Sample) -> bool:
        """Qt makes double clicks of the mouse only."""
        last, self._last_tap = self._last_tap, (sample.time_ms, sample.position)
        if last is None:
            return False
        near = (sample.position - last[1]).manhattanLength() <= 2 * QApplication.startDragDistance()
        return near and 0 <= sample.time_ms - last[0] <= QApplication.doubleClickInterval()

    def _second_button(self) -> None:
        """Another button during a stroke ends it; it does not start something else."""
        if self.doing is Doing.STROKE:
            self.stroke.release()
        self.doing, self._from = Doing.SPENT, None

    def _begin(self, doing: Doing, sample: Sample) -> None:
        self.doing, self._from = doing, sample.position

    def _drag_brush(self, moved: QPointF) -> None:
        """To the right larger, up harder."""
        pixel = self._surface.logical_size(1.0)
        size = min(max(round(self._brush[0] + 2 * moved.x() / pixel), SIZE_MIN), SIZE_MAX)
        hardness = min(max(self._brush[1] - moved.y() * HARDNESS_A_PIXEL, 0.0), 1.0)
        self._session.update_brush(size=float(size), hardness=round(hardness, 2))

    def _at(self, sample: Sample) -> None:
        self.pointer = sample
        self.eraser_tip = sample.eraser

    def _forget(self) -> None:
        self.stroke.forget()
        if self.doing is not Doing.NOTHING:
            self.doing = Doing.SPENT
        self.changed.emit()
