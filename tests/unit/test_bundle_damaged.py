"""A program's folder that was copied in part."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from entry_damaged import LISTING, damaged_files, run_whole, words


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "_internal" / "torch").mkdir(parents=True)
    (tmp_path / "sdstudio").write_bytes(b"12345")
    (tmp_path / "_internal" / "torch" / "a b.so").write_bytes(b"1")
    listing = "5\tsdstudio\n1\t_internal/torch/a b.so\n"
    (tmp_path / "_internal" / LISTING).write_text(listing, encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sdstudio"))
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    return tmp_path


def fails() -> int:
    raise ImportError("cannot open shared object file")


def test_a_whole_folder_has_no_damage(program: Path) -> None:
    assert damaged_files(program, program / "_internal" / LISTING) == []


def test_missing_and_cut_files_are_found(program: Path) -> None:
    (program / "sdstudio").write_bytes(b"123")
    (program / "_internal" / "torch" / "a b.so").unlink()
    assert damaged_files(program, program / "_internal" / LISTING) == ["sdstudio", "_internal/torch/a b.so"]
    assert damaged_files(program, program / "nothing.txt") == ["nothing.txt"]


def test_a_start_that_fails_in_a_damaged_folder_says_so(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (program / "_internal" / "torch" / "a b.so").unlink()
    with pytest.raises(SystemExit) as ended:
        run_whole(fails)
    assert ended.value.code == 1
    text = capsys.readouterr().err
    assert "damaged" in text
    assert "Install SD Studio again" in text
    assert "Traceback" not in text


@pytest.mark.usefixtures("program")
def test_another_fault_is_not_called_damage() -> None:
    with pytest.raises(ImportError):
        run_whole(fails)


@pytest.mark.usefixtures("program")
def test_the_exit_code_is_the_programs() -> None:
    with pytest.raises(SystemExit) as ended:
        run_whole(lambda: 2)
    assert ended.value.code == 2


def test_many_files_are_not_listed_all() -> None:
    assert "and 7 more" in words([f"file{number}" for number in range(10)])


@pytest.mark.parametrize(("code", "told"), [(1, True), (0, False), (2, False)])
def test_a_command_that_fails_in_a_damaged_folder_says_so(
    program: Path, capsys: pytest.CaptureFixture[str], code: int, told: bool
) -> None:
    (program / "_internal" / "torch" / "a b.so").unlink()
    with pytest.raises(SystemExit) as ended:
        run_whole(lambda: code)
    assert ended.value.code == code
    assert ("damaged" in capsys.readouterr().err) is told


@pytest.mark.usefixtures("program")
def test_a_command_that_fails_in_a_whole_folder_says_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_whole(lambda: 1)
    assert capsys.readouterr().err == ""
