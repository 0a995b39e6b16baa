"""What lies over the canvas while candidates are there: previews, the chosen one, what changed, the line between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QObject, QPointF, QRectF, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QPainter, QRegion

from sdstudio.app.candidate_prepare import CandidatePart
from sdstudio.app.candidate_shelf import Forming
from sdstudio.app.candidates import Candidates
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.canvas.candidate_marks import corner_region, line_region, paint_line, paint_stray, pill_at
from sdstudio.ui.canvas.candidate_pictures import CandidatePictures
from sdstudio.ui.canvas.forming_picture import FormingPicture
from sdstudio.ui.canvas.regions import to_qrect
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.qimage import Pyramid
from sdstudio.ui.theme import Theme

FADE_MS = 80
GRIP = 10.0
"""Logical pixels around the line in which it can be taken."""
EDGE = 6
"""Device pixels that the mask's dashes reach beyond it."""


class Place(Protocol):
    """The geometry of the view."""

    @property
    def map(self) -> ViewMap: ...
    def to_device(self, position: QPointF) -> tuple[float, float]: ...
    def to_logical(self, x: float, y: float) -> QPointF: ...
    def devicePixelRatioF(self) -> float: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """All that is painted, ready: pictures with their places in the document."""

    pictures: tuple[tuple[Rect, Pyramid], ...] = ()
    forming: tuple[tuple[Forming, Pyramid], ...] = ()
    stray: tuple[tuple[Rect, CandidatePart], ...] = ()
    difference: bool = False

    @property
    def rects(self) -> list[Rect]:
        return [rect for rect, _ in self.pictures] + [seen.ground.bounds for seen, _ in self.forming]


