"""A program's folder that was copied in part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import entry_damaged
from entry_damaged import (
    EVERYTHING,
    LISTING,
    NEEDED,
    damaged_files,
    look_before_start,
    lost_files,
    run_whole,
    show_box,
    words,
)

FALLBACK = Path(entry_damaged.__file__).parent / "fallback"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "_internal" / "torch").mkdir(parents=True)
    (tmp_path / "sdstudio").write_bytes(b"12345")
    (tmp_path / "_internal" / "torch" / "a b.so").write_bytes(b"12")
    (tmp_path / "_internal" / "torch" / "c.py").write_bytes(b"1")
    (tmp_path / "_internal" / "torch" / "empty.py").write_bytes(b"")
    (tmp_path / "_internal" / "resources").mkdir()
    (tmp_path / "_internal" / "resources" / "icon.svg").write_bytes(b"123")
    rows = (
        (5, "sdstudio"),
        (2, "_internal/torch/a b.so"),
        (1, "_internal/torch/c.py"),
        (0, "_internal/torch/empty.py"),
        (3, "_internal/resources/icon.svg"),
    )
    listing = "".join(f"{size}\t{place}\n" for size, place in rows)
    (tmp_path / "_internal" / LISTING).write_text(listing, encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sdstudio-cli"))
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    return tmp_path


def fails() -> int:
    raise ImportError("cannot open shared object file")


def test_a_whole_folder_has_no_damage(program: Path) -> None:
    assert damaged_files(program, program / "_internal" / LISTING) == []
    assert lost_files(program, program / "_internal" / LISTING, EVERYTHING) == []


def test_missing_and_cut_files_are_found(program: Path) -> None:
    (program / "sdstudio").write_bytes(b"123")
    (program / "_internal" / "torch" / "a b.so").unlink()
    assert damaged_files(program, program / "_internal" / LISTING) == ["sdstudio", "_internal/torch/a b.so"]
    assert damaged_files(program, program / "nothing.txt") == ["nothing.txt"]


def test_a_listing_that_is_cut_short_is_damage(program: Path) -> None:
    listing = program / "_internal" / LISTING
    listing.write_text("5\tsdstudio\n12", encoding="utf-8")
    assert damaged_files(program, listing) == [LISTING]
    assert lost_files(program, listing, NEEDED) == [LISTING]


@pytest.mark.parametrize("place", ["_internal/torch/a b.so", "_internal/resources/icon.svg"])
def test_what_the_window_cannot_do_without_is_missed_before_the_start(
    program: Path, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(program / "sdstudio"))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    look_before_start()
    (program / place).write_bytes(b"")
    with pytest.raises(SystemExit) as ended:
        look_before_start()
    assert ended.value.code == 1
    assert f"“{place}” is missing or not whole" in capsys.readouterr().err


def test_a_library_of_another_size_may_be_used(program: Path) -> None:
    """Qt's licence lets everybody put another version there."""
    (program / "_internal" / "torch" / "a b.so").write_bytes(b"1")
    look_before_start()


def test_only_the_command_line_looks_for_every_file(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program / "_internal" / "torch" / "c.py").unlink()
    with pytest.raises(SystemExit):
        look_before_start()
    assert "c.py" in capsys.readouterr().err
    monkeypatch.setattr(sys, "executable", str(program / "sdstudio"))
    look_before_start()


def test_a_start_that_fails_in_a_damaged_folder_says_so(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (program / "_internal" / "torch" / "c.py").unlink()
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
    assert "and 7 more are missing" in words([f"file{number}" for number in range(10)])


@pytest.mark.parametrize(("code", "told"), [(1, True), (0, False), (2, False)])
def test_a_command_that_fails_in_a_damaged_folder_says_so(
    program: Path, capsys: pytest.CaptureFixture[str], code: int, told: bool
) -> None:
    (program / "_internal" / "torch" / "c.py").unlink()
    with pytest.raises(SystemExit) as ended:
        run_whole(lambda: code)
    assert ended.value.code == code
    assert ("damaged" in capsys.readouterr().err) is told


@pytest.mark.usefixtures("program")
def test_a_command_that_fails_in_a_whole_folder_says_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_whole(lambda: 1)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a box of its own")
@pytest.mark.parametrize(
    ("name", "shown"),
    [("kdialog", "--title|SD Studio|--error|“It” is damaged.|"), ("xmessage", '-center|"It" is damaged.|')],
)
def test_who_starts_from_a_menu_sees_a_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shown: str
) -> None:
    box = tmp_path / "bin" / name
    box.parent.mkdir()
    box.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >"{tmp_path}/shown"\n')
    box.chmod(0o755)
    monkeypatch.setenv("PATH", str(box.parent))
    show_box("“It” is damaged.")
    assert (tmp_path / "shown").read_text(encoding="utf-8") == shown
    monkeypatch.setenv("PATH", str(tmp_path))
    show_box("Without any such program nothing happens.")


@pytest.mark.skipif(sys.platform == "win32", reason="there its start-up code shows a box")
def test_without_pythons_own_library_its_stand_in_says_so() -> None:
    """As the frozen program imports it: from its folder, before anything else."""
    code = f"import sys; sys.path.insert(0, {str(FALLBACK)!r}); del sys.modules['encodings']; import encodings"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "damaged" in done.stderr and "Install SD Studio again" in done.stderr
    assert "Traceback" not in done.stderr
