"""Machines made up for the bootstrap's tests; what it would start on them is only written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap_machine import Machine

ROOT = Path(__file__).resolve().parents[2]


class Calls:
    """Stands for starting programs: remembers the commands, and fails those that contain a text of `failing`."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.commands: list[str] = []
        self.environs: list[Mapping[str, str]] = []

    def __call__(self, command: Sequence[str], environ: Mapping[str, str], output: int | None) -> int:
        line = " ".join(command)
        self.commands.append(line)
        self.environs.append(environ)
        return 1 if any(text in line for text in self.failing) else 0

    def find(self, text: str) -> list[str]:
        return [line for line in self.commands if text in line]


def machine(
    calls: Calls | None = None,
    *,
    system: str = "linux",
    root: bool = False,
    debian: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Machine:
    found = dict(environ or {})
    return Machine(system=system, root=root, debian=debian, python=(3, 11), environ=found, call=calls or Calls())
