"""Holds what stands on the screen, painted piece by piece, against the same view painted whole."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtGui import QGuiApplication, QImage

from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.editor_view import EditorView
from tests.helpers.canvas_checks import SMOOTH_TOLERANCE, same_pixels, wait_until


class Paints(QObject):
    """Notices that a widget is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.seen = self.seen or event.type() == QEvent.Type.Paint
        return super().eventFilter(watched, event)


def check_screen(view: EditorView) -> None:
    """Whatever changed was asked to be painted: picture, mask, and the marks above them. Raises Different."""
    alone = QGuiApplication.platformName() == "offscreen"  # elsewhere something may lie above it
    if alone and view.isVisible() and view.occupied():
        view._dashes.stop()  # they would move on between the two
        let_paint(view)
        by_parts = on_screen(view)
        view.repaint()
        # A part of the picture that is painted again with its neighbour may differ from what it was by rounding.
        same_pixels("the screen", by_parts, on_screen(view), SMOOTH_TOLERANCE)
        view._follow_dashes()


def let_paint(view: EditorView) -> None:
    """Until all is painted that was asked for. Qt paints that together: with one pixel more the view knows when."""
    paints = Paints()
    view.installEventFilter(paints)
    while True:
        wait_until(lambda: view.scene.sharp)
        paints.seen = False
        view.update(QRect(0, 0, 1, 1))
        wait_until(lambda: paints.seen)
        if view.scene.sharp:
            break
    view.removeEventFilter(paints)


def on_screen(view: EditorView) -> Pixels:
    window = view.window()
    place = view.mapTo(window, QPoint(0, 0))
    shot = view.screen().grabWindow(window.winId(), place.x(), place.y(), view.width(), view.height())
    image = shot.toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., :3].copy()
