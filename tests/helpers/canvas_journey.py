"""The artist's journey in the real window: `python -m tests.helpers.canvas_journey PICTURE PROJECT`, to be killed.

Prints one JSON value a line: `{"wrong": […], …}` once everything is done, and from then on, in a stroke that never
ends, `{"at": N}` for the points that it reaches and `{"kept": N}` each time that the autosave has caught up with one.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

from sdstudio import wiring
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.engine_api import EngineFactory
from sdstudio.domain.image import Pixels
from sdstudio.engine.fake import FakeEngineFactory
from tests.helpers.editor_board import MOVE, PRESS, RELEASE, pen
from tests.helpers.random_hand import RandomHand

SIZE = (250, 200)
PATIENCE_S = 60.0
HARMLESS = "This plugin does not support"
BEAT_MS = 10
TELL_EVERY = 5
REST_EVERY = 20
REST_MS = 700
"""Longer than the autosave waits and writes: there a `kept` is said."""
ROW = 100
LOOK_MS = 5
Place = tuple[float, float]


def path_point(number: int) -> tuple[int, int]:
    """Of the stroke without an end, in document pixels: rows of a hundred, to and fro."""
    row, column = divmod(number, ROW)
    return 100 + (column if row % 2 == 0 else ROW - column), 20 + 14 * (row % 12)


def digest(pixels: Pixels) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def layer_digests(document: CanvasDocument) -> dict[str, str]:
    return {info.id: digest(document.grid(info.id).read(document.rect)) for info in document.layers}


class Journey:
    patience_s = PATIENCE_S

    def __init__(self, picture: Path, project: Path, engine: EngineFactory | None) -> None:
        """`engine` None: the real one."""
        self.picture, self.project = picture, project
        self.wrong: list[str] = []
        self.studio = wiring.build_studio(engine=engine)
        self.window = self.studio.window
        self.session = self.studio.context.canvas
        self.view = self.window.canvas.page.view
        self.handle = self.window.windowHandle
        self.number = self.lands = 0
        self.saved: dict[str, str] = {}
        self.timer = QTimer()
        self.timer.setInterval(BEAT_MS)
        self.timer.timeout.connect(self.paint_on)

    @property
    def document(self) -> CanvasDocument:
        assert self.session.document is not None
        return self.session.document

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + self.patience_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the program did not come so far")
            # Qt's own wait: to look without a pause would take the processor, and Python's lock, from the engine.
            QTest.qWait(LOOK_MS)

    def check(self, condition: object, what: str) -> None:
        if not condition:
            self.wrong.append(what)

    # The hand: in logical pixels of the window, through Qt's own way from the window to the widget

    def spot(self, x: float, y: float) -> QPoint:
        """Of the window, for a pixel of the document: the pointer stands on whole logical pixels."""
        logical = self.view.to_logical(*self.view.map.to_device(x + 0.5, y + 0.5))
        return self.view.mapTo(self.window, QPointF(logical)).toPoint()

    def drag(self, *points: tuple[float, float], keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        handle = self.handle()
        QTest.mousePress(handle, Qt.MouseButton.LeftButton, keys, self.spot(*points[0]))
        for point in points[1:]:
            QTest.mouseMove(handle, self.spot(*point))
        QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, keys, self.spot(*points[-1]))
        QApplication.processEvents()

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.handle(), key, keys)
        QApplication.processEvents()

    def mask(self) -> Pixels:
        return self.document.mask.read(self.document.rect)

    def masked(self) -> list[tuple[int, int]]:
        """Pixels of which at least half is masked."""
        mask = self.mask()
        return [(int(x), int(y)) for y, x in zip(*(mask >= 128).nonzero(), strict=True)]

    # The steps

    def go(self) -> dict[str, Any]:
        self.window.show()
        self.window.resize(1100, 760)
        self.window.activateWindow()
        self.wait(self.window.isActiveWindow)
        self.wait(lambda: self.studio.context.bridge.running)
        self.window.open_files([self.picture])
        self.wait(lambda: self.session.document is not None)
        self.view.setFocus()
        for step in (self.land, self.paint, self.erase, self.draw_with_pen, self.lasso, self.grow, self.save):
            step()
        return {
            "ratio": self.view.devicePixelRatioF(),
            "lands": self.lands,
            "wrong": self.wrong,
            "saved": self.saved,
            "layers": layer_digests(self.document),
            "undo": self.document.history.undo_labels,
        }

    def land(self) -> None:
        """The picture's colours are its coordinates: what is seen under the pointer is what has to become masked."""
        self.session.update_brush(size=1.0, hardness=1.0, smoothing=0.0, size_by_pressure=False)
        corner = self.view.mapTo(self.window, QPoint(0, 0))
        for zoom in (1.0, 3.0):
            self.view.set_zoom(zoom)
            self.view.repaint()
            self.wait(lambda: self.view.scene.sharp)
            shot = self.window.grab().toImage()
            for dx, dy in ((201, 302), (302, 213), (403, 304), (350, 251)):
                at = corner + QPoint(dx, dy)
                colour = self.seen(shot, at)
                if colour.blue() != 7:
                    continue  # beside the picture, or on the mask's edge
                handle = self.handle()
                QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=at)
                QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=at)
                QApplication.processEvents()
                wanted = (colour.red(), colour.green())
                self.check(self.masked() == [wanted], f"zoom {zoom} at {at}: {self.masked()} instead of {wanted}")
                self.lands += self.masked() == [wanted]
                self.session.undo()
        self.view.fit()

    def seen(self, shot: QImage, at: QPoint) -> QColor:
        ratio = shot.devicePixelRatio()
        return shot.pixelColor(int(at.x() * ratio), int(at.y() * ratio))

    def paint(self) -> None:
        self.session.update_brush(size=20.0)
        self.drag((40, 30), (80, 60), (80, 100))
        painted = digest(self.mask())
        self.check(self.mask()[60, 80] == 255, "the brush left nothing where the pointer was")
        self.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        self.check(not self.mask().any(), "undo left something")
        self.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        self.check(digest(self.mask()) == painted, "redo is not what was painted")

    def erase(self) -> None:
        self.key(Qt.Key.Key_E)
        self.session.update_brush(size=12.0)
        self.drag((80, 60), (80, 62))
        self.check(self.mask()[60, 80] == 0, "the eraser left something")
        self.key(Qt.Key.Key_B)

    def draw_with_pen(self) -> None:
        """Light and hard, then with the eraser's end."""
        hand = RandomHand(self.window, random.Random(1))
        self.session.update_brush(size=30.0, size_by_pressure=True)
        for eraser, pressures in ((False, (0.1, 0.1, 0.1, 1.0, 1.0, 1.0)), (True, (1.0, 1.0))):
            device = pen(eraser)
            places = [self.logical(20 + 36 * number, 160) for number in range(len(pressures))]
            hand.tablet(PRESS, places[0], pressures[0], device)
            for place, pressure in zip(places, pressures, strict=True):
                hand.tablet(MOVE, place, pressure, device)
            hand.tablet(RELEASE, places[-1], 0.0, device)
            QApplication.processEvents()
            if not eraser:
                thin, thick = (int((self.mask()[140:180, x] > 0).sum()) for x in (40, 180))
                self.check(0 < thin < thick, f"pressure: {thin} and {thick} pixels wide")
        self.check(self.mask()[160, 24] == 0, "the pen's eraser end left something")

    def logical(self, x: float, y: float) -> Place:
        point = self.view.to_logical(*self.view.map.to_device(x + 0.5, y + 0.5))
        return point.x(), point.y()

    def lasso(self) -> None:
        self.key(Qt.Key.Key_L)
        self.drag((170, 20), (230, 20), (230, 80), (170, 80))
        self.check(self.mask()[50, 200] == 255, "the lasso's inside is not masked")
        self.key(Qt.Key.Key_B)

    def grow(self) -> None:
        before = int((self.mask() > 0).sum())
        page = self.window.canvas.page
        self.window.commands.run("mask_grow")
        page.panel.field.number.setValue(6)
        QTest.mouseClick(page.panel.apply, Qt.MouseButton.LeftButton)
        self.wait(lambda: self.session.work is None and not self.session.preview)
        self.check(int((self.mask() > 0).sum()) > before, "growing did nothing")

    def save(self) -> None:
        """And one stroke more, so that the file is not all there is."""
        self.view.setFocus()
        self.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        dialog = next(found for found in self.window.findChildren(QFileDialog) if found.isVisible())
        dialog.findChild(QLineEdit).setText(str(self.project))
        dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()
        self.wait(lambda: self.project.exists() and self.session.work is None)
        self.check(not self.session.modified, "saved, and still modified")
        self.saved = layer_digests(self.document)
        self.view.setFocus()
        self.drag((40, 190), (60, 190))
        self.check(self.session.modified, "painted on, and not modified")

    # The stroke that is cut off

    def begin_last(self) -> None:
        self.session.update_brush(size=8.0, smoothing=0.0, size_by_pressure=False)
        self.studio.context.autosave.written.connect(lambda: say({"kept": self.number}))
        QTest.mousePress(self.handle(), Qt.MouseButton.LeftButton, pos=self.spot(*path_point(0)))
        self.timer.start()

    def paint_on(self) -> None:
        self.number += 1
        QTest.mouseMove(self.handle(), self.spot(*path_point(self.number)))
        if self.number % TELL_EVERY == 0:
            say({"at": self.number})
        if self.number % REST_EVERY == 0:
            self.timer.stop()
            QTimer.singleShot(REST_MS, self.timer.start)


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def main() -> int:
    warnings: list[str] = []

    def keep(_kind: QtMsgType, _context: object, message: str | None) -> None:
        if message and HARMLESS not in message:
            warnings.append(message)

    qInstallMessageHandler(keep)
    journey = Journey(Path(sys.argv[1]), Path(sys.argv[2]), FakeEngineFactory())
    result = journey.go()
    result["wrong"] += warnings
    say(result)
    journey.begin_last()
    return journey.studio.run()


if __name__ == "__main__":
    sys.exit(main())
