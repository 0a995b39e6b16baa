"""A folder that was copied only in part says so, instead of showing a traceback. Nothing but the standard library.

When something fails, the folder is compared with the list of its files that the build wrote. Not at every start: 3,500
files take a virus scanner a while.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

LISTING = "files.txt"
"""One line a file: its size in bytes, a tab, its place below the program's folder with forward slashes."""
NAMED = 3
FAILED = 1
TITLE = "SD Studio"


def damaged_files(program: Path, listing: Path) -> list[str]:
    """The places of files that are missing or have another size; [] where the listing itself cannot be read."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return [listing.name]
    return [place for size, place in (line.split("\t", 1) for line in lines) if size_of(program / place) != int(size)]


def size_of(path: Path) -> int:
    """-1 where there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def words(damaged: list[str]) -> str:
    names = ", ".join(f"“{name}”" for name in damaged[:NAMED])
    more = f" and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
    return (
        f"SD Studio is damaged: {names}{more} of its own files are missing or not whole. "
        "Your pictures, models and settings are elsewhere and safe. Install SD Studio again."
    )


def run_whole(start: Callable[[], int]) -> None:
    """Ends the process with the exit code of `start`. Where that fails, or does not even begin, and the folder is
    damaged, it says so in words: that is the reason then."""
    program = Path(sys.executable).resolve().parent
    listing = Path(getattr(sys, "_MEIPASS", program)) / LISTING
    try:
        code = start()
    except Exception:
        damaged = damaged_files(program, listing)
        if not damaged:
            raise
        tell(words(damaged))
        code = FAILED
    else:
        damaged = damaged_files(program, listing) if code == FAILED else []
        if damaged:
            tell(words(damaged))
    sys.exit(code)


def tell(text: str) -> None:
    """On standard error, and where the program has no console, in a box of the system."""
    print(text, file=sys.stderr)
    if sys.platform == "win32" and Path(sys.executable).stem == "sdstudio":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, TITLE, 0x10)  # 0x10: the icon of an error
