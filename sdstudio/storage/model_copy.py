"""Model files copied into our own folder: each appears whole or not at all, and never over another one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sdstudio.domain.errors import CancelledByUser, StorageError
from sdstudio.domain.os_words import os_reason
from sdstudio.storage.files import ensure_folder, numbered, write_new
from sdstudio.storage.model_walk import walk
from sdstudio.storage.recognise.diffusers_folder import INDEX
from sdstudio.storage.recognise.refusal import size_words
from sdstudio.storage.recognise.side_car import SUFFIXES as SIDE_CAR_SUFFIXES
from sdstudio.storage.recognise.tables import SUFFIXES

_BLOCK = 4 * 2**20
_SPARE = 64 * 2**20
"""Bytes that stay free on the disk."""
_UNFINISHED = ".unfinished-"

Progress = Callable[[str, int, int], None]
"""What is copied, bytes written and bytes in all. It may raise CancelledByUser: then nothing half stays behind."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A file, or a folder in diffusers' layout, and the folder it goes into."""

    source: Path
    folder: Path


def is_model_name(path: Path) -> bool:
    """Whether a file is named like a model, or a folder may hold some."""
    return os.path.isdir(path) or path.name.lower().endswith(SUFFIXES)


def copy_models(
    sources: Sequence[Path], target: Path, progress: Progress = lambda name, done, whole: None
) -> list[Path]:
    """Files with what lies beside them (picture, notes, settings), and all models of folders below a folder of the same
    name. Returns where they are now; names that are taken get a number, a file that is there already, to the last byte,
    stays as it is. Raises StorageError or CancelledByUser."""
    jobs = [job for source in sources for job in _jobs(source, target)]
    whole = sum(_bytes(job.source) for job in jobs)
    _check_room(target, whole)
    done = 0
    made: list[Path] = []
    for job in jobs:

        def report(count: int, name: str = job.source.name) -> None:
            nonlocal done
            done += count
            progress(name, done, whole)

        report(0)
        copy = _copy_folder if job.source.is_dir() else _copy_file
        made.append(copy(job.source, job.folder, report))
    return made


def _jobs(source: Path, target: Path) -> Iterator[_Job]:
    """Raises StorageError for what is there already."""
    if source.resolve().is_relative_to(target.resolve()):
        raise StorageError(
            f"“{source.name}” is in the models folder already.", hint="Nothing was copied; it is in the list."
        )
    if source.is_dir() and not (source / INDEX).is_file():
        for found in walk(source, (source,), set()):
            path = Path(found.path)
            yield _Job(path, target / source.name / path.parent.relative_to(source))
    else:
        yield _Job(source, target)


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())


def _check_room(target: Path, wanted: int) -> None:
    ensure_folder(target)
    free = shutil.disk_usage(target).free
    if wanted + _SPARE > free:
        raise StorageError(
            f"There is not enough room for a copy: it needs {size_words(wanted)}, and {size_words(free)} are free.",
            meaning="Nothing was copied.",
            hint="Use it where it is, or make room on the disk.",
        )


def _copy_file(source: Path, folder: Path, report: Callable[[int], None]) -> Path:
    if _is_copy(folder / source.name, source, report):
        report(source.stat().st_size)
        return folder / source.name
    made = write_new(folder, source.stem, source.suffix, lambda out: _pour(source, out, report))
    for suffix in SIDE_CAR_SUFFIXES:
        beside = source.with_name(source.stem + suffix)
        if beside.is_file() and not (folder / (made.stem + suffix)).exists():
            _beside(beside, folder, made.stem, suffix)
    return made


def _is_copy(path: Path, source: Path, report: Callable[[int], None]) -> bool:
    """`report` is called so that it can be cancelled; nothing is written."""
    if not path.is_file() or path.stat().st_size != source.stat().st_size:
        return False
    with path.open("rb") as first, source.open("rb") as second:
        while block := first.read(_BLOCK):
            report(0)
            if block != second.read(_BLOCK):
                return False
    return True


def _beside(source: Path, folder: Path, stem: str, suffix: str) -> None:
    write_new(folder, stem, suffix, lambda out: _pour(source, out, lambda count: None))


def _pour(source: Path, out: BinaryIO, report: Callable[[int], None]) -> None:
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            out.write(block)
            report(len(block))


def _copy_folder(source: Path, folder: Path, report: Callable[[int], None]) -> Path:
    """Under a hidden name until it is whole."""
    ensure_folder(folder)
    hidden = folder / (_UNFINISHED + source.name)
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        for path in sorted(source.rglob("*")):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(source).parts):
                target = hidden / path.relative_to(source)
                write_new(target.parent, target.stem, target.suffix, partial(_pour, path, report=report))
        number = 1
        while (made := folder / numbered(source.name, "", number)).exists():
            number += 1
        hidden.rename(made)
    except OSError as error:
        raise StorageError(
            f"“{source.name}” could not be copied: {os_reason(error)}.",
            meaning="Nothing of it was left behind.",
            hint="Look at the disks of both folders, then copy it again.",
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return made


def stop_if(cancelled: bool) -> None:
    """Raises CancelledByUser: for a Progress."""
    if cancelled:
        raise CancelledByUser
