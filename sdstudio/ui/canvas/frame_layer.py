"""The generation frame on the canvas: what the model sees. Drawn always while it matters; with its tool, dragged."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QCoreApplication, QObject, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QCursor, QPainter, QPen, QRegion

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_settings import EditSettings
from sdstudio.domain.geometry import SIDE_STEP, Rect
from sdstudio.ui.canvas.editor_marks import PILL_AIR, PILL_HEIGHT
from sdstudio.ui.canvas.frame_drag import CORNERS_AND_SIDES, FrameDrag, Grip, grip_point
from sdstudio.ui.canvas.pointer_input import Sample
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.canvas_paint import paint_checks, paint_pill
from sdstudio.ui.theme import Theme

HANDLE = 10
GRASP = 10.0
"""Logical pixels around a handle's middle in which a press takes it."""
NEAR = 7.0
"""Logical pixels from an edge of the picture in which a dragged edge jumps to it."""
STEP = 64
SMALL_STEP_BELOW = 384
"""Models that are made for less than so many pixels a side have frames too small for steps of 64."""

PILL_WIDTH = 360
"""Logical pixels that the words at the frame never exceed."""

_CURSORS = {
    Grip.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Grip.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Grip.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Grip.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Grip.TOP: Qt.CursorShape.SizeVerCursor,
    Grip.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Grip.LEFT: Qt.CursorShape.SizeHorCursor,
    Grip.RIGHT: Qt.CursorShape.SizeHorCursor,
    Grip.WHOLE: Qt.CursorShape.SizeAllCursor,
}


class Place(Protocol):
    """The geometry of the view."""

    @property
    def map(self) -> ViewMap: ...
    def place(self, sample: Sample) -> tuple[float, float]: ...
    def device_point(self, sample: Sample) -> tuple[float, float]: ...
    def to_logical(self, x: float, y: float) -> QPointF: ...
    def devicePixelRatioF(self) -> float: ...
    def rect(self) -> QRect: ...


