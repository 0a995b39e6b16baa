"""What must be settled for the whole process before anything else is imported: offline, logged, crash-proof."""

from __future__ import annotations

import faulthandler
import functools
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TextIO

from sdstudio.domain.os_words import os_words

log = logging.getLogger(__name__)

_NETWORK_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
LOG_BYTES = 1_000_000
NO_SCREEN = (
    "sdstudio: There is no screen to open the window on (neither DISPLAY nor WAYLAND_DISPLAY is set). "
    "Start it from a desktop, or use the commands: “sdstudio --help” lists them."
)
_LOCAL_FAMILIES = frozenset({-1, 1})
"""AF_UNIX, and a socket that is there already (accepted, handed over), whose family its number tells."""
_crash_stream: TextIO | None = None


def prepare(cache: Path) -> None:
    """Before torch or Qt are imported, once. What the engine's libraries read from the environment is set by the
    engine's own package, before its first import."""
    _settle_engine_cache(cache / "inductor")
    _start_refusing_network()


def _settle_engine_cache(folder: Path) -> None:
    """torch makes this folder when it is imported, and cannot be imported where that fails. Without the variable it
    takes /tmp/torchinductor_<user>: the way out where nothing can be written at home."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))


@functools.cache
def _start_refusing_network() -> None:
    """Once in a process: such a hook cannot be taken back."""
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, args: tuple[object, ...]) -> None:
    """The promise “nothing is sent or fetched”, kept by the interpreter: any look-up of a host and any
    connection but a local Unix socket (address = a path) raises."""
    if event == "socket.__new__" and args[1] not in _LOCAL_FAMILIES:
        # Not logged: urllib3, which comes with the engine's libraries, tries at its import whether it could.
        raise PermissionError("SD Studio never uses the network")
    if event not in _NETWORK_EVENTS:
        return
    if event == "socket.connect" and len(args) > 1 and isinstance(args[1], str | bytes):
        return
    log.error("Refused a network call: %s %r", event, args[1:])
    raise PermissionError(f"SD Studio never uses the network ({event})")


def has_no_screen() -> bool:
    """Where Qt would abort the process without a word that a person understands."""
    told = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return sys.platform == "linux" and not told


def start_logging(folder: Path, *, to_stderr: bool) -> None:
    """Everything from INFO into a rotating file; warnings to stderr as well for command lines."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file_handler = logging.handlers.RotatingFileHandler(
            folder / "sdstudio.log", maxBytes=LOG_BYTES, backupCount=3, encoding="utf-8", delay=True
        )
        file_handler.setFormatter(formatter)
        root.addHandler(file_handler)
        _start_crash_log(folder / "crash.log")
    except OSError as error:
        # A read-only home must not stop anyone from making a picture.
        to_stderr = True
        logging.getLogger(__name__).warning("No log file can be written: %s.", os_words(error))
    if to_stderr and sys.stderr is not None:
        stream = logging.StreamHandler()
        stream.setLevel(logging.WARNING)
        stream.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        root.addHandler(stream)


def _start_crash_log(path: Path) -> None:
    global _crash_stream
    before, _crash_stream = _crash_stream, path.open("a", encoding="utf-8")
    faulthandler.enable(_crash_stream)
    if before is not None:
        before.close()


def log_unexpected_errors() -> None:
    """An exception that nobody expected is written down; the program goes on where it can."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if sys.stderr is not None:
            sys.__excepthook__(kind, error, trace)
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("Unexpected error", exc_info=(kind, error, trace))

    def report_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            report(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = report
    threading.excepthook = report_in_thread
