"""Packages into the environment: with uv (a minute), or with pip where uv does not get through (many minutes)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap_machine import Machine, SetupError, say

PATIENCE = {"UV_COMPILE_BYTECODE_TIMEOUT": "0"}
"""uv gives up where one file is not compiled within a minute, which a busy machine may well take."""


@dataclass(frozen=True, kw_only=True)
class PipSettings:
    """Where packages come from, as pip has been told. uv does not read pip's settings, so they are handed to it."""

    find_links: tuple[str, ...] = ()
    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    certificates: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str], listing: str = "") -> PipSettings:
        """From pip's variables and the output of `pip config list`; the variables win, as they do in pip."""
        options = _options(listing)
        for name in ("find-links", "index-url", "extra-index-url", "cert"):
            value = environ.get("PIP_" + name.upper().replace("-", "_"))
            if value:
                options[name] = value
        return cls(
            find_links=tuple(options.get("find-links", "").split()),
            index_url=options.get("index-url", ""),
            extra_index_urls=tuple(options.get("extra-index-url", "").split()),
            certificates=options.get("cert", ""),
        )

    def for_uv(self) -> list[str]:
        arguments = [part for folder in self.find_links for part in ("--find-links", folder)]
        if self.index_url:
            arguments += ["--index-url", self.index_url]
        for url in self.extra_index_urls:
            arguments += ["--extra-index-url", url]
        if self.extra_index_urls:
            # pip takes the best version of all indexes; uv alone would stop at the first that has the name.
            arguments += ["--index-strategy", "unsafe-best-match"]
        return arguments


def _options(listing: str) -> dict[str, str]:
    """`global.find-links='/wheels'` lines to {"find-links": "/wheels"}; an [install] section beats [global]."""
    found: dict[str, str] = {}
    for section in ("global", "install"):
        for name, value in re.findall(rf"^{section}\.([\w-]+)=(['\"].*['\"])$", listing, re.MULTILINE):
            found[name] = str(ast.literal_eval(value))
    return found


def uv_requirement(constraints: str) -> str:
    """The pinned uv of constraints.txt, such as "uv==1.2.3"."""
    match = re.search(r"^uv==[\w.]+", constraints, re.MULTILINE)
    if match is None:
        raise SetupError("constraints.txt pins no uv; take the file from a fresh checkout.")
    return match.group()


def uv_command(uv: Sequence[str], python: Path, root: Path, settings: PipSettings, test: bool) -> list[str]:
    constraints = str(root / "constraints.txt")
    return [
        *uv, "pip", "install", "--python", str(python), "--compile-bytecode",
        "-c", constraints, "--build-constraints", constraints,
        *settings.for_uv(), "-e", target(root, test),
    ]  # fmt: skip


def target(root: Path, test: bool) -> str:
    return f"{root}[test]" if test else str(root)


def install_packages(root: Path, python: Path, machine: Machine, test: bool, uv: Path | None) -> None:
    """`python` is the environment's; `uv` a uv that is at hand already. Raises SetupError if both ways fail."""
    pip = _pip(python, machine)
    settings = PipSettings.read(machine.environ, _pip_config(pip, machine))
    quiet = () if machine.terminal else ("--quiet",)
    uv_start = start_of_uv(root, python, machine, uv)
    if not uv_start:
        say("uv could not be had; going on with pip, which takes longer.")
    elif _with_uv(uv_start, root, python, machine, settings, test):
        return
    if machine.run(*pip, "install", *quiet, "-c", root / "constraints.txt", "-e", target(root, test)) != 0:
        raise SetupError(
            "The packages could not be installed (see above). If this machine is offline, connect it "
            "once and start again: afterwards SD Studio needs no network."
        )
    machine.run(python, "-m", "compileall", "-q", "-j", "0", _site_packages(python))


def start_of_uv(root: Path, python: Path, machine: Machine, uv: Path | None) -> list[str]:
    """How to start uv: the one at hand, or the pinned one, installed into the environment; [] if it cannot be had."""
    if uv is not None:
        return [str(uv)]
    requirement = uv_requirement((root / "constraints.txt").read_text(encoding="utf-8"))
    quiet = () if machine.terminal else ("--quiet",)
    command = (*_pip(python, machine), "install", *quiet, "--disable-pip-version-check", requirement)
    return [str(python), "-P", "-m", "uv"] if machine.run(*command) == 0 else []


def settings_of_pip(python: Path, machine: Machine) -> PipSettings:
    return PipSettings.read(machine.environ, _pip_config(_pip(python, machine), machine))


def _with_uv(uv: Sequence[str], root: Path, python: Path, machine: Machine, settings: PipSettings, test: bool) -> bool:
    extra = dict(PATIENCE)
    if settings.certificates and "SSL_CERT_FILE" not in machine.environ:
        extra["SSL_CERT_FILE"] = settings.certificates
    quiet = () if machine.terminal else ("--quiet",)
    if machine.run(*uv_command(uv, python, root, settings, test), *quiet, extra=extra) == 0:
        return True
    say("uv could not install everything (see above); going on with pip, which takes longer.")
    return False


def _pip(python: Path, machine: Machine) -> list[str]:
    """The environment's own pip, or the one that came with our Python, told to work in the environment."""
    if machine.run(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)") == 0:
        return [str(python), "-P", "-m", "pip"]
    return [sys.executable, "-P", "-m", "pip", "--python", str(python)]


def _pip_config(pip: Sequence[str], machine: Machine) -> str:
    """Empty where pip has no settings (or there is no pip)."""
    command = [*pip, "config", "list"]
    done = subprocess.run(command, env=dict(machine.environ), capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip())
