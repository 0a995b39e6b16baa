"""The strokes of `sdstudio bench canvas`: a seeded hand draws 1000 points a second while the view paints."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdstudio.bench_canvas_control import AGE_FRAMES, EVENTS_MS
from sdstudio.bench_canvas_times import FRAME_S, Times, row

if TYPE_CHECKING:
    from sdstudio.bench_canvas_stage import Stage

EVENTS_A_SECOND = 1000
REACH = 550
"""Pixels to each side at 100 %: what the view shows."""
SEED = 20240607

Point = tuple[float, float, float, float]


@dataclass(slots=True)
class Stroke:
    """What one stroke took, in the order of its frames."""

    handling: Times = field(default_factory=Times)
    painting: Times = field(default_factory=Times)
    ages: list[float] = field(default_factory=list)


class Strokes:
    """On the mask and in paint, with two brushes, at 100 % and with the whole picture in sight."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def run(self) -> None:
        for target in ("mask", "paint"):
            for size in (64, 512):
                for zoom in (1.0, None):
                    self._measure(target, size, zoom)

    def _measure(self, target: str, size: int, zoom: float | None) -> None:
        stage, other = self._stage, self._stage.other
        self._prepare(target, size, zoom)

        def again() -> None:
            stage.session.undo()
            self._prepare(target, size, zoom)

        drawn = other.beside_stroke(stage.seconds, lambda: self._draw(zoom), again)
        words = f"{target}, brush {size} px, {'whole picture' if zoom is None else '100 %'}"
        row(f"{words}: events of one frame", drawn.handling, aim=f"p99 <= {EVENTS_MS}", other=other.paced)
        row(f"{words}: painting them", drawn.painting)
        row(f"{words}: age of the line", drawn.ages, "frames", f"<= {AGE_FRAMES}", other=other.ages)
        if zoom is None:
            self._undo_bytes(words)

    def _prepare(self, target: str, size: int, zoom: float | None) -> None:
        session, view = self._stage.session, self._stage.view
        view.fit() if zoom is None else view.set_zoom(zoom)
        session.update_settings(tool="brush", target=target)
        session.update_brush(size=float(size), hardness=0.8, opacity=1.0)
        self._stage.settle()
        self._stage.rest()

    def _draw(self, zoom: float | None) -> Stroke:
        """Events are due by the clock; each frame hands over all that are due, then the view paints. The line's age is
        that of the first event in it, at the end of the frame after which it is on the screen whole."""
        from sdstudio.canvas.pointer import PointerEvent

        stage, drawn = self._stage, Stroke()
        scene = stage.view.scene
        points = list(hand(stage.side, stage.side / 6 if zoom is None else REACH, stage.seconds))
        stage.session.press(PointerEvent(*points[0][:3]))
        began = time.perf_counter()
        done, unseen = 0, math.inf
        while done < len(points):
            now = time.perf_counter() - began
            due = done
            while due < len(points) and points[due][3] <= now:
                due += 1
            batch = [PointerEvent(x, y, pressure, t * 1000) for x, y, pressure, t in points[done:due]]
            with drawn.handling.taking(bool(batch)):
                stage.session.move(batch)
            with drawn.painting.taking(bool(batch)):
                stage.app.processEvents()
            if batch:
                unseen = min(unseen, points[done][3])
            if unseen < math.inf and scene.up_to_date:
                drawn.ages.append((time.perf_counter() - began - unseen) / FRAME_S)
                unseen = math.inf
            done = due
            time.sleep(FRAME_S - (time.perf_counter() - began) % FRAME_S)
        stage.session.release(PointerEvent(*points[-1][:3]))
        stage.settle()  # other work comes next, and is not to wait for what this one still keeps
        return drawn

    def _undo_bytes(self, words: str) -> None:
        document = self._stage.session.document
        assert document is not None
        item = document.history.undo_items[-1]
        held = {tile.serial: tile.nbytes for change in item.tiles for tile in (change.before,) if tile is not None}
        row(f"{words}: undo of a dirty tile", [sum(held.values()) / 1024 / max(1, len(item.tiles))], "KB")


def hand(side: int, reach: float, seconds: float) -> Iterator[Point]:
    """A path of wide swings, `reach` pixels around the middle: x, y, pressure, and the second at which it is due."""
    chance = random.Random(SEED)
    a, b, c = (chance.uniform(0.7, 1.4) for _ in range(3))
    for number in range(int(seconds * EVENTS_A_SECOND)):
        t = number / EVENTS_A_SECOND
        x = side / 2 + reach * (0.65 * math.sin(3.1 * a * t) + 0.35 * math.sin(9.7 * b * t))
        y = side / 2 + reach * (0.45 * math.cos(2.3 * c * t) + 0.3 * math.cos(11.3 * a * t))
        yield x, y, 0.5 + 0.5 * abs(math.sin(t)), t
