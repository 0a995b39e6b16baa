"""Paints single pixels at one display scale (QT_SCALE_FACTOR) and reads back where they landed.

The picture's colours are its coordinates: what is seen under the pointer says which pixel has to become masked.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.ui.canvas.editor_view import EditorView
from sdstudio.ui.theme import Theme
from tests.helpers.editor_board import LEFT, MOVE, NONE, PRESS, RELEASE, coordinates

HARMLESS = "This plugin does not support"
PLACES = ((0.2, 0.3), (0.41, 0.77), (0.5, 0.5), (0.83, 0.2))
OFFSETS = ((13, 41), (7, 3))
"""Where the view lies in its window: at 125 % and 150 % between two pixels of the screen."""
ZOOMS = (1.0, 3.0, 8.0)


def main() -> int:
    warnings: list[str] = []

    def keep(kind: QtMsgType, context: object, message: str | None) -> None:
        if message and HARMLESS not in message:
            warnings.append(message)

    qInstallMessageHandler(keep)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication([])
    theme = Theme("dark")
    theme.apply(app)
    io = IoWorker()
    session = CanvasSession(io)
    session.open_image(coordinates(250, 200), "coordinates")
    while session.document is None:
        app.processEvents()
    session.update_brush(size=1.0, hardness=1.0, smoothing=0.0, size_by_pressure=False)
    failures = [text for offset in OFFSETS for text in tried(app, session, theme, offset)]
    print(*failures, *warnings, sep="\n")
    io.close()
    return bool(failures or warnings)


def tried(app: QApplication, session: CanvasSession, theme: Theme, offset: tuple[int, int]) -> list[str]:
    window = QWidget()
    view = EditorView(session, theme, window)
    window.resize(400, 330)
    view.setGeometry(*offset, 350, 270)
    window.show()
    ratio = view.devicePixelRatioF()
    print(f"ratio {ratio}")
    failures: list[str] = []
    for zoom in ZOOMS:
        view.set_zoom(zoom)
        while not view.scene.sharp:
            app.processEvents()
        shot = window.grab().toImage()
        for part_x, part_y in PLACES:
            x = round((offset[0] + 350 * part_x) * ratio)
            y = round((offset[1] + 270 * part_y) * ratio)
            colour = shot.pixelColor(x, y)
            if colour.blue() != 7:
                continue  # beside the picture, or on a line of the pixel grid
            click(app, view, QPointF(x / ratio - offset[0], y / ratio - offset[1]))
            landed = masked(session)
            if landed == [(colour.red(), colour.green())]:
                print("lands")
            else:
                failures.append(f"{ratio} {zoom} {offset} {(x, y)}: {landed} and not {colour.red(), colour.green()}")
            session.undo()
    window.close()
    return failures


def click(app: QApplication, view: EditorView, at: QPointF) -> None:
    for kind, button, buttons in ((MOVE, NONE, NONE), (PRESS, LEFT, LEFT), (RELEASE, LEFT, NONE)):
        event = QMouseEvent(kind, at, view.mapToGlobal(at), button, buttons, Qt.KeyboardModifier.NoModifier)
        app.sendEvent(view, event)


def masked(session: CanvasSession) -> list[tuple[int, int]]:
    """Pixels of which more than half is masked."""
    document = session.document
    assert document is not None
    box = document.mask_bounds()
    pixels = document.mask.read(box)
    return [(box.x + x, box.y + y) for y in range(box.height) for x in range(box.width) if pixels[y, x] >= 128]


if __name__ == "__main__":
    sys.exit(main())
