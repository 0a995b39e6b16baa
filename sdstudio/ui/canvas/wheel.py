"""Wheel or touchpad: the one zooms, the other moves the picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputDevice, QWheelEvent

_DOUBLES = 480.0
"""Four notches of a wheel (120 units each) double the size."""
_PIXELS_DOUBLE = 200.0
_UNITS_A_PIXEL = 2.0


def is_touchpad(event: QWheelEvent) -> bool:
    """Two fingers on a touchpad. Qt on X11 gives pixels for some wheels too, so there only the device counts."""
    device = event.device()
    if device is not None and device.type() == QInputDevice.DeviceType.TouchPad:
        return True
    if event.pixelDelta().isNull():
        return False
    return event.phase() != Qt.ScrollPhase.NoScrollPhase or QGuiApplication.platformName() != "xcb"


def moved_by(event: QWheelEvent) -> QPointF:
    """Logical pixels that two fingers moved."""
    pixels = QPointF(event.pixelDelta())
    return pixels if not pixels.isNull() else QPointF(event.angleDelta()) / _UNITS_A_PIXEL


def zoom_factor(event: QWheelEvent) -> float:
    """By how much this turn of the wheel enlarges. Alt makes Qt swap the axes, so both count."""
    angle = event.angleDelta().y() or event.angleDelta().x()
    if angle:
        return float(2.0 ** (angle / _DOUBLES))
    return float(2.0 ** (event.pixelDelta().y() / _PIXELS_DOUBLE))
