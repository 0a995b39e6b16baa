"""Hostile and broken model files: each is refused in its own words, nothing in it runs, and none takes long."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path

import pytest

from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.model_file import Verdict
from sdstudio.storage.convert_checkpoint import convert_checkpoint
from sdstudio.storage.recognise.recogniser import recognise
from tests.helpers.hostile_files import CALLS, Hostile, payload
from tests.helpers.hostile_headers import CORPUS, LINKS

POSIX = sys.platform != "win32"
ALL = (*CORPUS, *(LINKS if POSIX else ()))


def test_the_payload_is_real(tmp_path: Path) -> None:
    """What proves that the marker would be there if anything had been run."""
    pickle.loads(payload(tmp_path / "marker"))  # noqa: S301 - our own, and the only one
    assert (tmp_path / "marker").exists()


def test_the_corpus_is_large_and_its_reasons_differ(tmp_path: Path) -> None:
    reasons = set()
    for number, hostile in enumerate(ALL):
        (tmp_path / str(number)).mkdir()
        path = tmp_path / str(number) / hostile.name
        hostile.make(path, tmp_path / "marker")
        reasons.add(recognise(path).reason)
    assert len(ALL) >= 100 and len(reasons) >= 95


@pytest.mark.timeout(20)
@pytest.mark.parametrize("hostile", ALL, ids=lambda hostile: hostile.name)
def test_it_is_refused_in_its_own_words(tmp_path: Path, hostile: Hostile) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "models" / hostile.name
    path.parent.mkdir()
    hostile.make(path, marker)
    found = recognise(path)
    assert found.refused and hostile.words in found.reason, found.reason
    assert found.name and found.path == str(path)
    assert not marker.exists()


@pytest.mark.parametrize("hostile", CALLS, ids=lambda hostile: hostile.name)
def test_what_would_run_a_program_is_unsafe_and_not_converted(tmp_path: Path, hostile: Hostile) -> None:
    marker, path = tmp_path / "marker", tmp_path / hostile.name
    hostile.make(path, marker)
    assert recognise(path).verdict is Verdict.UNSAFE
    with pytest.raises(UnreadableFile, match="was not converted"):
        convert_checkpoint(path, tmp_path / "out" / "x.safetensors")
    assert not marker.exists() and not (tmp_path / "out" / "x.safetensors").exists()


@pytest.mark.skipif(not POSIX, reason="Windows has no named pipes among its files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    done = threading.Thread(target=recognise, args=(tmp_path / "a.safetensors",), daemon=True)
    done.start()
    done.join(timeout=10)
    assert not done.is_alive()


@pytest.mark.skipif(not POSIX, reason="Windows has no pread to step into")
def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.helpers.model_files import write_safetensors

    path = write_safetensors(tmp_path / "a.safetensors", {"a": (2, 2)})
    real = os.pread

    def pread(handle: int, count: int, offset: int) -> bytes:
        data = real(handle, count, offset)
        with path.open("ab") as file:
            file.write(b"more")
        return data

    monkeypatch.setattr(os, "pread", pread)
    assert "changed while it was read" in recognise(path).reason


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "missing.safetensors"])
def test_names_that_cannot_be_are_no_trouble(tmp_path: Path, name: str) -> None:
    assert recognise(tmp_path / name).verdict is Verdict.UNREACHABLE
