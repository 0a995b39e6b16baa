"""A canvas session with everything it says written down, for the tests of app."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.document import CanvasDocument, Change
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels

SMALL = Size(300, 280)
LARGE = Size(1300, 1100)
"""Above a million pixels: whole-canvas operations go to the other thread."""


def picture(size: Size, seed: int = 1) -> ImageBuffer:
    """Flat patches of colour, opaque."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (-(-size.height // 32), -(-size.width // 32), 3), np.uint8)
    rgb = patches.repeat(32, 0).repeat(32, 1)[: size.height, : size.width]
    return ImageBuffer.from_rgb(np.ascontiguousarray(rgb))


class CanvasDesk:
    """`session` and what it told: problems, notes, and the names of signals in order."""

    def __init__(self, session: CanvasSession, qtbot: QtBot) -> None:
        self.session = session
        self.qtbot = qtbot
        self.problems: list[StudioError] = []
        self.notes: list[str] = []
        self.changes: list[Change] = []
        self.told: list[str] = []
        session.problem.connect(self.problems.append)
        session.note.connect(self.notes.append)
        session.note_on.connect(lambda _topic, words: self.notes.append(words))
        session.pixels_changed.connect(self.changes.append)
        for name in ("document_changed", "history_changed", "layers_changed", "mask_changed", "title_changed"):
            getattr(session, name).connect(lambda name=name: self.told.append(name))

    @classmethod
    def make(cls, io: IoWorker, qtbot: QtBot) -> CanvasDesk:
        return cls(CanvasSession(io), qtbot)

    @property
    def document(self) -> CanvasDocument:
        assert self.session.document is not None
        return self.session.document

    def open(self, size: Size = SMALL, name: str = "apple") -> CanvasDocument:
        """A picture, without questions."""
        before = self.session.document
        self.session.ask_unsaved.connect(discard)
        self.session.open_image(picture(size), name)
        self.wait(lambda: self.session.document is not before)
        self.session.ask_unsaved.disconnect(discard)
        self.told.clear()
        self.changes.clear()
        return self.document

    def wait(self, condition: object) -> None:
        self.qtbot.waitUntil(condition, timeout=20_000)

    def settle(self) -> None:
        """Until no work goes on."""
        self.wait(lambda: self.session.work is None)

    def stroke(self, points: Sequence[tuple[float, float]] = ((20, 20), (90, 60), (140, 40))) -> None:
        self.session.press(PointerEvent(*points[0]))
        self.session.move([PointerEvent(*point) for point in points[1:]])
        self.session.release(PointerEvent(*points[-1]))

    def mask(self) -> Pixels:
        return self.document.mask.read(Rect.of(self.document.size))

    def mask_box(self, rect: Rect) -> None:
        """A rectangle of the mask, drawn with the tool of that name."""
        before = self.session.settings
        self.session.update_settings(tool="rectangle", target="mask", antialias=False)
        self.stroke([(rect.x + 0.5, rect.y + 0.5), (rect.right - 0.5, rect.bottom - 0.5)])
        self.session.update_settings(tool=before.tool, target=before.target, antialias=before.antialias)


def discard(question: object) -> None:
    question.discard()  # type: ignore[attr-defined]
