"""A folder that was copied only in part says so, instead of showing a traceback. Nothing but the standard library.

The build writes a list of the folder's files. At every start those are looked for without which the process would die
where nothing can be caught; when something fails, all of them are compared in size.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

LISTING = "files.txt"
"""One line a file: its size in bytes, a tab, its place below the program's folder with forward slashes."""
NEEDED = (".so", ".dll", ".pyd", "_internal/resources/")
"""Parts of the names of files without which Qt or the loader ends the process, and Python is never asked."""
EVERYTHING = ("",)
NAMED = 3
FAILED = 1
TITLE = "SD Studio"
BOXES = (
    ("zenity", "--error", "--no-markup", "--title", TITLE, "--text"),
    ("kdialog", "--title", TITLE, "--error"),
    ("xmessage", "-center"),
)
"""Programs of Linux desktops that show a text in a window: whoever starts from a menu sees no standard error."""


def damaged_files(program: Path, listing: Path) -> list[str]:
    """The places of files that are missing or have another size; [] where the listing itself cannot be read."""
    sizes = read_sizes(listing)
    if sizes is None:
        return [listing.name]
    return [place for place, size in sizes.items() if size_of(f"{program}/{place}") != size]


def lost_files(program: Path, listing: Path, parts: tuple[str, ...]) -> list[str]:
    """The places with one of `parts` in their names where there is no file, or an empty one. Another size is no fault
    here: whoever puts another version of a library there, as its licence allows, may do so."""
    sizes = read_sizes(listing)
    if sizes is None:
        return [listing.name]
    looked_for = [place for place in sizes if any(part in place for part in parts)]
    return [place for place in looked_for if size_of(f"{program}/{place}") < min(1, sizes[place])]


def read_sizes(listing: Path) -> dict[str, int] | None:
    """None where the listing cannot be read."""
    try:
        rows = (line.split("\t", 1) for line in listing.read_text(encoding="utf-8").splitlines())
        return {place: int(size) for size, place in rows}
    except (OSError, ValueError):
        return None


def size_of(path: str) -> int:
    """-1 where there is no such file."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def words(damaged: list[str]) -> str:
    names = ", ".join(f"“{name}”" for name in damaged[:NAMED])
    more = f" and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
    verb = "is" if len(damaged) == 1 else "are"
    return (
        f"SD Studio is damaged: {names}{more} {verb} missing or not whole. "
        "Your pictures, models and settings are elsewhere and safe. Install SD Studio again."
    )


def program_and_listing() -> tuple[Path, Path]:
    program = Path(sys.executable).resolve().parent
    return program, Path(getattr(sys, "_MEIPASS", program)) / LISTING


def look_before_start() -> None:
    """Ends the process in words where needed files are lost. The command line, which waits for nobody, looks for all
    of them: 12 ms; the window for a tenth of them: 2 ms."""
    needed = EVERYTHING if Path(sys.executable).stem == "sdstudio-cli" else NEEDED
    if lost_files(*program_and_listing(), needed):
        tell(words(damaged_files(*program_and_listing())))
        sys.exit(FAILED)


def run_whole(start: Callable[[], int]) -> None:
    """Ends the process with the exit code of `start`. Where that fails, or does not even begin, and the folder is
    damaged, it says so in words: that is the reason then."""
    try:
        code = start()
    except Exception:
        damaged = damaged_files(*program_and_listing())
        if not damaged:
            raise
        tell(words(damaged))
        code = FAILED
    else:
        damaged = damaged_files(*program_and_listing()) if code == FAILED else []
        if damaged:
            tell(words(damaged))
    sys.exit(code)


def tell(text: str) -> None:
    """On standard error, and where nobody would see that, in a box of the system."""
    print(text, file=sys.stderr)
    if Path(sys.executable).stem != "sdstudio":
        return
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, TITLE, 0x10)  # 0x10: the icon of an error
    elif has_screen(os.environ) and not sys.stderr.isatty():
        show_box(text)


def has_screen(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def show_box(text: str) -> None:
    """With the first of BOXES that this desktop has; without one, not at all."""
    import shutil  # these two only here: every start waits for this module
    import subprocess
    import textwrap

    command = next((box for box in BOXES if shutil.which(box[0])), None)
    if command == BOXES[-1]:  # older than Unicode, and it breaks no lines
        text = textwrap.fill(text.replace("“", '"').replace("”", '"'))
    if command is not None:
        subprocess.run([*command, text], check=False)
