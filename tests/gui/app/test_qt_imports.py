"""What is imported after PySide6 is not read as text."""

from __future__ import annotations

from tests.helpers.children import run_python

CHILD = """
import linecache, sys
{call}
import PySide6.QtCore
import wave
print(any(name.endswith("wave.py") for name in linecache.cache))
"""
CALL = "from sdstudio.app.qt_imports import leave_sources_alone; leave_sources_alone()"


def test_sources_are_left_alone() -> None:
    done = run_python(["-c", CHILD.format(call=CALL)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]


def test_pyside_still_reads_them_by_itself() -> None:
    """Once it does not, qt_imports.py can go."""
    done = run_python(["-c", CHILD.format(call="")])
    assert done.stdout.split() == ["True"], done.stderr
