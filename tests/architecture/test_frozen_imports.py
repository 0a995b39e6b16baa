"""The frozen program in the source tree: every task runs without what is not packed. The build itself takes minutes;
this takes seconds, so it runs with all tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdstudio.cli import COMMANDS
from tests.helpers.children import Done, run_python
from tests.helpers.sources import ROOT

NOT_TASKS = {"read", "models", "convert", "bench"}


def run_child(arguments: list[str], home: Path, extra: dict[str, str]) -> list[dict[str, object]]:
    environ = {**extra, "SDSTUDIO_HOME": str(home)}
    code = (
        f"import os, sys; os.environ.update({environ!r}); sys.path.insert(0, {str(ROOT / 'packaging')!r})\n"
        f"from tests.helpers.frozen_child import main; main({arguments!r})"
    )
    done: Done = run_python(["-c", code], offline=True, seconds=560)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.timeout(600)  # some ten seconds, but not on a machine that is busy with other things
def test_every_task_runs_without_what_is_left_out(tmp_path: Path) -> None:
    run_child(["models", str(tmp_path)], tmp_path / "home", {"OMP_NUM_THREADS": "1"})
    rows = run_child([str(tmp_path)], tmp_path / "home", {"OMP_NUM_THREADS": "1"})
    failed = [row for row in rows if row.get("ok") is False]
    assert not failed
    assert len([row for row in rows if "family" in row]) == 4
    codes = {row["command"]: row["code"] for row in rows if "command" in row}
    assert codes == dict.fromkeys(set(COMMANDS) - NOT_TASKS, 0), "every command that makes pictures must run here"
    assert rows[-1] == {"missed": []}


def test_the_window_needs_nothing_that_is_left_out(tmp_path: Path) -> None:
    rows = run_child(["window"], tmp_path / "home", {"QT_QPA_PLATFORM": "offscreen"})
    assert rows[-1] == {"missed": []}


def test_the_guard_sees_what_is_missing() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'packaging')!r})\n"
        "import importlib.util, importlib.metadata\n"
        "from tests.helpers.frozen_child import Blocker, hide_metadata, missed\n"
        "Blocker(['json.tool', 'wave']).install(); hide_metadata(['numpy'])\n"
        "assert importlib.util.find_spec('wave') is None and importlib.util.find_spec('json') is not None\n"
        "importlib.metadata.version('numpy')\n"
        "for work in (lambda: importlib.metadata.version('pytest'), lambda: __import__('json.tool')):\n"
        "    try: work()\n"
        "    except (importlib.metadata.PackageNotFoundError, ModuleNotFoundError): pass\n"
        "    else: raise SystemExit('not blocked')\n"
        "assert missed({'numpy/data.txt', 'torch/x.py', 'a/b.pyc'}, {'PySide6/Qt/lib/libQt6Qml.so.6'}) == "
        "['PySide6/Qt/lib/libQt6Qml.so.6', 'numpy/data.txt']\n"
    )
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr
