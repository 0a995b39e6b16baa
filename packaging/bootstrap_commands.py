"""`run`, `test` and `build`: see that everything is there, then start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import bootstrap_qt
import bootstrap_venv
from bootstrap_machine import Machine, SetupError, apt_install, say
from bootstrap_venv import Venv, ensure_venv

ROOT = Path(__file__).resolve().parent.parent


def main(name: str, arguments: Sequence[str]) -> int:
    machine = Machine.here()
    try:
        if name == "test":
            return test(ROOT, machine, arguments)
        if name == "build":
            from bootstrap_build import build

            return build(ROOT, machine, arguments)
        return run(ROOT, machine, arguments)
    except SetupError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"SD Studio could not be set up or started: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Start it again to go on.")
        return 130


def install_system_packages(root: Path, machine: Machine, for_qt: Sequence[str]) -> None:
    """All at once, so that a person without root has one line to type, not two one after the other."""
    apt_install(machine, [*bootstrap_venv.missing_packages(root, machine), *for_qt])


def app_command(venv: Venv, arguments: Sequence[str]) -> list[str]:
    # -P: files in the folder where the person happens to be must not be taken for Python's own modules.
    return [str(venv.python), "-P", "-m", "sdstudio", *arguments]


def run(root: Path, machine: Machine, arguments: Sequence[str]) -> int:
    """Start the app with `arguments`, in the folder where the person is. On POSIX this does not come back."""
    window = bootstrap_qt.needs_window(arguments)
    install_system_packages(root, machine, bootstrap_qt.missing_packages(machine, window=True) if window else [])
    venv = ensure_venv(root, machine, test=False)
    return start(machine, app_command(venv, arguments))


def start(machine: Machine, command: Sequence[str]) -> int:
    """On POSIX the app takes our place: signals and exit status are its own. Windows has no such thing."""
    if not machine.windows:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(command[0], list(command), dict(machine.environ))
    with subprocess.Popen(list(command), env=dict(machine.environ)) as process:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the app, which ends in its own way
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, previous)


def test(root: Path, machine: Machine, arguments: Sequence[str]) -> int:
    """All checks, then all tests; 0 only if every one of them is in order."""
    from bootstrap_checks import run_all

    install_system_packages(root, machine, bootstrap_qt.missing_packages(machine, window=False))
    venv = ensure_venv(root, machine, test=True)
    return run_all(root, venv.python, machine, arguments)
