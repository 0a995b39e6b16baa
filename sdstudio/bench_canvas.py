"""`sdstudio bench canvas`: how the canvas keeps up with a hand on 8192 x 8192 pixels.

The measuring happens in a process of its own, without a screen and with a fresh home (`bench_canvas_window.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

PATIENCE_S = 900


def run_canvas_bench() -> Iterable[dict[str, Any]]:
    """One row for each figure, as it is measured: what, how often, p50, p99, max, unit and the aim."""
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-") as home:
        environment = {**os.environ, "SDSTUDIO_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "sdstudio.bench_canvas_window", home]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith("{"):
                    yield json.loads(line)
            code = child.wait(PATIENCE_S)
    if code != 0:
        raise RuntimeError("The process of the benchmark failed; what it said stands above.")
