"""`build`: an environment with only what is shipped and the tools that freeze it, then the packages that users get.

Whatever is installed in the environment leaks into the program, so it is never the one of `run` and `test`.
"""

from __future__ import annotations

import re
import shutil
import sysconfig
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bootstrap_install
import bootstrap_qt
import bootstrap_venv
from bootstrap_machine import Machine, SetupError, say
from bootstrap_venv import Venv

FORMATS = ("deb", "tar", "setup", "zip")
FORMATS_OF = {
    ("linux", "cpu"): ("deb", "tar", "setup"),  # the setup with a stub in it
    ("linux", "cuda"): ("deb", "tar"),
    ("win32", "cpu"): ("setup", "zip"),
    ("win32", "cuda"): ("zip",),  # NSIS makes no installer beyond 2 GB
}
WINDOWS_BACKEND = "cu130"
"""Torch's CUDA build for Windows is not in the package index; uv knows where it lies. The CUDA release is the one of
the index's build for Linux."""
USAGE = "usage: bootstrap.py build [--flavour cpu|cuda] [--keep] [deb|tar|setup|zip|all …]"
REQUIREMENTS = "packaging/build-requirements.txt"
# What the build calls, with the Debian package that has it.
PROGRAMS = {"objdump": "binutils", "strip": "binutils", "zstd": "zstd", "dpkg-deb": "dpkg"}
NSIS = {"makensis": "nsis"}


@dataclass(frozen=True, kw_only=True)
class Wish:
    formats: tuple[str, ...]
    flavour: str = "cpu"
    keep: bool = False


def parse(arguments: Sequence[str], system: str) -> Wish:
    """Raises SetupError in words for arguments that are none. Nothing named: all that this system can build."""
    chosen: list[str] = []
    flavour, keep = "cpu", False
    words = iter(arguments)
    for word in words:
        if word == "--keep":
            keep = True
        elif word == "--flavour":
            flavour = next(words, "")
        elif word in (*FORMATS, "all"):
            chosen.append(word)
        else:
            raise SetupError(f"“{word}” is nothing that can be built.\n{USAGE}")
    if flavour not in ("cpu", "cuda"):
        raise SetupError(f"There is no flavour “{flavour}”.\n{USAGE}")
    possible = FORMATS_OF.get((system, flavour), ())
    formats = possible if not chosen or "all" in chosen else tuple(dict.fromkeys(chosen))
    impossible = [name for name in formats if name not in possible]
    if impossible or not formats:
        what = f"{', '.join(impossible) or 'Nothing'} of the flavour “{flavour}” can be built on this system ({system})"
        raise SetupError(f"{what}; what can be: {', '.join(possible) or 'nothing'}.\n{USAGE}")
    return Wish(formats=formats, flavour=flavour, keep=keep)


@dataclass(frozen=True)
class BuildVenv(Venv):
    flavour: str = "cpu"

    @property
    def folder(self) -> Path:
        return self.root / "build" / f"venv-{self.flavour}"


def missing_packages(machine: Machine, wish: Wish, find: Callable[[str], str | None] = shutil.which) -> list[str]:
    """The Debian packages that the build still needs. On other systems SetupError names the programs."""
    if machine.system != "linux":
        return []
    programs = PROGRAMS | (NSIS if "setup" in wish.formats else {})
    missing = {name: package for name, package in programs.items() if find(name) is None}
    if missing and not machine.debian:
        raise SetupError(f"The build needs these programs, which this system lacks: {', '.join(missing)}.")
    missing |= missing_libpython(machine)
    # Libraries that PyInstaller copies from this machine: without them the program would lack them on others.
    libraries = bootstrap_qt.BASE | bootstrap_qt.XCB
    wanted = [package for name, package in libraries.items() if not bootstrap_qt.loads(name)]
    return list(dict.fromkeys([*missing.values(), *wanted]))


def missing_libpython(machine: Machine) -> dict[str, str]:
    """Debian's Python holds its own library inside and leaves the shared one, which the program needs, in a package."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    if ".so" not in name:
        name = "libpython{}.{}.so.1.0".format(*machine.python)
    beside = Path(sysconfig.get_config_var("LIBDIR") or "") / name
    if beside.is_file() or bootstrap_qt.loads(name):
        return {}
    if not machine.debian:
        raise SetupError(f"This Python was built without its shared library {name}. Use one that was built with it.")
    return {name: "libpython{}.{}".format(*machine.python)}


def requirements(root: Path) -> list[str]:
    """What the program needs at run time, as pyproject.toml says it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["project"]["dependencies"])


