"""An EditorView on a real session, and a hand for it: mouse, pen and wheel events as Qt would send them."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage, QInputDevice, QMouseEvent, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.canvas.editor_view import EditorView
from sdstudio.ui.theme import Theme
from tests.helpers.canvas_desk import CanvasDesk, discard

NONE, LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.NoButton,
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)
PLAIN = Qt.KeyboardModifier.NoModifier
PRESS, MOVE, RELEASE = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
DOUBLE = QEvent.Type.MouseButtonDblClick
_PEN_KINDS = {PRESS: QEvent.Type.TabletPress, MOVE: QEvent.Type.TabletMove, RELEASE: QEvent.Type.TabletRelease}
_serials = itertools.count(1)
Point = tuple[float, float]


def coordinates(width: int, height: int) -> ImageBuffer:
    """Red says the column, green the row, both modulo 256; blue is 7."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., 0] = np.arange(width) % 256
    pixels[..., 1] = (np.arange(height) % 256)[:, None]
    pixels[..., 2] = 7
    return ImageBuffer(pixels)


def flat(width: int, height: int, colour: tuple[int, int, int, int]) -> ImageBuffer:
    return ImageBuffer(np.full((height, width, 4), colour, np.uint8))


def pen(eraser: bool = False) -> QPointingDevice:
    kind = QPointingDevice.PointerType.Eraser if eraser else QPointingDevice.PointerType.Pen
    abilities = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    return QPointingDevice("pen", next(_serials), QInputDevice.DeviceType.Stylus, kind, abilities, 1, 3)


class EditorBoard:
    """Positions are logical pixels of the view."""

    def __init__(self, desk: CanvasDesk, theme: Theme, size: tuple[int, int] = (400, 300)) -> None:
        self.desk = desk
        self.session = desk.session
        self.view = EditorView(desk.session, theme)
        self.view.resize(*size)
        desk.qtbot.addWidget(self.view)
        with desk.qtbot.waitExposed(self.view):
            self.view.show()
        self.view.activateWindow()
        self.view.setFocus()

    def open(self, image: ImageBuffer, zoom: float = 1.0) -> None:
        before = self.session.document
        self.session.ask_unsaved.connect(discard)
        self.session.open_image(image, "apple")
        self.desk.wait(lambda: self.session.document is not before and self.session.work is None)
        self.session.ask_unsaved.disconnect(discard)
        self.view.set_zoom(zoom)
        self.settle()

    def close(self) -> None:
        self.session.ask_unsaved.connect(discard)
        self.session.close_document()
        self.desk.wait(lambda: self.session.document is None)
        self.session.ask_unsaved.disconnect(discard)

    def settle(self) -> None:
        """Painted, and as sharp as it gets."""
        self.view.repaint()
        self.desk.wait(lambda: self.view.scene.sharp)
        QApplication.processEvents()

    def shot(self) -> npt.NDArray[np.uint8]:
        """What is seen: height x width x 3."""
        self.settle()
        image = self.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    def where(self, x: float, y: float) -> Point:
        """The view's position of a document point."""
        point = self.view.to_logical(*self.view.map.to_device(x, y))
        return point.x(), point.y()

    def mouse(
        self,
        kind: QEvent.Type,
        at: Point,
        button: Qt.MouseButton = LEFT,
        buttons: Qt.MouseButton | None = None,
        keys: Qt.KeyboardModifier = PLAIN,
    ) -> None:
        if kind == MOVE:
            held, button = LEFT if buttons is None else buttons, NONE
        else:
            held = (NONE if kind == RELEASE else button) if buttons is None else buttons
        place = QPointF(*at)
        event = QMouseEvent(kind, place, self.view.mapToGlobal(place), button, held, keys)
        QApplication.sendEvent(self.view, event)

    def hover(self, at: Point) -> None:
        self.mouse(MOVE, at, buttons=NONE)

    def drag(self, *points: Point, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = PLAIN) -> None:
        self.mouse(PRESS, points[0], button, keys=keys)
        for point in points[1:]:
            self.mouse(MOVE, point, buttons=button, keys=keys)
        self.mouse(RELEASE, points[-1], button, keys=keys)

    def pen(self, kind: QEvent.Type, at: Point, pressure: float, device: QPointingDevice, held: bool = True) -> bool:
        """Whether the view took it; what it leaves, Qt sends again as a mouse event."""
        place = QPointF(*at)
        button = NONE if kind == MOVE else LEFT
        buttons = LEFT if held and kind != RELEASE else NONE
        event = QTabletEvent(
            _PEN_KINDS[kind],
            device,
            place,
            self.view.mapToGlobal(place),
            pressure,
            0,
            0,
            0,
            0,
            0,
            PLAIN,
            button,
            buttons,
        )
        QApplication.sendEvent(self.view, event)
        return event.isAccepted()

    def pen_stroke(self, points: list[tuple[float, float, float]], eraser: bool = False) -> None:
        """Points are x, y, pressure."""
        device = pen(eraser)
        self.pen(PRESS, points[0][:2], points[0][2], device)
        for x, y, pressure in points[1:]:
            self.pen(MOVE, (x, y), pressure, device)
        self.pen(RELEASE, points[-1][:2], 0.0, device)

    def wheel(self, at: Point, angle: int = 0, pixels: QPoint | None = None) -> None:
        """A wheel gives an angle; two fingers on a touchpad give pixels, and a phase."""
        place = QPointF(*at)
        phase = Qt.ScrollPhase.NoScrollPhase if pixels is None else Qt.ScrollPhase.ScrollUpdate
        event = QWheelEvent(
            place, self.view.mapToGlobal(place), pixels or QPoint(), QPoint(0, angle), NONE, PLAIN, phase, False
        )
        QApplication.sendEvent(self.view, event)

    def mask(self) -> npt.NDArray[np.uint8]:
        return self.desk.mask()

    def mask_box(self, rect: Rect) -> None:
        self.desk.mask_box(rect)
        self.settle()


def bounds(changed: npt.NDArray[np.bool_]) -> QRect:
    """The smallest rectangle that holds everything that is true."""
    rows, columns = np.nonzero(changed)
    if not len(rows):
        return QRect()
    return QRect(QPoint(int(columns.min()), int(rows.min())), QPoint(int(columns.max()), int(rows.max())))
