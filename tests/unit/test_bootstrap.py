"""The bootstrap's words, the machine it finds, what it starts, and the checks of `test`."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import bootstrap
import bootstrap_checks
import bootstrap_commands
import bootstrap_machine
import bootstrap_venv
from bootstrap_machine import SetupError
from tests.helpers.machines import ROOT, Calls, machine


def test_an_old_python_is_told_so_in_words() -> None:
    words = bootstrap.too_old((3, 9))
    assert words is not None
    assert "3.11" in words and "3.9" in words
    assert bootstrap.too_old((3, 11)) is None
    assert bootstrap.too_old((3, 14)) is None


@pytest.mark.parametrize("arguments", [[], ["start"], ["--json"]])
def test_wrong_use_is_exit_status_2_and_nothing_on_stdout(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "bootstrap.py run" in err and "bootstrap.py test" in err


def test_help_is_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["--help"]) == 0
    assert "bootstrap.py test" in capsys.readouterr().out


def test_what_hinders_python_is_kept_from_everything_started() -> None:
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHOME": "/x", "PYTHONPATH": "/y", "PATH": "/bin"}
    assert bootstrap_machine.clean_environ(environ) == {"PYTHONPATH": "/y", "PATH": "/bin"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\nVERSION_ID=41\n# ID=debian\n", False),
    ],
)
def test_debian_and_its_relatives_are_known(text: str, expected: bool, tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text(text, encoding="utf-8")
    assert bootstrap_machine._is_debian(release) is expected


def test_root_installs_after_refreshing_the_list() -> None:
    calls = Calls("update")  # a list that cannot be refreshed may still do
    bootstrap_machine.apt_install(machine(calls, root=True), ["libgl1"])
    assert [line.split()[1] for line in calls.commands] == ["update", "install"]
    assert "libgl1" in calls.commands[1]
    assert calls.environs[1]["DEBIAN_FRONTEND"] == "noninteractive"


def test_others_get_the_exact_line_to_type() -> None:
    calls = Calls()
    with pytest.raises(SetupError, match=r"sudo apt-get install --no-install-recommends -y libgl1 libegl1\n"):
        bootstrap_machine.apt_install(machine(calls), ["libgl1", "libegl1"])
    assert calls.commands == []


def test_nothing_missing_asks_for_nothing() -> None:
    calls = Calls()
    bootstrap_machine.apt_install(machine(calls), [])
    assert calls.commands == []


def test_an_apt_that_fails_gives_the_line_too() -> None:
    with pytest.raises(SetupError, match="sudo apt-get update"):
        bootstrap_machine.apt_install(machine(Calls("install"), root=True), ["libgl1"])


def test_on_posix_the_app_takes_our_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[object] = []
    monkeypatch.setattr(bootstrap_commands.os, "execve", lambda *args: seen.extend(args))
    monkeypatch.setattr(bootstrap_commands.subprocess, "Popen", _Ends)
    venv = bootstrap_venv.Venv(tmp_path, windows=False)
    command = bootstrap_commands.app_command(venv, ["generate", "a red apple"])
    bootstrap_commands.start(machine(environ={"A": "b"}), command)
    python = str(tmp_path / ".venv/bin/python")
    assert seen == [python, [python, "-P", "-m", "sdstudio", "generate", "a red apple"], {"A": "b"}]


class _Ends:
    """A process that ends with status 7."""

    started: Sequence[str] = ()

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        type(self).started = command

    def __enter__(self) -> _Ends:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self) -> int:
        return 7


def test_on_windows_the_exit_status_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap_commands.subprocess, "Popen", _Ends)
    venv = bootstrap_venv.Venv(tmp_path, windows=True)
    command = bootstrap_commands.app_command(venv, ["--version"])
    assert bootstrap_commands.start(machine(system="win32"), command) == 7
    assert _Ends.started[0] == str(tmp_path / ".venv" / "Scripts" / "python.exe")


def test_a_problem_is_exit_status_1_and_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def problem(*_: object) -> int:
        raise SetupError("no room")

    monkeypatch.setattr(bootstrap_commands, "run", problem)
    assert bootstrap_commands.main("run", []) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "no room\n")


def test_a_full_disk_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bootstrap_commands, "test", full)
    assert bootstrap_commands.main("test", []) == 1
    assert "No space left" in capsys.readouterr().err


def test_every_suite_is_run_though_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for suite in bootstrap_checks.SUITES:
        (tmp_path / suite.folder).mkdir(parents=True)
        (tmp_path / suite.folder / "test_x.py").touch()
    calls = Calls("mypy", "tests/unit")
    status = bootstrap_checks.run_all(tmp_path, Path("python"), machine(calls), [])
    assert status == 1
    assert len(calls.commands) == len(bootstrap_checks.CHECKS) + len(bootstrap_checks.SUITES)
    out, err = capfd.readouterr()
    assert out == "0 passed, 2 failed\n"
    assert "mypy" in err and "FAILED" in err


def test_what_two_say_at_the_same_time_is_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    both = threading.Barrier(2)

    def call(command: Sequence[str], environ: Mapping[str, str], output: int | None) -> int:
        assert output is not None
        for number in range(3):
            both.wait(20)  # Neither goes on without the other: one after the other, they never would.
            os.write(output, f"{command[1]} {number}\n".encode())
        return 1 if command[1] == "one" else 0

    monkeypatch.setattr(bootstrap_checks, "CHECKS", (("first", ("one",)), ("second", ("two",))))
    here = dataclasses.replace(machine(), call=call)
    assert bootstrap_checks.run_all(tmp_path, Path("python"), here, []) == 1
    out, err = capfd.readouterr()
    assert "── first\none 0\none 1\none 2\n" in err and "── second\ntwo 0\ntwo 1\ntwo 2\n" in err
    table = err[err.rindex("\n\n") :]
    assert table.index("first") < table.index("second"), "in their own order, whichever ended first"
    assert out == "0 passed, 1 failed\n"


def test_who_chooses_tests_sees_them_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: list[int | None] = []

    def call(command: Sequence[str], environ: Mapping[str, str], output: int | None) -> int:
        outputs.append(output)
        return 0

    monkeypatch.setattr(bootstrap_checks, "CHECKS", (("first", ("one",)), ("second", ("two",))))
    assert bootstrap_checks.run_all(tmp_path, Path("python"), dataclasses.replace(machine(), call=call), ["-x"]) == 0
    assert outputs == [None, None]


def test_all_that_a_program_prints_goes_into_the_file(tmp_path: Path) -> None:
    code = "import sys; print('to stdout', flush=True); print('to stderr', file=sys.stderr)"
    with (tmp_path / "printed").open("wb") as file:
        assert bootstrap_machine.call([sys.executable, "-c", code], os.environ, file.fileno()) == 0
    assert (tmp_path / "printed").read_text().splitlines() == ["to stdout", "to stderr"]


def test_layers_are_proven_by_what_each_suite_cannot_import(tmp_path: Path) -> None:
    blocked = {suite.folder: set(suite.blocked) for suite in bootstrap_checks.SUITES}
    assert blocked["tests/unit"] >= {"PySide6", "torch", "diffusers", "transformers"}
    assert blocked["tests/engine"] >= {"PySide6"}
    assert blocked["tests/gui"] >= {"torch", "diffusers", "transformers"}
    unit = next(suite for suite in bootstrap_checks.SUITES if suite.folder == "tests/unit")
    command = bootstrap_checks.suite_command(unit, ["tests/unit"], tmp_path / "report.xml")
    assert "tests.helpers.block_imports" in command and "no:pytest-qt" in command


def test_paths_choose_the_suites() -> None:
    unit, engine, *_ = bootstrap_checks.SUITES
    this = "tests/unit/test_bootstrap.py::test_paths_choose_the_suites"
    assert bootstrap_checks.pytest_arguments(ROOT, unit, [this, "-x"]) == ["-x", this]
    assert bootstrap_checks.pytest_arguments(ROOT, engine, [this]) is None
    assert bootstrap_checks.pytest_arguments(ROOT, unit, ["tests"]) == ["tests/unit"]
    assert bootstrap_checks.pytest_arguments(ROOT, unit, ["-k", "apple"]) == ["-k", "apple", "tests/unit"]


def test_reports_are_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert bootstrap_checks.read_report(report) == {}
    suites = '<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10"/></testsuites>'
    report.write_text(suites, encoding="utf-8")
    assert bootstrap_checks.read_report(report) == {"passed": 4, "failed": 3, "skipped": 3}


def test_bootstrap_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "packaging" / "bootstrap.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'packaging')!r})\n"
        "import bootstrap_commands, bootstrap_checks\n"
        "names = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'__main__'}\n"
        "bad = [name for name in names if not name.startswith('bootstrap_')]\n"
        "sys.exit(str(sorted(bad)) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
