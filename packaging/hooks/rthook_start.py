"""Runs first in the frozen program, before PyInstaller's own start-up code and before any library."""

import ctypes
import os
import sys

# A windowed program on Windows has no streams, and libraries write to them.
if sys.stdout is None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
if sys.stderr is None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

# Qt's wheels bring older C++ run-time libraries than torch needs. Of each name the process keeps the first that it
# loads, so ours come first. The same names as WINDOWS_RUNTIME in bundle_files.py.
if sys.platform == "win32":
    for _name in ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll", "msvcp140_atomic_wait.dll"):
        _path = os.path.join(sys._MEIPASS, _name)
        if os.path.isfile(_path):
            ctypes.WinDLL(_path)
