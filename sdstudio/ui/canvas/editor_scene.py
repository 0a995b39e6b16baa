"""What the editor shows, apart from what moves with the hand: the picture and its mask, kept up to date in slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPainter, QRegion

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument, Change
from sdstudio.domain.canvas_state import MASK, TILE
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.ui.canvas.mask_edge import reach
from sdstudio.ui.canvas.mask_look import MaskLook
from sdstudio.ui.canvas.mask_overlay import MaskOverlay
from sdstudio.ui.canvas.picture_frame import PictureFrame
from sdstudio.ui.canvas.regions import ViewBuffer, merged, rects_of, to_qrect
from sdstudio.ui.canvas.tile_images import LevelKey, TileImages
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.theme import Theme

SLICE_S = 0.004
"""At most so long the window is kept from answering while tiles are computed or made smooth."""
FETCH_S = 0.002
"""At another zoom one repaint fetches tiles for at most so long, as long as coarser or older ones are at hand."""
DRAWN_S, WORK_S = 0.05, 0.006
"""So long a repaint computes coarser levels, at most: while the hand draws, which has to see its line (a stroke takes a
tenth of that), and at other times."""
REST_MS = 60
"""After a change of zoom the picture is made smooth only when the wheel rests."""


class EditorScene(QObject):
    """Asks for a repaint by `stale`, a QRegion in device pixels of the view."""

    stale = Signal(object)

    def __init__(self, session: CanvasSession, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._document: CanvasDocument | None = None
        self._frame = PictureFrame()
        self._overlay = MaskOverlay()
        self._tiles: TileImages | None = None
        self._bounds = NO_PIXELS
        self._ratio = 1.0
        self._zoomed = False
        self.cover: Callable[[], QRegion] | None = None
        """Device pixels that show no mask: a candidate is there."""
        self._drawn = False  # since the dashes moved last
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.timeout.connect(self._work)
        session.document_changed.connect(self._take_document)
        session.pixels_changed.connect(self._on_pixels)
        session.mask_changed.connect(self._take_bounds)
        session.history_changed.connect(self._work_on)
        theme.changed.connect(self._take_theme)
        self._take_theme()
        self._take_document()

    @property
    def sharp(self) -> bool:
        """Whether all that was painted last is as good as it gets."""
        return not (self._frame.rough or self._overlay.rough or self._todo)

    @property
    def up_to_date(self) -> bool:
        """Whether all changes so far have been painted, smoothly or not, exactly or nearly so."""
        return self._frame.holds and self._overlay.holds and not (self._tiles and self._tiles.wanted)

    def look(self, view: ViewMap | None) -> None:
        """What part is shown, how large."""
        old = self._frame.map
        if view is not None and old is not None and old.zoom != view.zoom:
            self._idle.start(REST_MS)
            if self._tiles is not None:
                self._tiles.wanted.clear()
            self._overlay.hasten()
            self._zoomed = True
        self._frame.look(view)
        self._overlay.look(view)

    def set_mask_look(self, look: MaskLook, ratio: float) -> None:
        self._ratio = ratio
        self._overlay.set_look(look, ratio)

    def paint(self, painter: QPainter, region: QRegion) -> None:
        """`painter` draws in device pixels, on whole ones."""
        if self._tiles is not None:
            drawn = self._session.busy
            self._tiles.begin_frame(FETCH_S if self._zoomed else math.inf, DRAWN_S if drawn else WORK_S, sketch=drawn)
            self._zoomed = False
        self._frame.prepare(region)
        self._overlay.prepare(region)
        for rect in rects_of(region):
            painter.drawImage(rect.topLeft(), self._frame.image, rect)
        self._paint_mask(painter, region)
        self._work_on()

    @property
    def _todo(self) -> list[LevelKey]:
        """The tiles that are missing, then those that were only sketched."""
        return [] if self._tiles is None else [*self._tiles.wanted, *self._tiles.sketches]

    def _work_on(self) -> None:
        """When there is time, and more to do than sketches while the hand draws."""
        tiles = self._tiles
        only_sketches = tiles is not None and not (tiles.wanted or self._frame.rough or self._overlay.rough)
        if not self.sharp and not self._idle.isActive() and not (only_sketches and self._session.busy):
            self._idle.start(0)

    def _paint_mask(self, painter: QPainter, region: QRegion) -> None:
        """But for where something covers it."""
        covered = QRegion() if self.cover is None else self.cover()
        if covered.isEmpty():
            self._overlay.paint(painter, region)
            return
        part = region.subtracted(covered)
        painter.save()
        painter.setClipRegion(part)
        self._overlay.paint(painter, part)
        painter.restore()

    def move_dashes(self) -> QRegion:
        """Moves the mask's edge on by one pixel. Returns what is to be painted: nothing while the hand draws, which
        needs the time itself (a long edge takes 10 ms)."""
        if self._session.busy and self._drawn:
            self._drawn = False
            return QRegion()
        return self._overlay.move_dashes(1)

    def _take_document(self) -> None:
        pyramid = self._session.pyramid
        self._tiles = None if pyramid is None else TileImages(pyramid)
        self._frame.set_tiles(self._tiles)
        self._overlay.set_tiles(None if self._tiles is None else self._tiles.mask)
        self._take_bounds()

    def _take_bounds(self) -> None:
        self._bounds = self._session.mask_bounds
        self._overlay.set_bounds(self._bounds)

    def _take_theme(self) -> None:
        self._frame.backdrop = self._theme.color("canvas")
        self._frame.dark = self._theme.tokens.name == "dark"
        self._frame.invalidate()

    def _on_pixels(self, change: Change) -> None:
        self._drawn = True
        view = self._frame.map
        masked = MASK in change.layers
        pictured = change.structure or bool(change.layers - {MASK})
        if masked:
            # The session tells the mask's bounds only when a gesture is over.
            self._bounds = self._bounds.united(change.rect)
            self._overlay.set_bounds(self._bounds)
        if self._tiles is not None and pictured:
            for rect in change.rects:
                self._tiles.invalidate(rect)
        if view is None or change.rect.empty:
            return
        stale: list[Rect] = []
        if masked:
            stale += _spoiled(self._overlay, view, change.rects, 1 << view.mask_level, reach(self._ratio) + 1)
        if pictured:
            stale += _spoiled(self._frame, view, change.rects, 2 << view.level, 1)
        region = QRegion()
        for rect in merged(stale):
            region = region.united(to_qrect(rect))
        if not region.isEmpty():
            self.stale.emit(region)

    def _work(self) -> None:
        """One slice: tiles first, then smoothness."""
        tiles, pyramid = self._tiles, self._session.pyramid
        if tiles is None or pyramid is None:
            return
        todo = list(tiles.wanted) if self._session.busy else self._todo
        if todo:
            ready = pyramid.work(SLICE_S, todo)
            for known in ready:
                tiles.wanted.pop(known, None)
            tiles.spoil_sketches(ready)
            stale = self._frame.tiles_ready(ready).united(self._masks_ready(ready))
        elif self._overlay.rough:
            stale = self._overlay.sharpen(SLICE_S)
        else:
            stale = self._frame.sharpen(SLICE_S)
        if not stale.empty:
            self.stale.emit(QRegion(to_qrect(stale)))
        self._work_on()

    def _masks_ready(self, keys: Iterable[LevelKey]) -> Rect:
        """What shows these tiles of the mask is painted anew, and a little more: the line round the mask is drawn
        from all pixels in its reach. Returns the device pixels concerned."""
        whole, view = NO_PIXELS, self._frame.map
        if view is not None:
            level = view.mask_level
            side = TILE << level
            places = [Rect(key[0] * side, key[1] * side, side, side) for shown, key in keys if shown == level]
            for rect in _spoiled(self._overlay, view, places, 1 << level, reach(self._ratio) + 1):
                whole = whole.united(rect)
        return whole


def _spoiled(
    buffer: ViewBuffer, view: ViewMap, changed: Iterable[Rect], document_margin: int, margin: int
) -> list[Rect]:
    """The device pixels that no longer hold."""
    rects = merged(view.device_rect(rect, document_margin, margin) for rect in changed)
    for rect in rects:
        buffer.invalidate(rect)
    return rects
