"""The environment .venv beside the checkout: made once, checked in milliseconds afterwards.

A small JSON file in it (the stamp) says what it was made for. It is written as "installing" before the first package
and as "ready" after the last, so an interrupted setup is seen and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap_install import install_packages
from bootstrap_machine import Machine, SetupError, say

RULES = 1  # raise it when environments made by an older bootstrap must be brought up to date


@dataclass(frozen=True)
class Venv:
    root: Path
    windows: bool

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if self.windows else "bin/python")

    @property
    def stamp(self) -> Path:
        return self.folder / "sdstudio-setup.json"


def wanted_key(root: Path) -> str:
    """Changes whenever other packages would be installed; the settings of ruff, pytest … do not count."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [project["build-system"], project["project"], project.get("tool", {}).get("hatch"), RULES]
    constraints = (root / "constraints.txt").read_bytes()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode() + constraints).hexdigest()


def read_stamp(venv: Venv) -> dict[str, object]:
    """Empty where there is none, or none that can be read."""
    try:
        stamp = json.loads(venv.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv: Venv, stamp: dict[str, object]) -> None:
    fresh = venv.stamp.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    os.replace(fresh, venv.stamp)


def is_ready(stamp: dict[str, object], wanted: dict[str, object]) -> bool:
    """An environment with the test tools serves `run` too, but not the other way round."""
    same = all(stamp.get(name) == wanted[name] for name in ("key", "root", "python"))
    return stamp.get("state") == "ready" and same and (stamp.get("test") is True or wanted["test"] is False)


def must_remake(venv: Venv, stamp: dict[str, object], wanted: dict[str, object], machine: Machine) -> bool:
    """Whether what lies in .venv cannot be brought up to date: interrupted, moved, broken, or of another Python.

    One without a stamp was made by hand; it is taken over if its Python is the same version as ours.
    """
    if stamp.get("state") == "installing":
        return True
    if stamp and any(stamp.get(name) != wanted[name] for name in ("root", "python")):
        return True
    check = f"import sys; sys.exit(sys.version_info[:2] != {machine.python})"
    return not venv.python.exists() or machine.run(venv.python, "-c", check) != 0


def wanted_stamp(root: Path, machine: Machine, test: bool) -> dict[str, object]:
    version = "{}.{}".format(*machine.python)
    return {"key": wanted_key(root), "root": str(root), "python": version, "test": test}


def missing_packages(root: Path, machine: Machine) -> list[str]:
    """The Debian package without which this machine's Python can make no environment, if one must be made.

    As root the proper way is taken; others are asked for it only where nothing at hand would do instead.
    """
    venv = Venv(root, machine.windows)
    if not machine.debian or has_module("ensurepip") or (venv.python.exists() and read_stamp(venv)):
        return []
    other_way = has_module("pip") or shutil.which("uv", path=machine.environ.get("PATH"))
    return [] if other_way and not machine.root else ["python{}.{}-venv".format(*machine.python)]


def ensure_venv(root: Path, machine: Machine, test: bool) -> Venv:
    """The environment, ready to use; `test` adds the tools of the checks. Raises SetupError in words."""
    venv = Venv(root, machine.windows)
    wanted = wanted_stamp(root, machine, test)
    if is_ready(read_stamp(venv), wanted) and venv.python.exists():
        return venv
    with _alone(root):
        stamp = read_stamp(venv)  # another bootstrap may have done the work while we waited
        if not (is_ready(stamp, wanted) and venv.python.exists()):
            _set_up(venv, stamp, wanted, machine)
    return venv


def _set_up(venv: Venv, stamp: dict[str, object], wanted: dict[str, object], machine: Machine) -> None:
    fresh = must_remake(venv, stamp, wanted, machine)
    say("Setting up SD Studio (once; this can take a few minutes) …" if fresh else "Bringing SD Studio up to date …")
    uv: Path | None = None
    if fresh:
        if venv.folder.is_symlink():
            raise SetupError(f"{venv.folder} is a link to another folder. Remove the link, then start again.")
        if venv.folder.exists():
            shutil.rmtree(venv.folder)
        uv = make_venv(venv, machine)
    test = wanted["test"] is True or (not fresh and stamp.get("test") is True)
    wanted = {**wanted, "test": test}
    write_stamp(venv, {**wanted, "state": "installing"})
    install_packages(venv.root, venv.python, machine, test=test, uv=uv)
    write_stamp(venv, {**wanted, "state": "ready"})
    say("SD Studio is set up.")


def make_venv(venv: Venv, machine: Machine) -> Path | None:
    """An empty environment. The uv that made it, where only uv could; else it has pip inside or pip can reach it."""
    # sys.executable, not a name on PATH: the environment gets the Python that was chosen to start us. -P: a venv.py in
    # the folder where the person is would be started instead, and start itself again and again.
    make = (sys.executable, "-P", "-m", "venv")
    if has_module("ensurepip") and machine.run(*make, venv.folder) == 0:
        return None
    if has_module("pip") and machine.run(*make, "--clear", "--without-pip", venv.folder) == 0:
        return None
    uv = shutil.which("uv", path=machine.environ.get("PATH"))
    if uv and machine.run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv.folder) == 0:
        return Path(uv)
    raise SetupError(
        f"{sys.executable} could not make an environment in {venv.folder} (see above).\n"
        "Install the part of Python that has “venv” and “ensurepip”, then start again."
    )


def has_module(module: str) -> bool:
    importlib.invalidate_caches()
    return importlib.util.find_spec(module) is not None


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One setup at a time; a second one started meanwhile waits here."""
    with (root / ".venv.lock").open("w") as lock:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
