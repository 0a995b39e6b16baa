"""The rules applied to PyInstaller's tables of (place, source, kind), and the libraries that nothing needs any more.

A kind is "BINARY", "EXTENSION", "DATA" or "SYMLINK"; the source of a SYMLINK is where it points, beside itself.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bundle_files import host_package, is_driver, is_stripped, keeps

Row = tuple[str, str, str]
Needed = Callable[[str], Iterable[str]]
"""Names of the libraries that the file at a path asks the loader for."""

NATIVE = frozenset({"BINARY", "EXTENSION"})


class IncompleteBundle(Exception):
    """Libraries that the program needs were not found on this machine."""


def place_of(row: Row) -> str:
    return row[0].replace("\\", "/")


def filter_rows(rows: Iterable[Row], platform: str) -> list[Row]:
    """The rows that the rules keep, sorted; a link goes with its target."""
    kept = [row for row in rows if keeps(place_of(row), platform)]
    return drop_dangling(kept)


def drop_dangling(rows: Iterable[Row]) -> list[Row]:
    rows = sorted(set(rows))
    places = {place_of(row) for row in rows}
    while True:
        whole = [row for row in rows if row[2] != "SYMLINK" or _target(row) in places]
        if len(whole) == len(rows):
            return whole
        rows = whole
        places = {place_of(row) for row in rows}


def _target(row: Row) -> str:
    folder = posixpath.dirname(place_of(row))
    return posixpath.normpath(posixpath.join(folder, row[1].replace("\\", "/")))


def is_system_library(row: Row) -> bool:
    """Taken from the build machine's own folders: it lies at the top, and nothing but a need brought it there."""
    place = place_of(row)
    return row[2] == "BINARY" and "/" not in place and re.match(r"lib.+\.so", place) is not None


def prune_orphans(rows: Sequence[Row], needed: Needed, keep: Iterable[str] = ("libpython3",)) -> list[Row]:
    """Without the build machine's libraries that no file left in `rows` needs, directly or through others."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(place_of(row).rpartition("/")[2], []).append(row)
    roots = [row for row in rows if not is_system_library(row) or place_of(row).startswith(tuple(keep))]
    reached, waiting = set(roots), [row for row in roots if row[2] in NATIVE]
    while waiting:
        for name in needed(waiting.pop()[1]):
            for row in by_name.get(name, []):
                if row not in reached:
                    reached.add(row)
                    waiting.append(row)
    return [row for row in rows if row in reached]


def host_packages(rows: Sequence[Row], needed: Needed) -> list[str]:
    """The Debian packages that bring what is needed and not shipped. Raises IncompleteBundle for libraries that should
    have been shipped but are missing on this machine: the program would not start on others."""
    shipped = {place_of(row).rpartition("/")[2] for row in rows}
    packages: set[str] = set()
    missing: set[str] = set()
    for row in rows:
        if row[2] not in NATIVE:
            continue
        for library in needed(row[1]):
            if library in shipped or is_driver(library):
                continue
            package = host_package(library)
            if package is None:
                missing.add(f"{library} (for {place_of(row)})")
            else:
                packages.add(package)
    if missing:
        raise IncompleteBundle("These libraries are missing on this machine:\n  " + "\n  ".join(sorted(missing)))
    return sorted(packages)


def strip_rows(rows: Iterable[Row], folder: Path, platform: str) -> list[Row]:
    """The rows of STRIPPED point to copies without debugging symbols, made in `folder`."""
    return [
        (row[0], strip_copy(Path(row[1]), folder), row[2])
        if row[2] in NATIVE and is_stripped(place_of(row), platform)
        else row
        for row in rows
    ]


def strip_copy(source: Path, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / source.name
    shutil.copy2(source, copy)
    subprocess.run(["strip", "--strip-all", str(copy)], check=True)
    return str(copy)
