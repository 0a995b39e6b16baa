"""`sdstudio bench start`: how long it takes until the window is there, and until the engine is ready.

Each run is the real windowed program with a fresh home, installed or from source, read through its own log. The first
one warms the system's file cache up and is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sdstudio.domain.errors import StudioError
from sdstudio.start_times import ENGINE, WINDOW, Reached, reached

RUNS = 5
LIMIT_S, LOOK_S = 180, 0.02
_AIMS = {(WINDOW, "wall"): "p50 < 1", (ENGINE, "CPU"): "p50 < 8"}


def run_start_bench(runs: int = RUNS) -> Iterable[dict[str, Any]]:
    _run_once()
    times = [_run_once() for _ in range(runs)]
    for what in (WINDOW, ENGINE):
        for number, unit in enumerate(("wall", "CPU")):
            values = sorted(run[what][number] for run in times)
            figures = {"p50": values[len(values) // 2], "p99": values[-1], "max": values[-1]}
            row = {"what": f"{what}, {unit}", **figures, "unit": "s", "n": runs, "aim": _AIMS.get((what, unit), "")}
            yield row


def _run_once() -> dict[str, tuple[float, float]]:
    """Seconds since the process was started, and seconds of CPU, for WINDOW and ENGINE."""
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-", ignore_cleanup_errors=True) as home:
        # TMPDIR: a program that is killed leaves its lock there, where the system has no better place.
        environment = {**os.environ, "SDSTUDIO_HOME": home, "TMPDIR": home}
        if sys.platform == "linux" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
            environment["QT_QPA_PLATFORM"] = "offscreen"
        begin = time.time()
        child = subprocess.Popen(_program(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            found = _wait_for_both(Path(home), child)
        finally:
            child.kill()
            child.wait()
    return {what: (stage.at - begin, stage.cpu_s) for what, stage in found.items()}


def _program() -> list[str]:
    if not getattr(sys, "frozen", False):
        return [sys.executable, "-m", "sdstudio"]
    beside = Path(sys.executable)
    return [str(beside.with_name("sdstudio").with_suffix(beside.suffix))]


def _wait_for_both(home: Path, child: subprocess.Popen[bytes]) -> dict[str, Reached]:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and child.poll() is None:
        found = reached("".join(path.read_text("utf-8", "replace") for path in home.glob("**/sdstudio.log")))
        if len(found) == 2:
            return found
        time.sleep(LOOK_S)
    raise StudioError("The program did not start.", hint="Start it in the usual way and look at what it says.")
