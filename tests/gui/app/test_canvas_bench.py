"""`sdstudio bench canvas` on a small canvas: every figure is there. What they are is no matter for a test."""

from __future__ import annotations

import json
from pathlib import Path

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