def install_arguments(root: Path, settings: bootstrap_install.PipSettings, wish: Wish, linux: bool) -> list[str]:
    """For `uv pip install`. Where no folder of wheels is named, uv itself knows where torch's flavours lie."""
    constraints = root / "constraints.txt"
    arguments = ["-c", str(constraints), "--build-constraints", str(constraints), *settings.for_uv()]
    flavoured: list[str] = []
    if linux and wish.flavour == "cuda":
        # The package index has the CUDA build for Linux; a folder of wheels may hold “…+cpu”, which “==” takes too.
        flavoured = [exact_torch(constraints.read_text(encoding="utf-8"))]
    elif wish.flavour == "cuda":
        arguments += ["--torch-backend", WINDOWS_BACKEND]
    elif linux and not settings.find_links:
        arguments += ["--torch-backend", "cpu"]
    return [*arguments, "-r", str(root / REQUIREMENTS), *requirements(root), *flavoured]


def exact_torch(constraints: str) -> str:
    """The pinned torch without any “+…” after its version."""
    match = re.search(r"^torch==([\w.]+)", constraints, re.MULTILINE)
    if match is None:
        raise SetupError("constraints.txt pins no torch; take the file from a fresh checkout.")
    return f"torch==={match[1]}"


def ensure_environment(root: Path, machine: Machine, wish: Wish) -> Path:
    """The Python of the build environment. Made anew only when what belongs in it has changed."""
    venv = BuildVenv(root, machine.windows, wish.flavour)
    tools = (root / REQUIREMENTS).read_text(encoding="utf-8")
    wanted: dict[str, object] = {
        "key": bootstrap_venv.wanted_key(root) + tools,
        "root": str(root),
        "python": "{}.{}".format(*machine.python),
        "test": False,
    }
    if bootstrap_venv.is_ready(bootstrap_venv.read_stamp(venv), wanted) and venv.python.exists():
        return venv.python
    say(f"Making the build environment in {venv.folder} …")
    if venv.folder.exists():
        shutil.rmtree(venv.folder)
    venv.folder.parent.mkdir(exist_ok=True)
    uv = bootstrap_venv.make_venv(venv, machine)
    install(root, machine, wish, venv.python, uv)
    check_flavour(machine, venv.python, wish.flavour)
    bootstrap_venv.write_stamp(venv, {**wanted, "state": "ready"})
    return venv.python


def install(root: Path, machine: Machine, wish: Wish, python: Path, uv: Path | None) -> None:
    """Raises SetupError if it fails."""
    start = bootstrap_install.start_of_uv(root, python, machine, uv)
    settings = bootstrap_install.settings_of_pip(python, machine)
    arguments = install_arguments(root, settings, wish, machine.system == "linux")
    extra = dict(bootstrap_install.PATIENCE)
    if settings.certificates and "SSL_CERT_FILE" not in machine.environ:
        extra["SSL_CERT_FILE"] = settings.certificates
    quiet = () if machine.terminal else ("--quiet",)
    command = [*start, "pip", "install", "--python", str(python), "--compile-bytecode", *quiet, *arguments]
    if not start or machine.run(*command, extra=extra) != 0:
        raise SetupError("The packages of the build environment could not be installed (see above).")


def check_flavour(machine: Machine, python: Path, flavour: str) -> None:
    """Raises SetupError where the torch that was installed is another one: nobody would see it until it is shipped."""
    code = f"import sys, torch; sys.exit((torch.version.cuda is None) != {flavour == 'cpu'})"
    if machine.run(python, "-c", code) != 0:
        raise SetupError(f"The torch that was installed is not the one for “{flavour}”.")


def build(root: Path, machine: Machine, arguments: Sequence[str]) -> int:
    """Everything that was asked for, in dist/. 0 only if all of it was built and is small enough."""
    from bootstrap_commands import install_system_packages

    wish = parse(arguments, machine.system)
    install_system_packages(root, machine, missing_packages(machine, wish))
    python = ensure_environment(root, machine, wish)
    options = ["--flavour", wish.flavour, *(["--keep"] if wish.keep else [])]
    return machine.run(python, root / "packaging" / "bundle_build.py", *options, *wish.formats)
