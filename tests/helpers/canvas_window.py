"""What tests of the canvas in the window share: a picture on it, a stroke, the mouse, the dialog that opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.main_window import MainWindow

USUAL_SIZE = Size(64, 48)


def session_of(window: MainWindow) -> CanvasSession:
    return window.context.canvas


def open_picture(window: MainWindow, qtbot: QtBot, size: Size = USUAL_SIZE, name: str = "Still life") -> None:
    pixels = np.full((size.height, size.width, 4), 255, np.uint8)
    pixels[..., 0] = 90
    with qtbot.waitSignal(session_of(window).document_changed):
        session_of(window).open_image(ImageBuffer(pixels), name)


def stroke(window: MainWindow, x: float = 20, y: float = 20) -> None:
    """A dot by the hand's own way."""
    session = session_of(window)
    session.press(PointerEvent(x=x, y=y))
    session.move([PointerEvent(x=x + 8, y=y + 4, time_ms=8)])
    session.release(PointerEvent(x=x + 8, y=y + 4, time_ms=16))


def mouse(window: MainWindow, kind: QEvent.Type) -> None:
    """The left button, in the middle of the canvas."""
    view = window.canvas.page.view
    place = QPointF(view.rect().center())
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    event = QMouseEvent(kind, place, view.mapToGlobal(place), left, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def picture_file(folder: Path, name: str = "a.png", colour: str = "navy") -> Path:
    path = folder / name
    Image.new("RGB", (40, 30), colour).save(path)
    return path


def dialog_of(window: MainWindow, kind: type[QDialog], qtbot: QtBot) -> QDialog:
    def there() -> bool:
        return any(dialog.isVisible() for dialog in window.findChildren(kind))

    qtbot.waitUntil(there)
    return next(dialog for dialog in window.findChildren(kind) if dialog.isVisible())
