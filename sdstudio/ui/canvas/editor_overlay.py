"""What moves with the hand: the brush's ring, outlines, pills, the cursor; repainted apart from the picture."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QCoreApplication, QObject, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QPainter, QRegion

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.tool_settings import BrushSettings
from sdstudio.ui.canvas.brush_ring import BrushRing, Ring
from sdstudio.ui.canvas.cursors import tool_cursor, zoom_cursor
from sdstudio.ui.canvas.editor_hand import Doing, EditorHand
from sdstudio.ui.canvas.editor_marks import Pills, outline_place, paint_outline, work_words
from sdstudio.ui.canvas.editor_scene import REST_MS
from sdstudio.ui.canvas.mask_look import MaskLook
from sdstudio.ui.canvas.pointer_input import Sample
from sdstudio.ui.canvas.regions import to_qrect
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.theme import Theme

_PILL_NEAR = 10.0


class Place(Protocol):
    """The geometry of the view."""

    @property
    def map(self) -> ViewMap: ...
    def device_point(self, sample: Sample) -> tuple[float, float]: ...
    def to_device(self, position: QPointF) -> tuple[float, float]: ...
    def to_logical(self, x: float, y: float) -> QPointF: ...
    def devicePixelRatioF(self) -> float: ...
    def rect(self) -> QRect: ...


class EditorOverlay(QObject):
    """`stale` carries the device pixels to paint again: only where something was or is now."""

    stale = Signal(object)

    def __init__(self, session: CanvasSession, theme: Theme, hand: EditorHand, view: Place, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._hand = hand
        self._view = view
        self._pills = Pills(theme)
        self._ring = BrushRing()
        self._ring_at: tuple[float, float] | None = None
        self._painted = QRegion()
        self._zoom = 0.0
        self._wheel_rests = QTimer(self)
        self._wheel_rests.setSingleShot(True)
        self._wheel_rests.timeout.connect(self._paint_ring_well)
        self._cursors: dict[tuple[str, float], QCursor] = {}

    @property
    def ring_at(self) -> tuple[float, float] | None:
        """The ring's middle in device pixels, None while there is none."""
        return self._ring_at

    @property
    def ring(self) -> Ring:
        return self._ring.ring

    def follow(self) -> None:
        """The hand, the brush, the outline or the view has changed."""
        brush, at = self._brush(), None
        if brush is not None:
            at = self._anchor()
        if brush is not None and at is not None:
            dashed = self._hand.eraser_tip or self._session.settings.tool == "eraser"
            ratio = self._view.devicePixelRatioF()
            self._ring.set_ring(Ring(brush.size * self._view.map.zoom, brush.hardness, dashed, ratio))
        self._ring_at = at
        if self._view.map.zoom != self._zoom:
            self._zoom, self._ring.plain = self._view.map.zoom, True
            self._wheel_rests.start(REST_MS)
        touched = self._touched()
        if touched != self._painted or self._hand.doing is Doing.BRUSH:
            before, self._painted = self._painted, touched
            self.stale.emit(before.united(touched))

    def _paint_ring_well(self) -> None:
        self._ring.plain = False
        if self._ring_at is not None:
            self.stale.emit(QRegion(self._ring.place(*self._ring_at)))

    def paint(self, painter: QPainter) -> None:
        """In device pixels."""
        outline = self._session.outline
        if outline is not None:
            paint_outline(painter, outline, self._view.map, self._view.devicePixelRatioF())
        if self._ring_at is not None:
            self._ring.paint(painter, *self._ring_at)

    def paint_words(self, painter: QPainter, look: MaskLook) -> None:
        """In logical pixels."""
        words = self.mask_words(look)
        if words:
            self._pills.top_left(painter, words)
        if self._session.work is not None:
            self._pills.bottom_left(painter, work_words(self._session.work), self._view.rect().height())
        if self._hand.doing is Doing.BRUSH and self._ring_at is not None:
            self._pills.beside(painter, self.brush_words(), self._beside_ring(), self._view.rect())

    def mask_words(self, look: MaskLook) -> str:
        """What has to be said of a mask whose tint is not shown; "" otherwise."""
        if self._session.mask_empty or not look.edge_alone:
            return ""
        return QCoreApplication.translate("Canvas", "Mask hidden but for its edge – it still counts")

    def brush_words(self) -> str:
        """Size and hardness, while they are being dragged."""
        brush = self._session.settings.brush_in_hand
        words = QCoreApplication.translate("Canvas", "{size} px · {hardness} % hard")
        return words.format(size=f"{brush.size:g}", hardness=round(100 * brush.hardness))

    def cursor(self) -> QCursor:
        """Blank where the ring takes its place."""
        hand, tool = self._hand, self._hand.view_tool
        if hand.doing is Doing.PAN:
            return QCursor(Qt.CursorShape.ClosedHandCursor)
        if hand.doing is not Doing.STROKE and (hand.space or tool == "hand"):
            return QCursor(Qt.CursorShape.OpenHandCursor)
        if tool == "frame" and hand.frame is not None and hand.pointer is not None:
            return hand.frame.cursor(hand.pointer)
        work = self._session.work
        if work is not None and work.exclusive:
            return QCursor(Qt.CursorShape.BusyCursor)
        if hand.brush_shown:
            return QCursor(Qt.CursorShape.BlankCursor)
        chosen = self._session.settings.tool
        return self._own(chosen if hand.doing is Doing.STROKE else tool or chosen)

    def _own(self, name: str) -> QCursor:
        ratio = self._view.devicePixelRatioF()
        key = (name, ratio)
        if key not in self._cursors:
            self._cursors[key] = zoom_cursor(ratio) if name == "zoom" else tool_cursor(name, ratio)
        return self._cursors[key]

    def _brush(self) -> BrushSettings | None:
        """The brush whose ring is shown now."""
        work = self._session.work
        if self._session.document is None or not self._hand.brush_shown or (work is not None and work.exclusive):
            return None
        settings = self._session.settings
        brush: BrushSettings = getattr(settings, settings.brush_name(eraser_tip=self._hand.eraser_tip))
        return brush

    def _anchor(self) -> tuple[float, float] | None:
        pointer = self._hand.pointer
        if self._hand.doing is Doing.BRUSH and self._hand.anchor is not None:
            return self._view.to_device(self._hand.anchor)
        return None if pointer is None else self._view.device_point(pointer)

    def _touched(self) -> QRegion:
        """Device pixels of everything that moves with the hand, as it is now."""
        region = QRegion()
        if self._session.outline is not None:
            region = QRegion(to_qrect(outline_place(self._session.outline, self._view.map)))
        if self._ring_at is None:
            return region
        region = region.united(self._ring.place(*self._ring_at))
        if self._hand.doing is Doing.BRUSH:
            region = QRegion(to_qrect(self._view.map.bounds))  # the pill may be moved inwards anywhere
        return region

    def _beside_ring(self) -> QPointF:
        """Logical: the lower left corner of a pill right of the ring."""
        if self._ring_at is None:
            return QPointF()
        radius = self._ring.ring.diameter / 2 / self._view.devicePixelRatioF()
        return self._view.to_logical(*self._ring_at) + QPointF(max(radius, _PILL_NEAR) + _PILL_NEAR, _PILL_NEAR)
