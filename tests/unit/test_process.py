"""What is settled for the whole process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdstudio import process

NAME = "TORCHINDUCTOR_CACHE_DIR"


def test_the_engine_starts_where_nothing_can_be_written_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch makes the folder at import and fails where it cannot; without the variable it takes the temporary one."""
    monkeypatch.delenv(NAME, raising=False)
    (tmp_path / "home").write_text("a file where the folder should be")
    process.prepare(tmp_path / "home" / "cache")
    assert NAME not in os.environ
    process.prepare(tmp_path / "cache")
    assert os.environ[NAME] == str(tmp_path / "cache" / "inductor")
    assert (tmp_path / "cache" / "inductor").is_dir()
