"""What the installed program says where it differs from the source tree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sdstudio import wiring
from sdstudio.domain.errors import StudioError
from sdstudio.storage.paths import AppPaths


@pytest.mark.parametrize("bench", [wiring.bench_ui, wiring.bench_canvas])
def test_benches_of_windows_are_not_in_it(bench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert callable(bench)
    with pytest.raises(StudioError, match="not in the installed program"):
        bench()


def test_a_file_called_portable_keeps_everything_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Zoë's stick"
    folder.mkdir()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "sdstudio"))
    assert AppPaths.find({}).results != folder / "data" / "Pictures"
    (folder / "portable").touch()
    assert AppPaths.find({}).results == folder / "data" / "Pictures"
