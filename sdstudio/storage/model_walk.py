"""Finds what could be models below a folder, with a stamp by which a later look sees whether one has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdstudio.storage.recognise.diffusers_folder import INDEX
from sdstudio.storage.recognise.side_car import SUFFIXES as SIDE_CAR_SUFFIXES
from sdstudio.storage.recognise.tables import SUFFIXES

DEPTH_MAX = 12
_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "venv", "env", "outputs", "output", "custom_nodes", "lost+found"}
)
_CACHE, _SNAPSHOTS = "models--", "snapshots"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that is named like a model, or a folder in diffusers' layout. The stamp is of it and its side-cars."""

    path: str
    stamp: str


def walk(
    folder: Path, roots: Sequence[Path], seen: set[str], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Candidate]:
    """Follows links between folders only below the roots. Goes into no folder that is in `seen`, and adds to it."""
    real_roots = [os.path.realpath(root) for root in roots]
    waiting = [(str(folder), 0)]
    while waiting and not cancelled():
        current, depth = waiting.pop()
        real = os.path.realpath(current)
        if real in seen or depth > DEPTH_MAX:
            continue
        seen.add(real)
        entries = _entries(current)
        if INDEX in entries:
            yield Candidate(current, _folder_stamp(current, entries))
            continue
        yield from _files(entries)
        waiting += [(entry.path, depth + 1) for entry in _folders(current, entries, real_roots)]


def _entries(folder: str) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return {entry.name: entry for entry in found}
    except OSError:
        return {}  # Missing, or not allowed: such a folder has no models to offer.


def _files(entries: Mapping[str, os.DirEntry[str]]) -> Iterator[Candidate]:
    for name, entry in entries.items():
        if name[0] == "." or not name.lower().endswith(SUFFIXES) or _is_folder(entry):
            continue
        stem = name[: name.rindex(".")]
        beside = [stem + suffix for suffix in SIDE_CAR_SUFFIXES if stem + suffix in entries]
        yield Candidate(
            entry.path, ";".join((_stamp(entry), *(f"{other}:{_stamp(entries[other])}" for other in beside)))
        )


def _folders(
    current: str, entries: Mapping[str, os.DirEntry[str]], real_roots: Sequence[str]
) -> Iterator[os.DirEntry[str]]:
    if os.path.basename(current).startswith(_CACHE) and _SNAPSHOTS in entries:
        entries = {_SNAPSHOTS: entries[_SNAPSHOTS]}  # not its store, which holds the same without names
    for name, entry in sorted(entries.items()):
        if name[0] == "." or name in _SKIPPED or not _is_folder(entry):
            continue
        if entry.is_symlink() and not _inside(os.path.realpath(entry.path), real_roots):
            continue
        yield entry


def _inside(path: str, roots: Sequence[str]) -> bool:
    return any(path == root or path.startswith(root + os.sep) for root in roots)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stamp(entry: os.DirEntry[str]) -> str:
    """Of what a link leads to; of the link itself where that is missing."""
    try:
        found = entry.stat()
    except OSError:
        return "missing"
    return f"{found.st_mtime_ns},{found.st_size}"


def _folder_stamp(folder: str, entries: Mapping[str, os.DirEntry[str]]) -> str:
    """All files of the parts, down to the first level: weights are replaced one by one."""
    parts = [f"{INDEX}:{_stamp(entries[INDEX])}"]
    for name, entry in sorted(entries.items()):
        if _is_folder(entry) and name[0] != ".":
            inner = _entries(os.path.join(folder, name))
            parts += [f"{name}/{file}:{_stamp(inner[file])}" for file in sorted(inner)]
    return ";".join(parts)
