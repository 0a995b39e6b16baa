"""The figures of a start, from the log and back."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sdstudio import bench_start, process, start_times


def test_what_is_noted_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.process_time", lambda: 1.25)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        process.start_logging(tmp_path, to_stderr=False)
        logging.getLogger("sdstudio.other").info("Something else, 9.00 s of CPU")
        for what in (start_times.WINDOW, start_times.ENGINE, start_times.ENGINE):
            start_times.note(what)
    finally:
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
    file = tmp_path / "sdstudio.log"
    found = start_times.reached(file.read_text("utf-8"))
    assert list(found) == [start_times.WINDOW, start_times.ENGINE]
    assert all(stage.cpu_s == 1.25 and abs(stage.at - file.stat().st_mtime) < 5 for stage in found.values())


def test_the_first_of_several_starts_counts() -> None:
    text = "".join(f"2026-11-22 02:30:0{n},500 INFO MainThread x: Window painted, {n}.50 s of CPU\n" for n in (1, 2))
    assert start_times.reached(text)[start_times.WINDOW].cpu_s == 1.5


def test_rows_of_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter([(9.0, 9.0), (0.9, 0.8), (0.7, 0.6), (0.8, 0.7)])  # the first one only warms up

    def once() -> dict[str, tuple[float, float]]:
        wall, cpu = next(runs)
        return {start_times.WINDOW: (wall, cpu), start_times.ENGINE: (wall + 5, cpu + 5)}

    monkeypatch.setattr(bench_start, "_run_once", once)
    rows = list(bench_start.run_start_bench(3))
    assert [(row["what"], row["p50"], row["max"]) for row in rows][:2] == [
        ("Window painted, wall", 0.8, 0.9),
        ("Window painted, CPU", 0.7, 0.8),
    ]
    assert [row["aim"] for row in rows] == ["p50 < 1", "", "", "p50 < 8"]
