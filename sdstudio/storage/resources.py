"""Where the files that come with the program are: in a checkout, in an installed wheel, in the frozen app."""

from __future__ import annotations

import sys
from pathlib import Path

import sdstudio


def resource_roots() -> list[Path]:
    """The folders that may hold the resources, in the order in which they are looked at."""
    package = Path(sdstudio.__file__).resolve().parent
    roots = [package / "resources", package.parent / "resources"]
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        roots.insert(0, Path(frozen) / "resources")
    return roots


def resource_path(relative: str) -> Path:
    """The absolute path of a resource such as `icons/dice.svg`. Raises FileNotFoundError naming it."""
    for root in resource_roots():
        candidate = root / relative
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"“{relative}” is missing from the program's resources; install SD Studio again.")
