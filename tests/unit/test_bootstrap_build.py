"""`bootstrap.py build`: what is asked for, what the machine lacks, what is installed to build with."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap_build
import bootstrap_qt
from bootstrap_build import Wish, exact_torch, install_arguments, parse, requirements
from bootstrap_install import PipSettings
from bootstrap_machine import Machine, SetupError

ROOT = Path(__file__).resolve().parents[2]


def machine(system: str = "linux", debian: bool = True) -> Machine:
    return Machine(system=system, root=True, debian=debian, python=(3, 11), environ={})


def test_nothing_named_is_all_that_can_be_built() -> None:
    assert parse([], "linux") == Wish(formats=("deb", "tar", "setup"))
    assert parse(["all"], "win32") == Wish(formats=("setup", "zip"))
    assert parse(["--flavour", "cuda"], "linux") == Wish(formats=("deb", "tar"), flavour="cuda")
    assert parse(["all", "--flavour", "cuda"], "win32") == Wish(formats=("zip",), flavour="cuda")


def test_formats_and_options() -> None:
    wish = parse(["tar", "--flavour", "cuda", "deb", "tar", "--keep"], "linux")
    assert wish == Wish(formats=("tar", "deb"), flavour="cuda", keep=True)


@pytest.mark.parametrize("arguments", [["dep"], ["--flavour", "gpu"], ["--flavour"], ["zip"]])
def test_what_cannot_be_built_is_said(arguments: list[str]) -> None:
    with pytest.raises(SetupError, match=r"usage: bootstrap\.py build"):
        parse(arguments, "linux")


def test_no_deb_on_windows() -> None:
    with pytest.raises(SetupError, match="deb of the flavour “cpu” can be built"):
        parse(["deb"], "win32")
    with pytest.raises(SetupError, match=r"setup of the flavour “cuda” .*; what can be: zip"):
        parse(["setup", "--flavour", "cuda"], "win32")


@pytest.fixture
def shared_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap_build, "missing_libpython", lambda machine: {})


def test_a_python_without_its_library_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap_build.sysconfig, "get_config_var", lambda name: "libpython3.11.a")
    monkeypatch.setattr(bootstrap_qt, "loads", lambda name: False)
    assert bootstrap_build.missing_libpython(machine()) == {"libpython3.11.so.1.0": "libpython3.11"}
    with pytest.raises(SetupError, match="without its shared library"):
        bootstrap_build.missing_libpython(machine(debian=False))
    monkeypatch.setattr(bootstrap_qt, "loads", lambda name: name == "libpython3.11.so.1.0")
    assert bootstrap_build.missing_libpython(machine()) == {}


@pytest.mark.usefixtures("shared_python")
def test_the_systems_packages_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap_qt, "loads", lambda name: name != "libxcb-cursor.so.0")
    found = bootstrap_build.missing_packages(machine(), Wish(formats=("setup",)), find=lambda name: None)
    assert found == ["binutils", "zstd", "dpkg", "nsis", "libxcb-cursor0"]
    found = bootstrap_build.missing_packages(machine(), Wish(formats=("deb",)), find=lambda name: "/usr/bin/" + name)
    assert found == ["libxcb-cursor0"]


def test_other_systems_are_told_the_programs() -> None:
    with pytest.raises(SetupError, match="objdump, strip, zstd, dpkg-deb, makensis"):
        bootstrap_build.missing_packages(machine(debian=False), Wish(formats=("setup",)), find=lambda name: None)
    assert bootstrap_build.missing_packages(machine("win32"), Wish(formats=("setup",)), find=lambda name: None) == []


def test_torch_comes_without_cuda_unless_wheels_are_at_hand() -> None:
    plain = install_arguments(ROOT, PipSettings(), Wish(formats=("deb",)), linux=True)
    assert plain[plain.index("--torch-backend") + 1] == "cpu"
    local = install_arguments(ROOT, PipSettings(find_links=("/wheels",)), Wish(formats=("deb",)), linux=True)
    assert "--torch-backend" not in local
    assert local[local.index("--find-links") + 1] == "/wheels"


def test_torch_comes_with_cuda_though_other_wheels_are_at_hand() -> None:
    wish = Wish(formats=("deb",), flavour="cuda")
    chosen = install_arguments(ROOT, PipSettings(find_links=("/wheels",)), wish, linux=True)
    exact = [argument for argument in chosen if argument.startswith("torch===")]
    assert len(exact) == 1 and "+" not in exact[0], "“==” would take the wheel “…+cpu” of the folder"
    assert f"\n{exact[0].replace('===', '==')}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "--torch-backend" not in chosen
    windows = install_arguments(ROOT, PipSettings(), wish, linux=False)
    assert windows[windows.index("--torch-backend") + 1].startswith("cu")
    with pytest.raises(SetupError, match="pins no torch"):
        exact_torch("torchvision==1.0\n")


def test_only_what_is_shipped_and_the_tools_are_installed() -> None:
    names = requirements(ROOT)
    assert any(name.startswith("torch") for name in names)
    assert not any(name.startswith(("pytest", "mypy", "hypothesis")) for name in names)
    tools = (ROOT / bootstrap_build.REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in tools), "pinned, so that the same build can be made again"


def test_the_environment_is_its_own() -> None:
    venv = bootstrap_build.BuildVenv(Path("/checkout"), windows=False, flavour="cuda")
    assert venv.folder == Path("/checkout/build/venv-cuda")
    assert venv.folder in venv.python.parents
    assert venv.folder in venv.stamp.parents
