"""The program's folder made the same at every build: modes, times, order; its list of files; trees to pack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from entry_damaged import LISTING


def entries(folder: Path) -> Iterator[Path]:
    """All files, links and folders below `folder`, each folder before what is in it, in one fixed order."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from entries(path)


def write_listing(program: Path) -> None:
    """The size and place of every file, for a program that finds itself damaged."""
    listing = program / "_internal" / LISTING
    files = (path for path in entries(program) if path.is_file() and not path.is_symlink() and path != listing)
    lines = [f"{path.stat().st_size}\t{path.relative_to(program).as_posix()}\n" for path in files]
    listing.write_text("".join(lines), encoding="utf-8", newline="\n")


def forget_commands(program: Path) -> None:
    """Each package's list of what its installation wrote names the commands too, which are not packed, and whose check
    sums differ with the folder of the build environment."""
    for record in sorted(program.glob("_internal/*.dist-info/RECORD")):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../")), encoding="utf-8", newline="")


def settle(folder: Path, epoch: int) -> None:
    """The modes and times of everything below `folder` depend on nothing but its contents and `epoch`."""
    for path in [*entries(folder), folder]:
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=os.utime not in os.supports_follow_symlinks)


def place(source: Path, target: Path) -> None:
    """`source` (a folder or file) once more at `target`, by hard links where the file system has them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=_link)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def write(path: Path, text: str, executable: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    path.chmod(0o755 if executable else 0o644)
    return path


def fresh(folder: Path) -> Path:
    """An empty folder."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder
