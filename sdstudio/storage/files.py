"""Files that appear whole or not at all, and never over another one."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sdstudio.domain.errors import StorageError
from sdstudio.domain.os_words import os_reason

Content = bytes | Callable[[BinaryIO], None]
"""What goes into a file: its bytes, or a function that writes them; the function may seek."""
_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES}
_WINDOWS = os.name == "nt"
_REPLACE_TRIES = 6
"""On Windows a virus scanner may hold a fresh file for a moment; six tries wait 310 ms at most."""


def storage_error(folder: Path, error: OSError) -> StorageError:
    """What an operating system's complaint about writing into `folder` means, in words."""
    if error.errno in _FULL:
        return StorageError(
            f"The disk that holds “{folder}” is full.",
            meaning="What was just made could not be saved.",
            hint="Make room on it or choose another folder, then try again.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = ": the disk can only be read" if error.errno == errno.EROFS else ""
        return StorageError(
            f"SD Studio may not write into “{folder}”{why}.",
            meaning="Nothing can be saved there.",
            hint="Choose another folder, or ask for the right to write into this one.",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StorageError(
            f"“{folder}” cannot be a folder, because a file is in its way.",
            meaning="Nothing can be saved there.",
            hint="Choose another folder, or move that file away.",
        )
    return StorageError(
        f"Nothing could be written into “{folder}”: {os_reason(error)}.",
        hint="Look whether the disk is connected and the folder exists, or choose another folder.",
    )


def ensure_folder(folder: Path) -> None:
    """Makes the folder and those above it. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def check_writable(folder: Path) -> None:
    """Makes the folder and proves that a file can be made in it. Raises StorageError."""
    ensure_folder(folder)
    with _whole_file(folder, b""):
        pass


@contextmanager
def _whole_file(folder: Path, data: Content) -> Iterator[Path]:
    """A hidden file with `data`, safely on the disk; gone at the end unless it was renamed. Raises StorageError."""
    temporary = folder / f".{os.urandom(8).hex()}.tmp"
    try:
        # Mode 666 less the umask, as for any file that a program saves; tempfile would make it private.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                if callable(data):
                    data(file)
                else:
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def write_atomic(path: Path, data: Content) -> None:
    """Writes or replaces `path`: after a crash it holds the old or the new content. Raises StorageError."""
    ensure_folder(path.parent)
    with _whole_file(path.parent, data) as temporary:
        _replace(temporary, path)


def _replace(source: Path, target: Path) -> None:
    for attempt in range(_REPLACE_TRIES):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not _WINDOWS or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(0.01 * 2**attempt)


def numbered(stem: str, suffix: str, number: int) -> str:
    """`apple.png`, `apple-2.png`, `apple-3.png` … for number 1, 2, 3 …"""
    return f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"


def write_new(folder: Path, stem: str, suffix: str, data: Content) -> Path:
    """Writes a file that was not there before and returns its path: `stem` with a number added where it is taken.

    It appears whole under its name, and of several writers at once each gets a name of its own. Raises StorageError.
    """
    ensure_folder(folder)
    with _whole_file(folder, data) as temporary:
        number = 1
        while True:
            target = folder / numbered(stem, suffix, number)
            if _publish(temporary, target):
                return target
            number += 1


def _publish(temporary: Path, target: Path) -> bool:
    """Gives the file its name; False when the name is taken. A link or a Windows rename never replaces anything."""
    try:
        if _WINDOWS:
            os.rename(temporary, target)
        else:
            os.link(temporary, target)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if _WINDOWS or error.errno not in _NO_LINKS:
            raise
    return _publish_without_links(temporary, target)


def _publish_without_links(temporary: Path, target: Path) -> bool:
    """For FAT and some network disks: the name is claimed by an empty file, which the whole one then replaces."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    try:
        os.replace(temporary, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return True


def reserve_names(folder: Path, stems: Sequence[str], suffix: str, taken: Collection[str] = ()) -> list[Path]:
    """Paths for files to come: one for each stem, none on disk yet, none in `taken` (full paths), all different."""
    used = {_folded(path) for path in taken}
    paths: list[Path] = []
    for stem in stems:
        number = 1
        path = folder / numbered(stem, suffix, number)
        while _folded(str(path)) in used or path.exists():
            number += 1
            path = folder / numbered(stem, suffix, number)
        used.add(_folded(str(path)))
        paths.append(path)
    return paths


def _folded(path: str) -> str:
    """Windows and macOS hold names that differ in case alone for one and the same."""
    return path.casefold()