class CandidateOverlay(QObject):
    """Paints only what is ready: until another picture is, the last one stays. `stale` carries the device pixels to
    paint again."""

    stale = Signal(object)
    covering = Signal(bool)
    """Whether something lies over the canvas: then no line is to cross it."""

    def __init__(self, candidates: Candidates, theme: Theme, view: Place, io: IoWorker, parent: QObject) -> None:
        super().__init__(parent)
        self._candidates = candidates
        self._theme = theme
        self._view = view
        self._pictures = CandidatePictures(io, self)
        self._pictures.ready.connect(self.follow)
        self._shown = _Shown()
        self._formed: dict[tuple[str, Rect], FormingPicture] = {}
        self._fade = QVariantAnimation(self)
        self._fade.setDuration(FADE_MS)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.valueChanged.connect(self._on_fade)
        candidates.changed.connect(self.follow)
        candidates.forming.connect(self.follow)

    # What is shown

    def follow(self) -> None:
        """Another candidate, another preview, another way of looking."""
        before, words = self.region(), self._corner_words
        self._pictures.keep(self._wanted())
        shown = self._ready()
        if shown is not None:
            self._take(shown)
        stale = before.united(self.region())
        if words != self._corner_words:
            stale = stale.united(corner_region(self._view.map, self._view.devicePixelRatioF()))
        if not stale.isEmpty():
            self.stale.emit(stale)

    def _take(self, shown: _Shown) -> None:
        """New previews come over the old ones."""
        was, self._shown = self.empty, shown
        if was != self.empty:
            self.covering.emit(was)
        known = {(seen.job_id, seen.frame): (seen, veil) for seen, veil in shown.forming}
        self._formed = {key: formed for key, formed in self._formed.items() if key in known}
        fresh = False
        for key, (seen, veil) in known.items():
            formed = self._formed.setdefault(key, FormingPicture(seen.ground, veil))
            if formed.show(seen):
                fresh = True
            else:
                formed.settle()
        if fresh and not self._theme.reduce_motion:
            self._fade.stop()
            self._fade.start()

    def _wanted(self) -> list[ImageBuffer]:
        items = self._candidates.items
        wanted = [part.shown for item in items for part in item.parts]
        wanted += [seen.ground.veil for item in items for seen in item.previews]
        if self._candidates.difference and self._candidates.finished is not None:
            images = (self._candidates.difference_of(part) for part in self._candidates.finished.parts)
            wanted += [image for image in images if image is not None]
        for image in wanted:
            self._pictures.get(image)
        return wanted

    def _ready(self) -> _Shown | None:
        """What is to be painted now; None while a part of it is still being made."""
        candidates, chosen = self._candidates, self._candidates.chosen
        if candidates.before_shown or chosen is None:
            return _Shown()
        pictures, difference = [], candidates.difference and chosen.done
        for part in chosen.parts:
            image = candidates.difference_of(part) if difference else part.shown
            pyramid = None if image is None else self._pictures.get(image)
            if pyramid is None:
                return None
            pictures.append((part.shown_at, pyramid))
        forming = []
        for seen in chosen.previews:
            veil = self._pictures.get(seen.ground.veil)
            if veil is not None:
                forming.append((seen, veil))
        marked = tuple((part.shown_at, part) for part in chosen.parts) if candidates.stray else ()
        return _Shown(tuple(pictures), tuple(forming), marked, difference)

    @property
    def empty(self) -> bool:
        """Whether the canvas alone is seen."""
        return not (self._shown.pictures or self._shown.forming)

    def region(self) -> QRegion:
        """Device pixels that are painted here."""
        region = self.cover()
        if self.comparing:
            region = region.united(line_region(self._view.map, self.seen, self._view.devicePixelRatioF()))
        return region

    def cover(self) -> QRegion:
        """Where the mask is not painted: one has to judge colours."""
        region = QRegion()
        if self.empty:
            return region
        view = self._view.map
        if self._shown.difference:
            region = QRegion(to_qrect(view.picture.intersected(view.bounds)))
        for rect in self._shown.rects:
            region = region.united(to_qrect(view.device_rect(rect, 2.0 / min(view.zoom, 1.0), EDGE)))
        return region

    # The line between before and after

    @property
    def seen(self) -> Rect:
        """What the model saw, in document pixels: the line is dragged across it."""
        seen = NO_PIXELS
        chosen = self._candidates.chosen
        if chosen is not None:
            grounds = [part.ground for part in chosen.parts] + [preview.ground for preview in chosen.previews]
            seen = reduce(Rect.united, (ground.seen for ground in grounds), seen)
        return seen

    @property
    def comparing(self) -> bool:
        return self._candidates.compare is not None and not self.empty

    def over_line(self, position: QPointF) -> bool:
        """Whether the line can be taken at this place of the view (logical pixels)."""
        if not self.comparing:
            return False
        x, y = self._view.to_device(position)
        frame = self._view.map.device_rect(self.seen)
        near = abs(x - self._line_x()) <= GRIP * self._view.devicePixelRatioF()
        return near and frame.y <= y < frame.bottom

    def drag_line(self, position: QPointF) -> None:
        seen = self.seen
        if not seen.empty:
            x = self._view.map.to_document(*self._view.to_device(position))[0]
            self._candidates.set_compare((x - seen.x) / seen.width)

    def _line_x(self) -> float:
        seen = self.seen
        return self._view.map.to_device(seen.x + (self._candidates.compare or 0.0) * seen.width, 0)[0]

    # Painting

    def paint(self, painter: QPainter) -> None:
        """In device pixels, above the picture and below what the hand draws."""
        if self.empty:
            return
        view, ratio = self._view.map, self._view.devicePixelRatioF()
        painter.save()
        if self.comparing:
            line = round(self._line_x())
            painter.setClipRect(line, 0, view.width - line, view.height, Qt.ClipOperation.IntersectClip)
        if self._shown.difference:
            painter.fillRect(to_qrect(view.picture), QColor(0, 0, 0))
        for rect, pyramid in self._shown.pictures:
            paint_picture(painter, view, rect, pyramid)
        for formed in self._formed.values():
            formed.paint(painter, view, self._faded)
        for rect, part in self._shown.stray:
            paint_stray(painter, view, rect, part, self._theme.color("error"), ratio)
        painter.restore()
        if self.comparing:
            paint_line(painter, view, self.seen, self._line_x(), ratio)

    def paint_words(self, painter: QPainter, second_line: bool = False) -> None:
        """In logical pixels. `second_line`: the first one at the picture's corner is taken."""
        if not self._candidates.open or not self._candidates.fits:
            return
        view, font = self._view.map, self._theme.font("badge")
        colours = (self._theme.color("pill"), self._theme.color("pilltext"))
        if self.comparing:
            line = self._view.to_logical(self._line_x(), view.device_rect(self.seen).y)
            pill_at(painter, line, self._before_words, font, colours, left=True)
            pill_at(painter, line, str(self._candidates.place + 1), font, colours)
        elif self._corner_words:
            place = view.picture.intersected(view.bounds)
            corner = self._view.to_logical(place.x, place.y) + QPointF(0, 24 if second_line else 0)
            pill_at(painter, corner, self._corner_words, font, colours)

    @property
    def _corner_words(self) -> str:
        """At the picture's corner: what it is, where it is not the result."""
        candidates = self._candidates
        if not candidates.open or not candidates.fits or self.comparing:
            return ""
        if self._shown.difference:
            return QCoreApplication.translate("Canvas", "What changed, four times as strong")
        waits = candidates.chosen is None and candidates.running
        return self._before_words if candidates.before_shown and not waits else ""

    @property
    def _before_words(self) -> str:
        return QCoreApplication.translate("Canvas", "Before")

    @property
    def _faded(self) -> float:
        running = self._fade.state() is QVariantAnimation.State.Running
        return float(self._fade.currentValue()) if running else 1.0

    def _on_fade(self, _value: object) -> None:
        region = self.region()
        if not region.isEmpty():
            self.stale.emit(region)


def paint_picture(painter: QPainter, view: ViewMap, rect: Rect, pyramid: Pyramid) -> None:
    """As the canvas itself is painted: nearest neighbour from where that is, else from the level that is large enough.
    `rect` in document pixels; it may be larger than the picture's level 0 by nothing."""
    image = pyramid.level_for(view.zoom)
    x, y = view.to_device(rect.x, rect.y)
    target = QRectF(x, y, rect.width * view.zoom, rect.height * view.zoom)
    exact = view.nearest or abs(target.width() - image.width()) < 1e-6
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact)
    painter.drawImage(target, image, QRectF(image.rect()))
