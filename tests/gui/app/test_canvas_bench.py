"""`sdstudio bench canvas` on a small canvas: every figure is there. What they are is no matter for a test."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from sdstudio.bench_canvas_control import AGE_FRAMES, TRIES, OtherWork
from tests.helpers.children import run_python


def test_all_figures_are_measured(tmp_path: Path) -> None:
    done = run_python(["-m", "sdstudio.bench_canvas_window", str(tmp_path), "512", "0.1"])
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(0 <= row["p50"] <= row["p99"] <= row["max"] for row in rows)
    told = " ".join(row["what"] for row in rows)
    for words in (
        "open a PNG",
        "brush 64 px",
        "brush 512 px",
        "age of the line",
        "undo of a dirty tile",
        "zoom",
        "pan",
    ):
        assert words in told
    for words in ("fill: the whole canvas", "wand", "grow by 64 px", "feather by 64 px"):
        assert words in told
    beside = [row for row in rows if "other_p99" in row]
    assert len(beside) == 2 * 8 + 3  # eight strokes, zoom, and pan at two sizes: what other work came to meanwhile
    (tries,) = (row["max"] for row in rows if row["what"].endswith("tries"))
    assert tries == 11


class Failing(OtherWork):
    """Work that misses a stroke's aims the first times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.left = failures

    def _frames(self, seconds: float) -> None:
        late = self.left > 0
        self.left -= late
        self.paced.wall.append(1.0)
        self.ages.append(AGE_FRAMES + 0.1 if late else AGE_FRAMES)


def test_only_the_other_work_decides_whether_a_stroke_is_drawn_again() -> None:
    other, drawn, undone = Failing(3), count(1), count(1)
    # Two halves a try: the first failure spoils both halves of one try, the third the first half of another.
    assert other.beside_stroke(0.2, lambda: next(drawn), lambda: next(undone)) == 3
    assert (next(undone), other.tries) == (3, 3)


def test_the_last_try_counts_where_the_machine_never_keeps_the_pace() -> None:
    other, drawn = Failing(99), count(1)
    assert other.beside_stroke(0.2, lambda: next(drawn), lambda: None) == TRIES
