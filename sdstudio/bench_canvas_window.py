"""The measured process of `sdstudio bench canvas`: a canvas session with its autosave, and the view that shows it.

A seeded hand draws 1000 points a second while the view paints; then zoom, fill, mask commands, and opening a file.
Prints one JSON object for each figure. `python -m sdstudio.bench_canvas_window FOLDER [SIDE [SECONDS [PART ...]]]`,
where a part is one of `PARTS`; without any all are measured. A picture is opened first in any case.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdstudio.bench_canvas_times import Clock, Times, WallClock, WorkClock, row, taken_away

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from sdstudio.app.canvas_autosave import CanvasAutosave
    from sdstudio.app.canvas_session import CanvasSession

SIDE = 8192
SECONDS = 4.0
EVENTS_A_SECOND = 1000
FRAME_S = 1 / 60
VIEW = (1100, 800)
BEAT_MS = 5
REPEATS = 7
PATIENCE_S = 300.0
REST_S = 8.0
"""Before each stroke and each of the other parts: a laptop, or a host that shares its processors out, slows down under
lasting load, and no hand draws eight strokes in one go."""
SEED = 20240607
PARTS = ("strokes", "zoom_and_pan", "fills", "mask_commands")
"""And "strokes_by_work" in place of "strokes": for a busy machine, see `WorkClock`."""


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


def hand(side: int, reach: float, seconds: float) -> Iterator[tuple[float, float, float, float]]:
    """A path of wide swings, `reach` pixels around the middle: x, y, pressure, and the second at which it is due."""
    chance = random.Random(SEED)
    a, b, c = (chance.uniform(0.7, 1.4) for _ in range(3))
    for number in range(int(seconds * EVENTS_A_SECOND)):
        t = number / EVENTS_A_SECOND
        x = side / 2 + reach * (0.65 * math.sin(3.1 * a * t) + 0.35 * math.sin(9.7 * b * t))
        y = side / 2 + reach * (0.45 * math.cos(2.3 * c * t) + 0.3 * math.cos(11.3 * a * t))
        yield x, y, 0.5 + 0.5 * abs(math.sin(t)), t


class Bench:
    """Session, autosave and view, in a window of 1100 x 800."""

    def __init__(self, folder: Path, side: int, seconds: float) -> None:
        from sdstudio.app.canvas_autosave import CanvasAutosave
        from sdstudio.app.canvas_session import CanvasSession
        from sdstudio.app.collector import UiCollector
        from sdstudio.app.io_worker import IoWorker
        from sdstudio.preload import SWITCH_INTERVAL_S
        from sdstudio.storage.settings import Settings
        from sdstudio.ui.application import make_application, make_theme
        from sdstudio.ui.canvas.editor_view import EditorView

        self.folder, self.side, self.seconds = folder, side, seconds
        self.app: QApplication = make_application("sdstudio", "bench")
        theme = make_theme(self.app, Settings())
        self.collector = UiCollector()
        self.collector.start()
        self.workers = IoWorker(), IoWorker()
        self.session: CanvasSession = CanvasSession(self.workers[0])
        self.collector.wait_while(lambda: self.session.busy)
        sys.setswitchinterval(SWITCH_INTERVAL_S)  # as in the program
        self.autosave: CanvasAutosave = CanvasAutosave(self.session, self.workers[1], folder / "canvas")
        self.errors: list[object] = []
        self.session.problem.connect(self.errors.append)
        self.view: QWidget = EditorView(self.session, theme)
        self.view.resize(*VIEW)
        self.view.show()

    def run(self, parts: Sequence[str] = PARTS) -> None:
        taken = taken_away()
        self.open()
        for part in parts:
            self.rest()
            getattr(self, part)()
        if taken is not None:
            row("processors taken away by the host", [(taken_away() or 0.0) - taken])
        self.autosave.close()
        for worker in self.workers:
            worker.close(60_000)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self.errors or time.monotonic() > end:
                raise RuntimeError(str(self.errors[0]) if self.errors else "the benchmark waits in vain")
            self.app.processEvents()
            time.sleep(0.0005)

    def settle(self) -> None:
        """Nothing goes on, everything is kept, and what the view shows is painted and as good as it gets."""
        view: Any = self.view
        self.app.processEvents()
        self.until(lambda: self.session.work is None and self.autosave.up_to_date and view.scene.sharp)
        self.app.processEvents()

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

    def strokes(self, clock: Clock | None = None) -> None:
        for target in ("mask", "paint"):
            for size in (64, 512):
                for zoom in (1.0, None):
                    self.stroke(target, size, zoom, clock or WallClock())

    def strokes_by_work(self) -> None:
        self.strokes(WorkClock())

    def rest(self) -> None:
        """As long as REST_S for strokes as long as SECONDS, with the window answering."""
        end = time.monotonic() + REST_S * self.seconds / SECONDS
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.02)

    def stroke(self, target: str, size: int, zoom: float | None, clock: Clock) -> None:
        """Events are due by the clock; each frame hands over all that are due, then the view paints. The line's age is
        that of the first event in it, at the end of the frame after which it is on the screen whole."""
        from sdstudio.canvas.pointer import PointerEvent

        view: Any = self.view
        view.fit() if zoom is None else view.set_zoom(zoom)
        self.session.update_settings(tool="brush", target=target)
        self.session.update_brush(size=float(size), hardness=0.8, opacity=1.0)
        self.settle()
        self.rest()
        points = list(hand(self.side, self.side / 6 if zoom is None else VIEW[0] / 2, self.seconds))
        handling, painting = Times(), Times()
        ages: list[float] = []
        self.session.press(PointerEvent(points[0][0], points[0][1], points[0][2]))
        began = clock.now()
        done, unseen = 0, math.inf
        while done < len(points):
            now = clock.now() - began
            due = done
            while due < len(points) and points[due][3] <= now:
                due += 1
            batch = [PointerEvent(x, y, pressure, t * 1000) for x, y, pressure, t in points[done:due]]
            with handling.taking(bool(batch)):
                self.session.move(batch)
            with painting.taking(bool(batch)):
                self.app.processEvents()
            if batch:
                unseen = min(unseen, points[done][3])
            if unseen < math.inf and view.scene.up_to_date:
                ages.append((clock.now() - began - unseen) / FRAME_S)
                unseen = math.inf
            done = due
            rest = FRAME_S - (clock.now() - began) % FRAME_S
            clock.rest(max(0.0, rest))
        self.session.release(PointerEvent(points[-1][0], points[-1][1], points[-1][2]))
        words = f"{target}, brush {size} px, {'whole picture' if zoom is None else '100 %'}"
        row(f"{words}: events of one frame", handling, aim="p99 <= 8")
        row(f"{words}: painting them", painting)
        row(f"{words}: age of the line", ages, "frames", "<= 2")
        if zoom is None:
            self.undo_bytes(words)

    def undo_bytes(self, words: str) -> None:
        document = self.session.document
        assert document is not None
        item = document.history.undo_items[-1]
        held = {tile.serial: tile.nbytes for change in item.tiles for tile in (change.before,) if tile is not None}
        row(f"{words}: undo of a dirty tile", [sum(held.values()) / 1024 / max(1, len(item.tiles))], "KB")

    def zoom_and_pan(self) -> None:
        """The wheel at a moving pointer in and out, then the middle button across the picture."""
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QMouseEvent, QWheelEvent

        none = Qt.KeyboardModifier.NoModifier
        view: Any = self.view
        view.fit()
        self.settle()
        self.app.processEvents()
        times = Times()

        def send(event: Any, kept: bool = True) -> None:
            with times.taking(kept):
                self.app.sendEvent(view, event)
                self.app.processEvents()

        for step in range(160):
            turn = 60 if step % 80 < 40 else -60
            place = QPointF(400 + step, 300 + step)
            send(
                QWheelEvent(
                    *(place, place, QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, none),
                    *(Qt.ScrollPhase.NoScrollPhase, False),
                )
            )
        row("zoom: redraw", times, aim="p99 <= 16")
        for zoom in (0.3, 1.0):
            view.set_zoom(zoom)
            self.settle()
            self.rest()
            times = Times()
            middle, held = Qt.MouseButton.MiddleButton, Qt.MouseButton.MiddleButton
            for step in range(120):
                kind = QMouseEvent.Type.MouseButtonPress if step == 0 else QMouseEvent.Type.MouseMove
                place = QPointF(550 + 300 * math.sin(step / 9), 400 + 200 * math.cos(step / 13))
                send(
                    QMouseEvent(kind, place, place, middle if step == 0 else Qt.MouseButton.NoButton, held, none),
                    step > 0,
                )
            place = QPointF(550, 400)
            release = QMouseEvent.Type.MouseButtonRelease
            self.app.sendEvent(view, QMouseEvent(release, place, place, middle, Qt.MouseButton.NoButton, none))
            row(f"pan at {zoom:.0%}: redraw", times, aim="p99 <= 16")

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
