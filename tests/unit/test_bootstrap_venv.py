"""The environment that the bootstrap makes: when, how, and with which packages in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import bootstrap_install
import bootstrap_venv
from bootstrap_machine import Machine, SetupError
from tests.helpers.machines import ROOT, Calls, machine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Setting up without the wait: the environment is an empty Python, the packages are words in this list."""
    steps: list[str] = []

    def make_venv(venv: bootstrap_venv.Venv, machine: Machine) -> None:
        venv.python.parent.mkdir(parents=True)
        venv.python.touch()
        steps.append("make")

    def install(root: Path, python: Path, machine: Machine, test: bool, uv: Path | None) -> None:
        steps.append("install with test tools" if test else "install")

    monkeypatch.setattr(bootstrap_venv, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap_venv, "install_packages", install)
    return steps


def test_it_is_made_once(checkout: Path, made: list[str]) -> None:
    calls = Calls()
    for _ in range(3):
        venv = bootstrap_venv.ensure_venv(checkout, machine(calls), test=False)
    assert made == ["make", "install"]
    assert calls.commands == []  # the later calls start nothing at all
    assert venv.python == checkout / ".venv/bin/python"


def test_test_tools_are_added_and_serve_run_as_well(checkout: Path, made: list[str]) -> None:
    for test in (False, True, False):
        bootstrap_venv.ensure_venv(checkout, machine(), test=test)
    assert made == ["make", "install", "install with test tools"]


