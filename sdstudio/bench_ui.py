"""`sdstudio bench ui`: how steadily the window's thread beats while the engine loads and while it samples.

Each run is a fresh process with a fresh home (`bench_window.py`); the figures are medians over the runs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

RUNS = 5
CHILD_TIMEOUT_S = 180


def run_ui_bench(runs: int = RUNS) -> Iterable[dict[str, Any]]:
    """One row a run, then the medians: p99 and worst gap in milliseconds while sampling and while loading."""
    results = []
    for number in range(1, runs + 1):
        result = _run_child()
        results.append(result)
        yield {"run": number, **result}
    yield {
        "run": "median",
        **{name: round(statistics.median(row[name] for row in results), 1) for name in results[0]},
    }


def _run_child() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-") as home:
        environment = {**os.environ, "SDSTUDIO_HOME": home}
        if sys.platform == "linux" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
            environment["QT_QPA_PLATFORM"] = "offscreen"
        command = [sys.executable, "-m", "sdstudio.bench_window"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CHILD_TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"The window of the benchmark failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures
