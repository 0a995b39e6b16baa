"""The system libraries that Qt's wheels expect from the machine, and whether there is a screen to open a window on.

A missing one ends the process inside Qt (SIGABRT), where nothing can be caught; so they are tried beforehand.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap_machine import Machine, SetupError

Loads = Callable[[str], bool]

GLIB = "libglib2.0-0"
# What ldd names for libQt6Gui, libQt6Widgets and the offscreen plugin, with the Debian package that has it.
BASE = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libgthread-2.0.so.0": GLIB,
}
XCB = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
WAYLAND = {"libwayland-client.so.0": "libwayland-client0", "libwayland-cursor.so.0": "libwayland-cursor0"}

NO_SCREEN = """\
There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window cannot open.
Start it from a desktop, or make a picture right here:

  python3 packaging/bootstrap.py run generate "a red apple" --out pictures
"""


def loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def needs_window(arguments: Sequence[str]) -> bool:
    """Whether `run` with these arguments opens the window: no arguments, or pictures to open; `bench ui` does too."""
    if list(arguments[:2]) == ["bench", "ui"]:
        return True
    return not arguments or (Path(arguments[0]).suffix != "" and Path(arguments[0]).is_file())


def platform_libraries(machine: Machine, can_load: Loads = loads) -> dict[str, str]:
    """The libraries of the Qt platform plugin that will be taken. Raises SetupError where there is no screen."""
    asked = machine.environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    x11, wayland = machine.environ.get("DISPLAY"), machine.environ.get("WAYLAND_DISPLAY")
    if not asked and not x11 and not wayland:
        raise SetupError(NO_SCREEN)
    if asked:
        return {"xcb": XCB, "wayland": WAYLAND}.get(asked, {})
    # Qt takes whichever of the two works, so the one that is complete already needs nothing more.
    if wayland and (not x11 or all(map(can_load, WAYLAND))):
        return WAYLAND
    return XCB


def missing_packages(machine: Machine, window: bool, can_load: Loads = loads) -> list[str]:
    """The Debian packages that Qt still needs, with `window` those for the screen too. Raises SetupError where there
    is no screen, and on systems without apt-get where something is missing."""
    if machine.system != "linux":
        return []  # there, Qt's wheels bring everything
    wanted = BASE | (platform_libraries(machine, can_load) if window else {})
    missing = {name: package for name, package in wanted.items() if not can_load(name)}
    if missing and not machine.debian:
        names = ", ".join(missing)
        raise SetupError(
            f"The window needs libraries that this system lacks: {names}.\n"
            "Install the packages that contain them with your system's package manager, then start again."
        )
    return [_glib_package() if package == GLIB else package for package in missing.values()]


def _glib_package() -> str:
    """Since Debian 13 and Ubuntu 24.04 the package has another name (64-bit time)."""
    newer = GLIB + "t64"
    if shutil.which("apt-cache") is None:
        return GLIB
    names = subprocess.run(["apt-cache", "pkgnames", newer], capture_output=True, text=True, check=False).stdout
    return newer if newer in names.split() else GLIB
