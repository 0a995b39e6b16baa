"""What runs first in the frozen program."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

import bundle_spec

START = Path(bundle_spec.__file__).parent / "hooks" / "rthook_start.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the loader's variable is Linux'")
@pytest.mark.parametrize("before", [None, "/somewhere/else"])
def test_programs_that_we_start_find_the_systems_own_libraries(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/sdstudio/_internal")
    if before is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
    runpy.run_path(str(START))
    assert os.environ.get("LD_LIBRARY_PATH") == before


@pytest.mark.skipif(sys.platform == "win32", reason="there, streams that were made are not closed")
def test_a_program_without_a_console_gets_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    runpy.run_path(str(START))
    with sys.stdout as out, sys.stderr as errors:
        assert out.write("nobody sees this") and errors.write("nor this")
