"""The line that "allowed" draws: how far a result may reach, where that is not where the mask's edge is seen.

The mask's edge runs where it is half strong; allowed is everything above nothing, grown by the chosen pixels. Worked
out in another thread once the hand rests, for what is seen and at the screen's own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QRegion

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_settings import EditSettings
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas import mask_ops
from sdstudio.canvas.tiles import TileGrid, keys_of, tile_rect
from sdstudio.domain.canvas_state import Tiles
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.frame_layer import Place
from sdstudio.ui.canvas.regions import to_qrect
from sdstudio.ui.canvas.view_map import ViewMap

REST_MS = 120
"""Nobody needs the line while the brush is down."""
FULL = 128
"""Where the mask's own edge is drawn."""
WHITE, BLACK = 0xC0FFFFFF, 0x90000000
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything that the line follows from."""

    tiles: Tiles
    size: Size
    bounds: Rect
    grow: int
    map: ViewMap


@dataclass(frozen=True, slots=True)
class _Line:
    asked: _Asked
    at: Rect
    image: QImage


class AllowedLine(QObject):
    """`stale` carries device pixels; `answered` comes when it is known where the line lies, or that there is none."""

    stale = Signal(object)
    answered = Signal()

    def __init__(
        self,
        canvas: CanvasSession,
        settings: EditSettings,
        planner: EditPlanner,
        io: IoWorker,
        view: Place,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._settings = settings
        self._planner = planner
        self._io = io
        self._view = view
        self._line: _Line | None = None
        self._asked: _Asked | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask)
        planner.plan_changed.connect(self.follow)
        settings.changed.connect(self.follow)
        canvas.pixels_changed.connect(self.follow)
        canvas.mask_changed.connect(self.follow)

    @property
    def shown(self) -> tuple[Rect, QImage] | None:
        """Where in the view, in device pixels, and what."""
        return None if self._line is None else (self._line.at, self._line.image)

    def follow(self, *_: object) -> None:
        """Mask, settings or view are others: no line until it is known where it lies now."""
        self._show(None)
        self._rest.start()

    def paint(self, painter: QPainter) -> None:
        """In device pixels."""
        if self._line is not None:
            painter.drawImage(QPoint(self._line.at.x, self._line.at.y), self._line.image)

    def _ask(self) -> None:
        asked = self._wanted()
        if asked is None or self._asked is not None:
            return
        self._asked = asked
        self._io.submit(lambda: _drawn(asked), self._arrived, self._lost)

    def _wanted(self) -> _Asked | None:
        document, bounds = self._canvas.document, self._canvas.mask_bounds
        if document is None or bounds.empty or self._canvas.busy or self._planner.plan.task != "inpaint":
            return None
        return _Asked(document.mask.freeze(), document.size, bounds, self._settings.values.grow, self._view.map)

    def _arrived(self, line: _Line | None) -> None:
        asked, self._asked = self._asked, None
        if self._rest.isActive():
            return  # Something has changed meanwhile, and what has rested is asked for again.
        wanted = self._wanted()
        if asked is not None and wanted is not None and _same(asked, wanted):
            self._show(line)
            self.answered.emit()
        else:
            self._rest.start()

    def _lost(self, error: StudioError) -> None:
        """What was wrong is in the log; there is no line then."""
        self._asked = None

    def _show(self, line: _Line | None) -> None:
        region = QRegion()
        for shown in (self._line, line):
            if shown is not None:
                region = region.united(QRegion(to_qrect(shown.at)))
        self._line = line
        if not region.isEmpty():
            self.stale.emit(region)


def _same(first: _Asked, second: _Asked) -> bool:
    """Tiles are compared as objects: they never change."""
    return first.tiles is second.tiles and (first.size, first.grow, first.map) == (second.size, second.grow, second.map)


def _drawn(asked: _Asked) -> _Line | None:
    """None where the line would lie on the mask's own edge."""
    view = asked.map
    whole = asked.bounds.grown(asked.grow + 1).intersected(Rect.of(asked.size))
    at = view.device_rect(whole, 1, 2)
    if at.empty:
        return None
    step = max(1, int(1 / view.zoom))
    shown = _document_part(at, view, asked.size)
    reach = shown.grown(asked.grow + step).intersected(Rect.of(asked.size))
    part = Rect.between(reach.x // step * step, reach.y // step * step, reach.right, reach.bottom)
    cells = _highest(asked.tiles, asked.size, part, step)
    if asked.grow == 0 and not ((cells > 0) & (cells < FULL)).any():
        return None
    allowed = mask_ops.grow(cells, -(-asked.grow // step)) > 0
    flags = _sampled(allowed, at, view, part, step)
    return _Line(asked, at, _outline(flags))


def _document_part(at: Rect, view: ViewMap, size: Size) -> Rect:
    left, top = view.to_document(at.x, at.y)
    right, bottom = view.to_document(at.right, at.bottom)
    return Rect.between(int(left) - 1, int(top) - 1, int(right) + 2, int(bottom) + 2).intersected(Rect.of(size))


def _highest(tiles: Tiles, size: Size, part: Rect, step: int) -> Pixels:
    """The mask's highest value in each cell of `step` x `step` pixels of `part`."""
    if step == 1:
        return TileGrid(size, 1, tiles).read(part)
    cells = np.zeros((-(-part.height // step), -(-part.width // step)), np.uint8)
    for key in keys_of(part):
        tile = tiles.get(key)
        if tile is None:
            continue
        whole = tile_rect(key, size)
        inside = whole.intersected(part)
        values = tile.pixels[inside.moved(-whole.x, -whole.y).slices]
        rows = (np.arange(inside.y, inside.bottom) - part.y) // step
        columns = (np.arange(inside.x, inside.right) - part.x) // step
        first_rows = np.flatnonzero(np.diff(rows, prepend=-1))
        first_columns = np.flatnonzero(np.diff(columns, prepend=-1))
        reduced = np.maximum.reduceat(np.maximum.reduceat(values, first_rows, axis=0), first_columns, axis=1)
        place = cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.maximum(place, reduced, out=place)
    return cells


def _sampled(allowed: Flags, at: Rect, view: ViewMap, part: Rect, step: int) -> Flags:
    """For each device pixel of `at` whether the document's pixel under its middle is allowed."""
    columns, outside_x = _places(np.arange(at.x, at.right), view.x, view.zoom, part.x, part.width, step)
    rows, outside_y = _places(np.arange(at.y, at.bottom), view.y, view.zoom, part.y, part.height, step)
    flags: Flags = allowed[np.ix_(rows, columns)]
    flags[:, outside_x] = False
    flags[outside_y] = False
    return flags


def _places(
    device: npt.NDArray[np.intp], origin: int, zoom: float, start: int, length: int, step: int
) -> tuple[npt.NDArray[np.intp], Flags]:
    document = np.floor((device + 0.5 - origin) / zoom).astype(np.intp) - start
    outside = (document < 0) | (document >= length)
    return np.clip(document, 0, length - 1) // step, outside


def _outline(flags: Flags) -> QImage:
    """White just inside, black just outside: one of them shows on any picture."""
    padded = np.pad(flags, 1)
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    all_around, any_around = np.ones_like(flags), np.zeros_like(flags)
    for neighbour in neighbours:
        all_around &= neighbour
        any_around |= neighbour
    words = np.zeros(flags.shape, np.uint32)
    words[flags & ~all_around] = WHITE
    words[~flags & any_around] = BLACK
    height, width = flags.shape
    return QImage(words.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32).copy()
