"""The system libraries of the window: which are needed, which are missing, what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap_commands
import bootstrap_qt
from bootstrap_machine import SetupError
from tests.helpers.machines import Calls, machine


def present(*missing: str) -> bootstrap_qt.Loads:
    return lambda name: name not in missing


SCREEN = {"DISPLAY": ":0"}


def test_nothing_is_missing_where_every_library_is_there() -> None:
    assert bootstrap_qt.missing_packages(machine(environ=SCREEN), window=True, can_load=present()) == []


def test_missing_libraries_are_named_as_packages() -> None:
    lacking = present("libGL.so.1", "libxcb-cursor.so.0", "libgthread-2.0.so.0")
    gl, glib, cursor = bootstrap_qt.missing_packages(machine(environ=SCREEN), window=True, can_load=lacking)
    assert (gl, cursor) == ("libgl1", "libxcb-cursor0")
    assert glib in ("libglib2.0-0", "libglib2.0-0t64")


def test_one_line_has_everything_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        bootstrap_commands.bootstrap_venv, "missing_packages", lambda root, machine: ["python3.11-venv"]
    )
    with pytest.raises(SetupError, match=r"-y python3\.11-venv libgl1 libegl1\n"):
        bootstrap_commands.install_system_packages(tmp_path, machine(), ["libgl1", "libegl1"])
    calls = Calls()
    bootstrap_commands.install_system_packages(tmp_path, machine(calls, root=True), ["libgl1"])
    assert calls.find("install")[0].endswith("python3.11-venv libgl1")


def test_other_systems_are_told_the_libraries_in_words() -> None:
    with pytest.raises(SetupError, match=r"libEGL\.so\.1") as caught:
        bootstrap_qt.missing_packages(machine(debian=False), window=False, can_load=present("libEGL.so.1"))
    assert "apt" not in str(caught.value)


def test_tests_need_no_screen_and_no_x11() -> None:
    lacking = present(*bootstrap_qt.XCB, *bootstrap_qt.WAYLAND)
    assert bootstrap_qt.missing_packages(machine(), window=False, can_load=lacking) == []


def test_no_screen_is_said_in_words() -> None:
    with pytest.raises(SetupError, match="no screen here") as caught:
        bootstrap_qt.missing_packages(machine(), window=True, can_load=present())
    assert "run generate" in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DISPLAY": ":0"}, bootstrap_qt.XCB),
        ({"WAYLAND_DISPLAY": "wayland-0"}, bootstrap_qt.WAYLAND),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, bootstrap_qt.WAYLAND),
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-0"}, bootstrap_qt.XCB),
        ({"QT_QPA_PLATFORM": "offscreen"}, {}),
    ],
)
def test_the_libraries_follow_the_screen(environ: dict[str, str], expected: dict[str, str]) -> None:
    assert bootstrap_qt.platform_libraries(machine(environ=environ), present()) == expected


def test_an_incomplete_wayland_leaves_x11() -> None:
    both = machine(environ={"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"})
    assert bootstrap_qt.platform_libraries(both, present("libwayland-cursor.so.0")) == bootstrap_qt.XCB


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_elsewhere_the_wheels_bring_everything(system: str) -> None:
    assert bootstrap_qt.missing_packages(machine(system=system), window=True, can_load=lambda name: False) == []


def test_a_window_is_for_no_arguments_and_for_pictures(tmp_path: Path) -> None:
    picture = tmp_path / "apple.png"
    picture.touch()
    assert bootstrap_qt.needs_window([])
    assert bootstrap_qt.needs_window([str(picture)])
    assert bootstrap_qt.needs_window(["bench", "ui"])
    for command in (["generate", "a red apple"], ["read", str(picture)], ["--version"], ["bench", "steps"]):
        assert not bootstrap_qt.needs_window(command)
