"""The measured process of `sdstudio bench canvas`: a canvas session with its autosave, and the view that shows it.

A seeded hand draws 1000 points a second while the view paints; then zoom, fill, mask commands, and opening a file.
Prints one JSON object for each figure. `python -m sdstudio.bench_canvas_window FOLDER [SIDE [SECONDS [PART ...]]]`,
where a part is one of `PARTS`; without any all are measured. A picture is opened first in any case.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sdstudio.bench_canvas_stage import SECONDS, SIDE, Stage
from sdstudio.bench_canvas_strokes import Strokes
from sdstudio.bench_canvas_times import row, taken_away
from sdstudio.bench_canvas_views import Views

BEAT_MS = 5
REPEATS = 7
SEED = 20240607
PARTS = ("strokes", "zoom_and_pan", "fills", "mask_commands")


def sample_picture(side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Squares of an eighth of the side in a colour each, every second one with grain: side x side x 4."""
    rng = np.random.default_rng(SEED)
    square = max(1, side // 8)
    pixels = np.full((side, side, 4), 255, np.uint8)
    for number in range(64):
        y, x = divmod(number, 8)
        place = pixels[y * square : (y + 1) * square, x * square : (x + 1) * square]
        place[..., :3] = rng.integers(32, 224, 3, np.uint8)
        if (x + y) % 2:
            place[..., :3] += rng.integers(0, 32, (*place.shape[:2], 3), np.uint8)
    return pixels


class Bench(Stage):
    """What is measured, part by part."""

    def run(self, parts: Sequence[str] = PARTS) -> None:
        taken = taken_away()
        self.open()
        for part in parts:
            self.rest()
            getattr(self, part)()
        row("11 measurements, again where other work failed: tries", [self.other.tries], "")
        if taken is not None:
            row("processors taken away by the host", [(taken_away() or 0.0) - taken])
        self.close()

    def open(self) -> None:
        """A PNG, with the gaps between two beats of the window's thread while it is opened and first kept."""
        from PySide6.QtCore import Qt, QTimer

        from sdstudio.domain.image import ImageBuffer
        from sdstudio.storage.pictures import encode_png

        path = self.folder / "large.png"
        path.write_bytes(encode_png(ImageBuffer(sample_picture(self.side)), compression=1))
        beats: list[float] = []
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(lambda: beats.append(time.perf_counter()))
        timer.start(BEAT_MS)
        began = time.perf_counter()
        self.session.open_file(path)
        self.until(lambda: self.session.document is not None)
        opened = time.perf_counter()
        count = len(beats)
        self.settle()
        kept = time.perf_counter()
        timer.stop()
        name = f"PNG of {self.side} x {self.side}"
        row(f"open a {name}", [(opened - began) * 1000])
        row(f"open a {name}: gap of the window", _gaps(beats[:count]), aim="answers all the while")
        row(f"open a {name}: kept on disk after", [(kept - opened) * 1000])
        row(f"open a {name}: gap meanwhile", _gaps(beats[count:]), aim="answers all the while")

    def strokes(self) -> None:
        Strokes(self).run()

    def zoom_and_pan(self) -> None:
        Views(self).run()

    def timed(self, what: str, command: Callable[[], None], aim: str, repeats: int = REPEATS) -> None:
        """From the command to its result on the canvas; undone each time."""
        document = self.session.document
        assert document is not None
        times: list[float] = []
        self.settle()
        for _ in range(repeats):
            position = document.history.position
            start = time.perf_counter()
            command()
            self.until(lambda: self.session.work is None)
            times.append((time.perf_counter() - start) * 1000)
            if document.history.position > position:
                self.session.undo()
        row(what, times, aim=aim)

    def fills(self) -> None:
        from sdstudio.canvas.pointer import PointerEvent

        square = self.side // 8
        event = PointerEvent(square * 2.5, square * 0.5)

        def fill() -> None:
            self.session.press(event)
            self.session.release(event)

        self.session.mask_clear()
        self.session.clear_paint()
        for target, tool in (("paint", "fill"), ("mask", "wand")):
            self.session.update_settings(tool=tool, target=target, tolerance=8, contiguous=True)
            self.timed(f"{tool}: a region of {square} x {square}", fill, "< 300")
            self.session.update_settings(tolerance=255)
            self.timed(f"{tool}: the whole canvas", fill, "< 5000", 2)

    def mask_commands(self) -> None:
        from sdstudio.canvas.pointer import PointerEvent

        side, corner = self.side // 4, self.side // 4
        inner = min(128, side // 4)
        self.session.update_settings(tool="ellipse", target="mask", combine="add")
        self.session.press(PointerEvent(corner + inner, corner + inner))
        self.session.move([PointerEvent(corner + side - inner, corner + side - inner)])
        self.session.release(PointerEvent(corner + side - inner, corner + side - inner))
        box = f"64 px in {side} x {side}"
        self.timed(f"grow by {box}", lambda: self.session.mask_grow(64), "<= 300")
        self.timed(f"shrink by {box}", lambda: self.session.mask_shrink(64), "<= 300")
        self.timed(f"feather by {box}", lambda: self.session.mask_feather(64), "<= 300")
        self.timed("invert the whole mask", self.session.mask_invert, "")


def _gaps(beats: list[float]) -> list[float]:
    return [(after - before) * 1000 for before, after in pairwise(beats)] or [0.0]


if __name__ == "__main__":
    side = int(sys.argv[2]) if len(sys.argv) > 2 else SIDE
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else SECONDS
    Bench(Path(sys.argv[1]), side, seconds).run(sys.argv[4:] or PARTS)