def test_new_pins_bring_it_up_to_date_and_keep_the_test_tools(checkout: Path, made: list[str]) -> None:
    bootstrap_venv.ensure_venv(checkout, machine(), test=True)
    with (checkout / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("zzz==1\n")
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert made == ["make", "install with test tools", "install with test tools"]


def test_settings_of_tools_are_no_reason_to_install(checkout: Path, made: list[str]) -> None:
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    with (checkout / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.something]\nline-length = 1\n")
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert made == ["make", "install"]


def test_an_interrupted_setup_is_made_anew(checkout: Path, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap_venv, "install_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    half = checkout / ".venv" / "half a package"
    half.touch()
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert made == ["make", "make", "install"]
    assert not half.exists()


def test_a_broken_one_is_made_anew(checkout: Path, made: list[str]) -> None:
    venv = bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    venv.python.unlink()
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert made == ["make", "install"] * 2


def test_a_moved_checkout_gets_a_new_one(checkout: Path, made: list[str]) -> None:
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    bootstrap_venv.ensure_venv(checkout.rename(checkout.with_name("moved")), machine(), test=False)
    assert made == ["make", "install"] * 2


def test_one_made_by_hand_is_taken_over_if_its_python_fits(checkout: Path, made: list[str]) -> None:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.touch()
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert made == ["install"]
    (checkout / ".venv/sdstudio-setup.json").unlink()
    bootstrap_venv.ensure_venv(checkout, machine(Calls("version_info")), test=False)
    assert made == ["install", "make", "install"]


def test_a_stamp_that_cannot_be_read_is_no_stamp(checkout: Path) -> None:
    venv = bootstrap_venv.Venv(checkout, windows=False)
    venv.folder.mkdir()
    for text in ("{", "[]", ""):
        venv.stamp.write_text(text, encoding="utf-8")
        assert bootstrap_venv.read_stamp(venv) == {}


def test_a_linked_environment_is_not_deleted(checkout: Path, made: list[str], tmp_path: Path) -> None:
    (checkout / ".venv").symlink_to(tmp_path)
    with pytest.raises(SetupError, match="is a link"):
        bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert checkout.exists()


def test_a_windows_environment_is_looked_for_where_windows_has_it(checkout: Path, made: list[str]) -> None:
    venv = bootstrap_venv.ensure_venv(checkout, machine(system="win32"), test=False)
    assert venv.python == checkout / ".venv" / "Scripts" / "python.exe"
    assert json.loads(venv.stamp.read_text(encoding="utf-8"))["state"] == "ready"


@pytest.fixture
def venv(tmp_path: Path) -> bootstrap_venv.Venv:
    return bootstrap_venv.Venv(tmp_path, windows=False)


def has_only(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(bootstrap_venv, "has_module", lambda module: module in modules)


def test_plain_venv_where_python_is_complete(venv: bootstrap_venv.Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    has_only(monkeypatch, "ensurepip", "pip")
    calls = Calls()
    assert bootstrap_venv.make_venv(venv, machine(calls)) is None
    assert calls.commands == [f"{sys.executable} -P -m venv {venv.folder}"], "-P: not a venv.py nearby"


def test_without_ensurepip_a_pip_at_hand_does(venv: bootstrap_venv.Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    has_only(monkeypatch, "pip")
    calls = Calls()
    assert bootstrap_venv.make_venv(venv, machine(calls)) is None
    assert "--without-pip" in calls.commands[0]


def test_without_pip_a_uv_at_hand_does(venv: bootstrap_venv.Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    has_only(monkeypatch)
    monkeypatch.setattr(bootstrap_venv.shutil, "which", lambda name, path=None: "/opt/uv")
    assert bootstrap_venv.make_venv(venv, machine()) == Path("/opt/uv")


def test_with_nothing_at_hand_it_is_said_in_words(venv: bootstrap_venv.Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    has_only(monkeypatch)
    monkeypatch.setattr(bootstrap_venv.shutil, "which", lambda name, path=None: None)
    with pytest.raises(SetupError, match="ensurepip"):
        bootstrap_venv.make_venv(venv, machine())


def test_the_package_for_environments_is_asked_for_only_where_it_is_needed(
    checkout: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap_venv.shutil, "which", lambda name, path=None: None)
    has_only(monkeypatch)
    assert bootstrap_venv.missing_packages(checkout, machine()) == ["python3.11-venv"]
    assert bootstrap_venv.missing_packages(checkout, machine(debian=False)) == []
    has_only(monkeypatch, "pip")
    assert bootstrap_venv.missing_packages(checkout, machine()) == []
    assert bootstrap_venv.missing_packages(checkout, machine(root=True)) == ["python3.11-venv"]
    has_only(monkeypatch, "ensurepip")
    assert bootstrap_venv.missing_packages(checkout, machine(root=True)) == []
    has_only(monkeypatch)
    bootstrap_venv.ensure_venv(checkout, machine(), test=False)
    assert bootstrap_venv.missing_packages(checkout, machine()) == []


def test_settings_of_pip_are_handed_to_uv() -> None:
    listing = "global.find-links='/old'\nglobal.extra-index-url='https://a.test/x\\nhttps://b.test/y'\n"
    environ = {"PIP_FIND_LINKS": "/wheels /more", "PIP_INDEX_URL": "https://c.test", "PIP_CERT": "/ca.pem"}
    settings = bootstrap_install.PipSettings.read(environ, listing)
    assert settings.certificates == "/ca.pem"
    assert settings.for_uv() == [
        *("--find-links", "/wheels", "--find-links", "/more", "--index-url", "https://c.test"),
        *("--extra-index-url", "https://a.test/x", "--extra-index-url", "https://b.test/y"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert bootstrap_install.PipSettings.read({}).for_uv() == []


@pytest.fixture
def no_pip_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap_install, "_pip_config", lambda pip, machine: "")
    monkeypatch.setattr(bootstrap_install, "_site_packages", lambda python: Path("/venv/site-packages"))


@pytest.mark.usefixtures("no_pip_config")
def test_uv_installs_at_the_pinned_version() -> None:
    calls = Calls()
    here = machine(calls, environ={"PIP_CERT": "/ca.pem"})
    bootstrap_install.install_packages(ROOT, Path("/venv/python"), here, test=True, uv=None)
    assert calls.find("-m pip install --quiet --disable-pip-version-check uv==")
    (line,) = calls.find("-m uv pip install")
    assert "--compile-bytecode" in line and f"-c {ROOT / 'constraints.txt'}" in line
    assert f"-e {ROOT}[test]" in line
    assert calls.environs[-1]["SSL_CERT_FILE"] == "/ca.pem"
    assert calls.environs[-1]["UV_COMPILE_BYTECODE_TIMEOUT"] == "0", "a busy machine may take its time"


@pytest.mark.usefixtures("no_pip_config")
@pytest.mark.parametrize("failing", ["uv==", "-m uv"])
def test_pip_steps_in_where_uv_fails(failing: str, capsys: pytest.CaptureFixture[str]) -> None:
    calls = Calls(failing)
    bootstrap_install.install_packages(ROOT, Path("/venv/python"), machine(calls), test=False, uv=None)
    (line,) = calls.find("-m pip install --quiet -c")
    assert line.endswith(f"-e {ROOT}")
    assert "compileall" in calls.commands[-1]
    assert "going on with pip" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pip_config")
def test_no_way_at_all_is_said_in_words() -> None:
    calls = Calls("install")
    with pytest.raises(SetupError, match="connect it once"):
        bootstrap_install.install_packages(ROOT, Path("/venv/python"), machine(calls), test=False, uv=None)
