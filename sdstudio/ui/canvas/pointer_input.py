"""Mouse and pen as one kind of sample, and strokes handed to the session once per turn of the event loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.pointer import PointerEvent


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the pointer was. `position` in logical pixels of the view; `pen`: exact between the screen's pixels, where
    a mouse stands on one of them."""

    position: QPointF
    button: Qt.MouseButton
    buttons: Qt.MouseButton
    modifiers: Qt.KeyboardModifier
    pressure: float = 1.0
    time_ms: float = 0.0
    pen: bool = False
    eraser: bool = False

    @classmethod
    def of_mouse(cls, event: QMouseEvent) -> Sample:
        return cls(event.position(), event.button(), event.buttons(), event.modifiers(), time_ms=event.timestamp())

    @classmethod
    def of_tablet(cls, event: QTabletEvent) -> Sample:
        return cls(
            event.position(),
            event.button(),
            event.buttons(),
            event.modifiers(),
            pressure=event.pressure(),
            time_ms=event.timestamp(),
            pen=True,
            eraser=event.pointerType() == QPointingDevice.PointerType.Eraser,
        )

    def has(self, modifier: Qt.KeyboardModifier) -> bool:
        return bool(self.modifiers & modifier)

    def at(self, place: tuple[float, float]) -> PointerEvent:
        """As the tools want it, at a place in the document."""
        return PointerEvent(
            x=place[0],
            y=place[1],
            pressure=self.pressure,
            time_ms=self.time_ms,
            shift=self.has(Qt.KeyboardModifier.ShiftModifier),
            ctrl=self.has(Qt.KeyboardModifier.ControlModifier),
            alt=self.has(Qt.KeyboardModifier.AltModifier),
            eraser=self.eraser,
        )


class StrokeInput(QObject):
    """One stroke at a time. Moves are collected and handed on together, at the latest before the release."""

    def __init__(
        self, session: CanvasSession, place: Callable[[Sample], tuple[float, float]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._place = place
        self._moves: list[PointerEvent] = []
        self._last: PointerEvent | None = None
        self._pen = False
        # Fires when everything that had arrived is read: one call for all of it, and no point waits for a frame.
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self.flush)

    @property
    def active(self) -> bool:
        return self._last is not None

    @property
    def pen(self) -> bool:
        """Whether the stroke under way is a pen's."""
        return self.active and self._pen

    def press(self, sample: Sample) -> None:
        event = sample.at(self._place(sample))
        self.flush()
        self._last, self._pen = event, sample.pen
        self._session.press(event)

    def move(self, sample: Sample) -> None:
        """In a stroke, or between the clicks of a polygon."""
        event = sample.at(self._place(sample))
        self._moves.append(event)
        if self.active:
            self._last = event
        if not self._turn.isActive():
            self._turn.start()

    def release(self, sample: Sample | None = None) -> None:
        """Ends the stroke; without a sample (the hand was lost) where it was last."""
        last, self._last = self._last, None
        if last is None:
            return
        self.flush()
        self._session.release(last if sample is None else sample.at(self._place(sample)))

    def cancel(self) -> None:
        """Takes back what the stroke did."""
        self.forget()
        self._session.cancel_gesture()

    def forget(self) -> None:
        """The session knows already that nothing goes on."""
        self._moves.clear()
        self._last = None
        self._turn.stop()

    def flush(self) -> None:
        self._turn.stop()
        moves, self._moves = self._moves, []
        if moves:
            self._session.move(moves)