class FrameLayer(QObject):
    """Shows EditPlanner's plan and changes EditSettings.frame, nothing else. `stale` carries device pixels."""

    stale = Signal(object)
    dragged = Signal(object)  # Rect: where a drag has left it

    def __init__(
        self,
        canvas: CanvasSession,
        settings: EditSettings,
        planner: EditPlanner,
        theme: Theme,
        view: Place,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._settings = settings
        self._planner = planner
        self._theme = theme
        self._view = view
        self._active = False
        self._covered = False
        self._drag: tuple[FrameDrag, Rect | None] | None = None
        self._painted = QRegion()
        planner.plan_changed.connect(self.follow)
        settings.changed.connect(self.follow)

    # What there is

    @property
    def frame(self) -> Rect | None:
        """In the document's pixels; None while none is shown."""
        document, plan = self._canvas.document, self._planner.plan
        if document is None or not plan.on_canvas:
            return None
        chosen = self._settings.frame
        frame = chosen if chosen is not None else plan.frame
        if frame.empty:
            return document.rect if self._active else None
        return frame if self._active or chosen is not None or frame != document.rect else None

    @property
    def covered(self) -> bool:
        return self._covered

    def set_active(self, active: bool) -> None:
        """Whether its tool is in the hand."""
        self._active = active
        self.follow()

    def set_covered(self, covered: bool) -> None:
        """While results lie on the canvas to be judged, no line crosses them."""
        self._covered = covered
        self.follow()

    def follow(self) -> None:
        """Plan, settings or view are others: what it touches now and did before is to be painted."""
        touched = self._touched()
        if touched != self._painted or self._drag is not None:
            before, self._painted = self._painted, touched
            self.stale.emit(before.united(touched))

    # By hand

    def press(self, sample: Sample) -> bool:
        frame = self.frame
        grip = None if frame is None else self._grip(frame, sample)
        document = self._canvas.document
        if frame is None or grip is None or document is None:
            return False
        x, y = self._view.place(sample)
        self._drag = (FrameDrag(frame, grip, x, y, document.size, self._planner.native), self._settings.frame)
        return True

    def move(self, sample: Sample) -> None:
        """Alt snaps to 8 pixels, the least there is."""
        if self._drag is None:
            return
        fine = sample.has(Qt.KeyboardModifier.AltModifier)
        near = 0.0 if fine else NEAR * self._view.devicePixelRatioF() / self._view.map.zoom
        step = SIDE_STEP if fine or self._planner.native < SMALL_STEP_BELOW else STEP
        self._settings.frame = self._drag[0].to(*self._view.place(sample), step, near)

    def release(self) -> None:
        if self._drag is not None:
            self._drag = None
            self.follow()
            if self._settings.frame is not None:
                self.dragged.emit(self._settings.frame)

    def cancel(self) -> None:
        """The frame as it was before the drag."""
        if self._drag is not None:
            before = self._drag[1]
            self._drag = None
            self._settings.frame = before
            self.follow()

    def reset(self) -> None:
        """It chooses itself again."""
        self._settings.frame = None

    def cursor(self, sample: Sample) -> QCursor:
        frame = self.frame
        grip = self._drag[0].grip if self._drag is not None else None
        if grip is None and frame is not None:
            grip = self._grip(frame, sample)
        return QCursor(Qt.CursorShape.ArrowCursor if grip is None else _CURSORS[grip])

    def _grip(self, frame: Rect, sample: Sample) -> Grip | None:
        """The nearest handle within reach, else the whole frame where the pointer is inside."""
        x, y = self._view.device_point(sample)
        left, top, right, bottom = self._box(frame)
        reach = GRASP * self._view.devicePixelRatioF()
        near: list[tuple[float, Grip]] = []
        for grip in CORNERS_AND_SIDES:
            px, py = grip_point(grip, left, top, right, bottom)
            apart = max(abs(px - x), abs(py - y))
            if apart <= reach:
                near.append((apart, grip))
        if near:
            return min(near, key=lambda pair: pair[0])[1]
        return Grip.WHOLE if left <= x < right and top <= y < bottom else None

    # Painting

    def paint(self, painter: QPainter) -> None:
        """In device pixels: new ground as checks, then the line, then the handles."""
        frame = self._shown
        if frame is None:
            return
        for part in self._fresh(frame):
            paint_checks(painter, part, self._theme.tokens.name == "dark")
        left, top, right, bottom = (round(edge) for edge in self._box(frame))
        box = QRect(left, top, right - left, bottom - top)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for grow, colour in ((1, "#000000"), (-1, "#000000"), (0, "#FFFFFF")):
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawRect(box.adjusted(-grow, -grow, grow - 1, grow - 1))
        if self._active:
            self._paint_handles(painter, box)

    def _paint_handles(self, painter: QPainter, box: QRect) -> None:
        side = round(HANDLE * self._view.devicePixelRatioF())
        painter.setPen(QPen(QColor("#000000"), 1))
        painter.setBrush(QColor("#FFFFFF"))
        for grip in CORNERS_AND_SIDES:
            x, y = grip_point(grip, box.left(), box.top(), box.right(), box.bottom())
            painter.drawRect(QRect(round(x - side / 2), round(y - side / 2), side, side))

    def paint_words(self, painter: QPainter) -> None:
        """In logical pixels: its size at its upper left corner, what is new in the middle of it."""
        frame = self._shown
        if frame is None:
            return
        font, colours = self._theme.font("badge"), (self._theme.color("pill"), self._theme.color("pilltext"))
        if self._active or not self._planner.plan.problem:
            paint_pill(painter, self._pill_corner(frame), self.words(frame), font, colours)
        for part, words in zip(self._fresh(frame), self._fresh_words(frame), strict=True):
            middle = self._view.to_logical(part.center().x(), part.center().y())
            paint_pill(painter, middle - QPointF(20, -10), words, font, colours)

    def words(self, frame: Rect) -> str:
        """ "Frame 704 × 704", and the size that is made where that is another."""
        words = QCoreApplication.translate("Canvas", "Frame {width} × {height}").format(
            width=frame.width, height=frame.height
        )
        plan = self._planner.plan
        if plan.frame == frame and len(plan.plans) == 1 and (plan.made.width, plan.made.height) != frame_size(frame):
            made = QCoreApplication.translate("Canvas", "made at {width} × {height}")
            words += ", " + made.format(width=plan.made.width, height=plan.made.height)
        return words

    @property
    def _shown(self) -> Rect | None:
        return None if self._covered else self.frame

    def _box(self, frame: Rect) -> tuple[float, float, float, float]:
        """Its edges in device pixels."""
        view = self._view.map
        return (*view.to_device(frame.x, frame.y), *view.to_device(frame.right, frame.bottom))

    def _parts(self, frame: Rect) -> list[tuple[Rect, int]]:
        """What of the frame lies beyond the picture, left, right, above and below, and how far it reaches."""
        document = self._canvas.document
        if document is None or frame.intersected(document.rect).empty:
            return []
        size, whole = document.size, frame.united(document.rect)
        parts = [
            (Rect.between(whole.x, whole.y, 0, whole.bottom), -whole.x),
            (Rect.between(size.width, whole.y, whole.right, whole.bottom), whole.right - size.width),
            (Rect.between(0, whole.y, size.width, 0), -whole.y),
            (Rect.between(0, size.height, size.width, whole.bottom), whole.bottom - size.height),
        ]
        return [(part, reach) for part, reach in parts if not part.empty]

    def _fresh(self, frame: Rect) -> list[QRect]:
        """In device pixels."""
        boxes = [self._box(part) for part, _reach in self._parts(frame)]
        return [QRectF(left, top, right - left, bottom - top).toRect() for left, top, right, bottom in boxes]

    def _fresh_words(self, frame: Rect) -> list[str]:
        words = QCoreApplication.translate("Canvas", "{pixels} px new")
        return [words.format(pixels=reach) for _part, reach in self._parts(frame)]

    def _pill_corner(self, frame: Rect) -> QPointF:
        """Above the frame; inside where there is no room."""
        left, top, _right, bottom = self._box(frame)
        corner, low = self._view.to_logical(left, top), self._view.to_logical(left, bottom)
        x = min(max(corner.x(), PILL_AIR), max(PILL_AIR, self._view.rect().width() - 220.0))
        y = corner.y() - PILL_AIR
        if y < PILL_HEIGHT + PILL_AIR:
            y = min(corner.y(), low.y()) + PILL_AIR + PILL_HEIGHT
        return QPointF(x, min(max(y, PILL_HEIGHT + PILL_AIR), self._view.rect().height() - PILL_AIR))

    def _touched(self) -> QRegion:
        """Device pixels: the line with its handles, the pills, and the new ground."""
        frame = self._shown
        if frame is None:
            return QRegion()
        ratio = self._view.devicePixelRatioF()
        air = round((HANDLE / 2 + 3) * ratio)
        left, top, right, bottom = (round(edge) for edge in self._box(frame))
        outer = QRect(left, top, right - left, bottom - top).adjusted(-air, -air, air, air)
        region = QRegion(outer).subtracted(QRegion(outer.adjusted(2 * air, 2 * air, -2 * air, -2 * air)))
        for part in self._fresh(frame):
            region = region.united(QRegion(part.adjusted(-1, -1, 1, 1)))
        corner = self._pill_corner(frame)
        origin = self._view.to_logical(0, 0)
        place = QRectF(corner.x() - origin.x(), corner.y() - origin.y() - PILL_HEIGHT, PILL_WIDTH, PILL_HEIGHT)
        pill = QRectF(place.x() * ratio, place.y() * ratio, place.width() * ratio, place.height() * ratio)
        return region.united(QRegion(pill.toAlignedRect().adjusted(-2, -2, 2, 2)))


def frame_size(frame: Rect) -> tuple[int, int]:
    return frame.width, frame.height
