"""The bundled 20 px line icons, coloured at load and drawn for each screen's pixel ratio."""

from __future__ import annotations

import math
from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from sdstudio.storage.resources import resource_path
from sdstudio.ui.tokens import ICON_SIZE

_STROKE = 'stroke-width="1.5"'


def svg_text(name: str, colour: str, size: int = ICON_SIZE) -> str:
    """The SVG of an icon in one colour. The stroke stays 1.5 px at any size. Raises FileNotFoundError."""
    text = _drawn(name)
    stroke = f'stroke-width="{1.5 * ICON_SIZE / size:g}"'
    return text.replace("currentColor", colour).replace(_STROKE, stroke)


@cache
def _drawn(name: str) -> str:
    """As the file has it: read once for all colours and pixel ratios."""
    return resource_path(f"icons/{name}.svg").read_text(encoding="utf-8")


def icon_pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    """An icon of `size` logical pixels at a device pixel ratio."""
    side = max(1, math.ceil(size * ratio - 1e-6))
    pixmap = QPixmap(QSize(side, side))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg_text(name, colour, size).encode())).render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def screen_ratios() -> list[float]:
    """The pixel ratios an icon may be asked for: those of the screens, and 1 and 2."""
    return sorted({1.0, 2.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())})


def make_icon(name: str, colour: str, off: str, size: int = ICON_SIZE, active: str | None = None) -> QIcon:
    """An icon with its disabled state in `off` and, where given, its pointed-at and switched-on state in `active`."""
    icon = QIcon()
    for ratio in screen_ratios():
        icon.addPixmap(icon_pixmap(name, colour, size, ratio), QIcon.Mode.Normal, QIcon.State.Off)
        icon.addPixmap(icon_pixmap(name, off, size, ratio), QIcon.Mode.Disabled, QIcon.State.Off)
        if active is not None:
            lit = icon_pixmap(name, active, size, ratio)
            icon.addPixmap(lit, QIcon.Mode.Active, QIcon.State.Off)
            icon.addPixmap(lit, QIcon.Mode.Normal, QIcon.State.On)
    return icon
