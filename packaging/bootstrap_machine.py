"""What the bootstrap knows about the machine, and how it starts other programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Call = Callable[[Sequence[str], Mapping[str, str], "int | None"], int]

# Set in some containers. Without .pyc files the first import of diffusers takes 25 s, and every later one 6 s more.
UNWANTED_VARIABLES = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME")


class SetupError(Exception):
    """The setup cannot go on. The text says what happened and what to do."""


def say(words: str) -> None:
    """For people, so on stderr: stdout belongs to what `run` starts (JSON Lines, for instance)."""
    print(words, file=sys.stderr, flush=True)


def call(command: Sequence[str], environ: Mapping[str, str], output: int | None) -> int:
    """Run to the end and give the exit status (127: no such program). What it prints on stdout goes to stderr, or to
    `output`: subprocess.DEVNULL, or an open file's number, which takes its stderr too."""
    sys.stderr.flush()
    stdout = sys.stderr.fileno() if output is None else output
    stderr = None if output in (None, subprocess.DEVNULL) else output
    try:
        return subprocess.run(command, env=dict(environ), stdout=stdout, stderr=stderr, check=False).returncode
    except FileNotFoundError:
        return 127


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what would slow down or break the programs of our own environment."""
    return {name: value for name, value in environ.items() if name not in UNWANTED_VARIABLES}


def os_release(text: str) -> dict[str, str]:
    """The assignments of an /etc/os-release file, without quotes."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The facts that decide what the bootstrap does; tests make their own."""

    system: str  # "linux", "win32", "darwin": sys.platform
    root: bool
    debian: bool  # Debian, Ubuntu or a relative of theirs, with apt-get at hand
    python: tuple[int, int]
    environ: Mapping[str, str]
    terminal: bool = False
    call: Call = field(default=call)

    @property
    def windows(self) -> bool:
        return self.system == "win32"

    @classmethod
    def here(cls) -> Machine:
        return cls(
            system=sys.platform,
            root=hasattr(os, "geteuid") and os.geteuid() == 0,
            debian=_is_debian(Path("/etc/os-release")) and shutil.which("apt-get") is not None,
            python=sys.version_info[:2],
            environ=clean_environ(os.environ),
            terminal=sys.stderr.isatty(),
        )

    def run(
        self, *command: str | Path, extra: Mapping[str, str] | None = None, quiet: bool = False, into: int | None = None
    ) -> int:
        """The exit status; `extra` is added to the environment, `into` is an open file for all that is printed."""
        output = subprocess.DEVNULL if quiet else into
        return self.call([str(part) for part in command], {**self.environ, **(extra or {})}, output)


def _is_debian(path: Path) -> bool:
    if not path.is_file():
        return False
    release = os_release(path.read_text(encoding="utf-8", errors="replace"))
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    return bool(names & {"debian", "ubuntu"})


def apt_line(packages: Sequence[str]) -> str:
    """The line that a person with sudo types once."""
    return "sudo apt-get update && sudo apt-get install --no-install-recommends -y " + " ".join(packages)


def apt_install(machine: Machine, packages: Sequence[str]) -> None:
    """As root: install. Else, or where apt-get fails: SetupError with the line to type. No packages: nothing."""
    if not packages:
        return
    if not machine.root:
        raise SetupError(
            f"Some packages of the system are missing. Type this once, then start again:\n\n  {apt_line(packages)}\n"
        )
    say(f"Installing packages of the system: {' '.join(packages)}")
    # A package list that cannot be refreshed may still be good enough to install from, so only the second counts.
    machine.run("apt-get", "update", "-qq", quiet=True)
    arguments = ("install", "--no-install-recommends", "-y", "-qq", *packages)
    status = machine.run("apt-get", *arguments, extra={"DEBIAN_FRONTEND": "noninteractive"}, quiet=True)
    if status != 0:
        raise SetupError(
            f"apt-get could not install them (exit status {status}, see above). By hand:\n\n  {apt_line(packages)}\n"
        )
