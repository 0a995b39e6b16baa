"""Importing torch in the engine's thread without the window feeling it.

Three things stop the UI thread while another thread imports (measured, 5 ms timer, two cores: worst gap
233 ms without, 23 ms with all three):
- `dlopen` of the torch libraries (0.2-0.35 s) runs with the interpreter lock held, because Python's own
  import machinery and `ctypes.CDLL` hold it. Called as a foreign function, the lock is free meanwhile.
- full garbage collections, each walking the hundreds of thousands of objects that the imports make.
- the lock is handed over only every 5 ms; 0.5 ms costs nothing measurable.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.0005
ENGINE_NICENESS = 5
_RTLD_LAZY = 1


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """For the engine's thread: what is imported inside disturbs the other threads as little as possible."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _step_back()
    preload_torch_libraries()
    thresholds = gc.get_threshold()
    gc.set_threshold(0)  # nobody collects meanwhile, the window's own collector (app/collector.py) neither
    try:
        yield
    finally:
        # The libraries' objects live as long as the process: later collections need not walk them.
        gc.freeze()
        gc.set_threshold(*thresholds)


def _step_back() -> None:
    """The window goes first: this thread, and those of OpenMP that it will start, never push it off a core.

    Linux has this by thread, and passes it on to threads started later; elsewhere the priority that the bridge gives
    to the engine's thread has to do. SCHED_BATCH keeps the fair share and only waits its turn at every waking
    (p99 of the window's beat while sampling, three runs each in turn on a noisy host: 13.6 to 14.1 ms with both,
    18 to 34 ms with the niceness alone).
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, thread, ENGINE_NICENESS)


def preload_torch_libraries() -> None:
    """Maps the big native libraries while the interpreter lock is free. Only speed: a failure is logged,
    and the import that follows loads them in its own way (or says what is wrong)."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    for name in _library_names():
        path = folder / name
        if path.is_file() and not _open_library(path):
            log.info("Could not map %s ahead of time", name)


def _library_names() -> tuple[str, ...]:
    if sys.platform == "win32":
        return ("torch_cpu.dll", "torch_python.dll")
    return ("libtorch_cpu.so", "libtorch_python.so")


def _open_library(path: Path) -> bool:
    if sys.platform == "win32":
        load_library = ctypes.WinDLL("kernel32").LoadLibraryExW
        load_library.restype = ctypes.c_void_p
        load_library.argtypes = [ctypes.c_wchar_p, ctypes.c_void_p, ctypes.c_uint32]
        # 0x1000 | 0x100: the default folders and the library's own, as torch itself asks for.
        return bool(load_library(str(path), None, 0x00001100))
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
    return bool(dlopen(str(path).encode(), _RTLD_LAZY))
