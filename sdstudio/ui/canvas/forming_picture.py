"""The forming picture in its place: enlarged smoothly, shown as far as its result will be, the new one over the old."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from sdstudio.app.candidate_ground import Ground
from sdstudio.app.candidate_shelf import Forming
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.view_map import ViewMap
from sdstudio.ui.qimage import Pyramid, smooth_enlarged, to_qimage

_PM = QImage.Format.Format_ARGB32_Premultiplied


class FormingPicture:
    """Of one frame. What was composed for a view is kept until the view or the preview is another."""

    def __init__(self, ground: Ground, veil: Pyramid) -> None:
        self._ground = ground
        self._veil = veil
        self._seen: Forming | None = None
        self._small = QImage()
        self._now: tuple[ViewMap, QPoint, QImage] | None = None
        self._old: tuple[ViewMap, QPoint, QImage] | None = None

    def show(self, seen: Forming) -> bool:
        """False where that one is shown already."""
        if self._seen is not None and self._seen.image is seen.image:
            return False
        self._seen = seen
        self._small = to_qimage(seen.image)
        self._old, self._now = self._now, None
        return True

    def settle(self) -> None:
        """Nothing of the old one is needed any more."""
        self._old = None

    def paint(self, painter: QPainter, view: ViewMap, faded: float) -> None:
        """`faded`: 0 = still the old one, 1 = the new one alone."""
        if self._now is None or self._now[0] is not view:
            self._now = self._composed(view)
        if self._now is None:
            return
        old = self._old
        if faded < 1 and old is not None and old[0] is view:
            painter.drawImage(old[1], old[2])
            painter.setOpacity(faded)
        painter.drawImage(self._now[1], self._now[2])
        painter.setOpacity(1.0)

    def _composed(self, view: ViewMap) -> tuple[ViewMap, QPoint, QImage] | None:
        seen, bounds = self._seen, self._ground.bounds
        target = view.device_rect(bounds)
        if seen is None or target.empty:
            return None
        image = _drawn(target, self._veil.level_for(view.zoom), _device(view, bounds))
        frame = _device(view, seen.frame)
        small = smooth_enlarged(self._small, QSize(round(frame.width()), round(frame.height())))
        picture = _drawn(target, small, frame)
        with QPainter(image) as painter:
            # What is seen of the picture is the veil's alpha alone, also where a pixel is covered in part.
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
            painter.drawImage(0, 0, picture)
        return view, QPoint(target.x, target.y), image


def _drawn(target: Rect, image: QImage, place: QRectF) -> QImage:
    """The device pixels of `target` with an image stretched to `place` on them."""
    result = QImage(target.width, target.height, _PM)
    result.fill(0)
    with QPainter(result) as painter:
        painter.translate(-target.x, -target.y)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, image, QRectF(image.rect()))
    return result


def _device(view: ViewMap, rect: Rect) -> QRectF:
    x, y = view.to_device(rect.x, rect.y)
    return QRectF(x, y, rect.width * view.zoom, rect.height * view.zoom)
