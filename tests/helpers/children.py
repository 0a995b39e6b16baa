"""Python in a process of its own, for what cannot be tried in the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence

from tests.helpers.sources import ROOT

Done = subprocess.CompletedProcess[str]


def run_python(arguments: Sequence[str], *, offline: bool = False, seconds: float = 90) -> Done:
    """Run to the end, in the checkout. With `offline`, every attempt to reach a network raises in it."""
    paths = [str(ROOT / "tests" / "helpers" / "offline")] if offline else []
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, str(ROOT)]), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, encoding="utf-8", timeout=seconds, check=False
    )


def import_all(modules: Iterable[str], blocked: Iterable[str] = (), *, offline: bool = False) -> str:
    """Import `modules` in a fresh process in which `blocked` cannot be imported; what went wrong, or ""."""
    code = (
        "import importlib, sys\n"
        "from tests.helpers.block_imports import install\n"
        f"install({sorted(blocked)!r})\n"
        f"for name in {sorted(modules)!r}:\n"
        "    importlib.import_module(name)\n"
    )
    done = run_python(["-c", code], offline=offline)
    return "" if done.returncode == 0 else done.stderr


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint('loaded:', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())
