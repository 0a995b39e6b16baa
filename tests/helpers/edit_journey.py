"""Inpainting in the real window, with mouse and keys: `python -m tests.helpers.edit_journey PICTURE PROJECT [starter]`.

Opens a picture, masks, generates, flips candidates, accepts, extends to the right, generates, accepts, blends the first
patch's edge anew, undoes all, redoes all, saves, and prints one JSON object: what was wrong, and what there is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.engine.fake import FakeEngineFactory
from sdstudio.ui.canvas.frame_options import ExtendGroup
from tests.helpers.canvas_journey import HARMLESS, Journey, digest, layer_digests

COUNT, STEPS = 2, 3
EXTENSION = 64
EDGE = 4
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class EditJourney(Journey):
    """With the hand of the canvas's journey."""

    patience_s = 300.0

    def go(self) -> dict[str, Any]:
        self.window.show()
        self.window.resize(1200, 860)
        self.window.activateWindow()
        self.wait(self.window.isActiveWindow)
        self.wait(lambda: self.studio.context.bridge.running)
        self.window.open_files([self.picture])
        self.wait(lambda: self.session.document is not None)
        self.context = self.studio.context
        self.context.session.update(positive="a red apple", steps=STEPS, count=COUNT, seed=3, seed_locked=True)
        self.view.setFocus()
        self.before = self.seen_pixels()
        self.inpaint()
        self.extend()
        self.refeather()
        self.undo_and_redo()
        self.save()
        return {
            "ratio": self.view.devicePixelRatioF(),
            "wrong": self.wrong,
            "layers": layer_digests(self.document),
            "seen": digest(self.seen_pixels()),
            "undo": self.document.history.undo_labels,
        }

    def seen_pixels(self) -> Pixels:
        return self.document.composite(self.document.rect)

    def patches(self) -> list[str]:
        return [info.id for info in self.document.layers if info.kind is LayerKind.PATCH]

    def generate(self) -> None:
        """By the key; until every candidate is there to be accepted."""
        self.wait(lambda: self.context.edit_planner.plan.seconds is not None or not self.context.queue.waiting)
        self.key(Qt.Key.Key_Return, CTRL)
        candidates = self.context.candidates
        self.wait(lambda: len(candidates.items) == COUNT and all(item.done for item in candidates.items))
        self.check([item.changed_outside for item in candidates.items] == [0] * COUNT, "pixels outside changed")
        self.view.setFocus()

    def inpaint(self) -> None:
        self.session.update_brush(size=40.0, hardness=0.9)
        self.key(Qt.Key.Key_B)
        self.drag((60, 60), (80, 64), (96, 60))
        allowed = self.mask() > 0
        self.check(self.window.left.bar.button.text() == "Fill the mask", "the button does not say what it will do")
        self.generate()
        candidates = self.context.candidates
        self.check(digest(self.seen_pixels()) == digest(self.before), "candidates are in the document already")
        self.key(Qt.Key.Key_1)
        self.check(candidates.place == 0, "a number does not choose")
        self.key(Qt.Key.Key_Right)
        self.check(candidates.place == 1, "the arrow key does not flip")
        QTest.keyPress(self.handle(), Qt.Key.Key_Backslash)
        QApplication.processEvents()
        self.check(candidates.before_shown, "the backslash does not show what was before")
        QTest.keyRelease(self.handle(), Qt.Key.Key_Backslash)
        QApplication.processEvents()
        self.check(not candidates.before_shown, "it goes on showing what was before")
        self.key(Qt.Key.Key_Return)
        self.wait(lambda: len(self.patches()) == 1 and not candidates.open)
        after = self.seen_pixels()
        differs = (after != self.before).any(axis=2)
        self.check(differs[allowed].any(), "nothing was filled")
        self.check(not differs[~allowed].any(), "something changed that was not masked")

    def extend(self) -> None:
        """To the right, by the arrow above the canvas."""
        before, size = self.seen_pixels(), self.document.size
        self.key(Qt.Key.Key_D, CTRL)
        self.key(Qt.Key.Key_F)
        self.context.edit_settings.extend_by = EXTENSION
        extend = self.window.canvas.page.options.groups["extend"]
        assert isinstance(extend, ExtendGroup)
        QTest.mouseClick(extend.buttons["right"], Qt.MouseButton.LeftButton)
        self.wait(lambda: self.window.left.bar.button.text() == "Extend to the right")
        self.view.setFocus()
        self.generate()
        self.key(Qt.Key.Key_Return)
        self.wait(lambda: len(self.patches()) == 2 and self.document.size.width == size.width + EXTENSION)
        after = self.seen_pixels()
        self.check(np.array_equal(after[:, : size.width], before), "the original is not what it was")
        self.check(bool((after[:, size.width :, 3] == 255).all()), "the new ground has holes")

    def refeather(self) -> None:
        layer = self.patches()[0]
        before = digest(self.document.grid(layer).read(self.document.rect))
        self.session.refeather(layer, EDGE)
        self.wait(lambda: self.session.work is None)
        self.wait(lambda: digest(self.document.grid(layer).read(self.document.rect)) != before)
        record = self.document.state().layer(layer).record
        self.check(record is not None and record.feather == EDGE, "the new edge is not kept")

    def undo_and_redo(self) -> None:
        last, count = digest(self.seen_pixels()), len(self.document.history.undo_labels)
        self.view.setFocus()
        for _ in range(count):
            self.key(Qt.Key.Key_Z, CTRL)
            self.wait(lambda: self.session.work is None)
        self.check(digest(self.seen_pixels()) == digest(self.before), "undo does not lead back to the picture")
        self.check(self.document.rect == Rect(0, 0, *self.before.shape[1::-1]), "undo leaves another size")
        for _ in range(count):
            self.key(Qt.Key.Key_Z, CTRL | SHIFT)
            self.wait(lambda: self.session.work is None)
        self.check(digest(self.seen_pixels()) == last, "redo is not what was made")

    def save(self) -> None:
        self.session.save(self.project)
        self.wait(lambda: self.session.work is None and self.project.exists() and not self.session.modified)
        self.wait(lambda: self.context.autosave.up_to_date)


def main(arguments: list[str]) -> int:
    picture, project = (Path(name) for name in arguments[:2])
    engine = None if "starter" in arguments[2:] else FakeEngineFactory()
    journey = EditJourney(picture, project, engine)

    def hear(kind: QtMsgType, _context: object, text: str) -> None:
        if kind != QtMsgType.QtDebugMsg and HARMLESS not in text:
            journey.wrong.append(f"Qt says: {text}")

    qInstallMessageHandler(hear)
    told = journey.go()
    print(json.dumps(told), flush=True)
    return _close(journey.studio.finish)


def _close(finish: Callable[[], bool]) -> int:
    return 0 if finish() else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
