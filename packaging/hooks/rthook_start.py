"""Runs first in the frozen program, before PyInstaller's own start-up code and before any library."""

import os
import sys

# A windowed program on Windows has no streams, and libraries write to them.
if sys.stdout is None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
if sys.stderr is None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

# PyInstaller's start-up code pointed the loader at our libraries, which it has read by now. The programs that we start
# (the file manager, say) must find the system's own. If one of them is ours, the start-up code points it there again.
if sys.platform == "linux":
    _before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if _before is not None:
        os.environ["LD_LIBRARY_PATH"] = _before

# Before anything is loaded that may be missing or cut short.
if hasattr(sys, "_MEIPASS"):
    from entry_damaged import look_before_start

    look_before_start()

# Qt's wheels bring older C++ run-time libraries than torch needs. Of each name the process keeps the first that it
# loads, so ours come first. The same names as WINDOWS_RUNTIME in bundle_files.py.
if sys.platform == "win32":
    import ctypes

    for _name in ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll", "msvcp140_atomic_wait.dll"):
        _path = os.path.join(sys._MEIPASS, _name)
        if os.path.isfile(_path):
            ctypes.WinDLL(_path)
