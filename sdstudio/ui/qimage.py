"""ImageBuffer to QImage, and the smaller and larger copies that make painting cheap."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from sdstudio.domain.image import ImageBuffer

_SMOOTH = Qt.TransformationMode.SmoothTransformation
_STRETCH = Qt.AspectRatioMode.IgnoreAspectRatio


def to_qimage(buffer: ImageBuffer) -> QImage:
    """A QImage of its own (it does not share the buffer's memory), in the format that paints fastest."""
    size = buffer.size
    shared = QImage(buffer.pixels.data, size.width, size.height, 4 * size.width, QImage.Format.Format_RGBA8888)
    # The conversion copies, so nothing refers to the numpy memory afterwards.
    kind = QImage.Format.Format_RGB32 if buffer.opaque else QImage.Format.Format_ARGB32_Premultiplied
    return shared.convertToFormat(kind)


def to_buffer(image: QImage) -> ImageBuffer:
    """Pixels of their own, straight alpha."""
    import numpy as np  # not needed for the first window

    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    pixels = rows[:, : 4 * plain.width()].reshape(plain.height(), plain.width(), 4).copy()
    pixels.setflags(write=False)
    return ImageBuffer(pixels)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A picture and its halves, quarters …: level k is 1 / 2**k of the size. Level 0 is the picture itself."""

    levels: tuple[QImage, ...]

    @property
    def image(self) -> QImage:
        return self.levels[0]

    def level_for(self, scale: float) -> QImage:
        """The smallest level that still has at least as many pixels as `scale` times the picture shows."""
        index = 0
        while index + 1 < len(self.levels) and scale <= 0.5 ** (index + 1):
            index += 1
        return self.levels[index]


def build_pyramid(buffer: ImageBuffer, smallest: int = 64) -> Pyramid:
    """Halves until a side would be under `smallest`. Pure; may run in a worker thread (a 16-megapixel picture
    takes about 0.1 s)."""
    levels = [to_qimage(buffer)]
    while min(levels[-1].width(), levels[-1].height()) >= 2 * smallest:
        levels.append(_scaled(levels[-1], levels[-1].size() / 2))
    return Pyramid(tuple(levels))


def smooth_enlarged(image: QImage, target: QSize, most: int = 256) -> QImage:
    """`image` doubled until it is at least as large as `target`, but no side over `most`.

    One bilinear step from 16 to 600 pixels shows the pixel grid as diamonds. Doubling repeatedly comes close to a
    quadratic spline, which does not; from 256 pixels on a bilinear step, which the painter does in any case, looks
    the same. The first steps cost a fraction of a millisecond, doubling to 1024 would cost half a frame.
    """
    grown = image
    while grown.width() < target.width() or grown.height() < target.height():
        if 2 * max(grown.width(), grown.height()) > most:
            break
        grown = _scaled(grown, grown.size() * 2)
    return grown


def fitted(image: QImage, side: int) -> QImage:
    """Scaled smoothly (up or down) so that it just fits into `side` x `side`."""
    return image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, _SMOOTH)


def _scaled(image: QImage, size: QSize) -> QImage:
    return image.scaled(size, _STRETCH, _SMOOTH)
