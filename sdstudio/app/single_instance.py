"""One window for each home and screen: a second start hands its files to the first window and ends.

By a Unix socket (on Windows a named pipe) of the standard library, never by the network. Not QtNetwork: its library
would bring Kerberos and all of HTTP into a program that works with the cable out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from multiprocessing.connection import Connection, Listener

log = logging.getLogger(__name__)

CALL_BYTES_MAX = 1 << 20
ANSWER = b"taken"
TOKEN = "XDG_ACTIVATION_TOKEN"
WAIT_S = 5.0
"""For a first window that is only just starting or ending; then the second start goes on by itself."""
LOOK_AGAIN_S = 0.05
READ_S = 2.0
"""For what a second start has to say, once it has knocked."""
BACKLOG = 16
"""Starts that knock at once: twenty files opened in a file manager."""
_WINDOWS = sys.platform == "win32"
Door = Callable[[], "Listener"]


@dataclass(frozen=True, slots=True)
class Call:
    """What a second start asks of the first window: to come to the front, with these files (absolute paths). `token`:
    the permission to come to the front that the desktop gave it (Wayland)."""

    files: tuple[str, ...] = ()
    token: str = ""

    def to_bytes(self) -> bytes:
        return json.dumps({"files": self.files, "token": self.token}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Call:
        """Raises ValueError."""
        content = json.loads(data)
        files = content.get("files") if isinstance(content, dict) else None
        token = content.get("token", "") if isinstance(content, dict) else None
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            raise ValueError("no list of files")
        if not isinstance(token, str):
            raise ValueError("no token")
        return cls(tuple(files), token)


class Doorway:
    """Where starts of the program on one home and one screen meet.

    On Unix the first one holds a lock, which the system takes from it whatever it dies of: a socket file that a killed
    window left behind is known by that, and replaced. On Windows the pipe itself ends with its process.
    """

    def __init__(self, home: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Raises OSError where no private folder for the socket can be had."""
        screen = environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY", "")
        # One person has few homes and screens: 32 bits tell them apart, and need no OpenSSL before the window.
        key = os.fsencode(f"{home.absolute()}\n{screen}")
        name = f"{zlib.crc32(key):08x}"
        if _WINDOWS:
            self.address = rf"\\.\pipe\sdstudio-{name}"
            self._lock_path = Path()
        else:
            folder = _private_folder(environ)
            self.address = str(folder / name)
            self._lock_path = folder / f"{name}.lock"
        self._lock: IO[bytes] | None = None

    def enter(self, call: Call, wait_s: float = WAIT_S) -> Doorkeeper | None:
        """As the function `enter`. Raises OSError."""
        end = time.monotonic() + wait_s
        while True:
            door = self._first()
            if door is not None:
                return Doorkeeper(door, self)
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the first window does not answer")
            if self._hand_over(call, left):
                return None
            time.sleep(LOOK_AGAIN_S)

    def leave(self) -> None:
        """The next start is the first. Nothing is left behind."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock_path.unlink()  # while it is held: whoever waits for it sees that it is gone
            self._lock.close()
            self._lock = None

    def _first(self) -> Door | None:
        """What others knock at is made when it is called: on Unix not before the window is there, which need not wait
        for it, since the lock is held. On Windows the pipe is the lock."""
        if _WINDOWS:
            try:
                pipe = _listener(self.address)
            except PermissionError:
                return None  # Somebody else has it.
            return lambda: pipe
        if not self._locked():
            return None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)
        return partial(_listener, self.address)

    def _locked(self) -> bool:
        import fcntl

        lock = self._lock_path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        if not _is_the_file(lock, self._lock_path):
            lock.close()  # that of a window which has just closed
            return False
        self._lock = lock
        return True

    def _hand_over(self, call: Call, seconds: float) -> bool:
        from multiprocessing.connection import Client

        try:
            with Client(self.address) as connection:
                _let_it_come_to_the_front()
                connection.send_bytes(call.to_bytes())
                return connection.poll(seconds) and connection.recv_bytes(len(ANSWER)) == ANSWER
        except FileNotFoundError:
            return False  # It is only just starting or ending.
        except (OSError, EOFError) as error:
            log.info("The first window could not be called: %s", error)
            return False


class Doorkeeper(QObject):
    """`called` comes once for each start that follows this one, from the moment of `listen`; those before it wait."""

    called = Signal(object)  # Call; in the listening thread

    def __init__(self, door: Door | None = None, doorway: Doorway | None = None) -> None:
        super().__init__()
        self._door = door
        self._doorway = doorway
        self._listener: Listener | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._listen, name="second-start", daemon=True)

    @property
    def first(self) -> bool:
        """Whether other starts find this one."""
        return self._door is not None and not self._ended

    def listen(self) -> None:
        """Once `called` is connected."""
        if self._door is None or self._ended:
            return
        try:
            self._listener = self._door()
        except OSError as error:
            log.warning("Other starts will not find this window: %s", error)
            self.close()
        else:
            self._thread.start()

    def close(self) -> None:
        """No more calls: the next start opens a window of its own. May be called again."""
        if self._doorway is None or self._ended:
            return
        self._ended = True
        if self._listener is not None:
            self._wake(self._doorway.address)
            self._listener.close()
        self._doorway.leave()

    def _wake(self, address: str) -> None:
        """Ends the thread."""
        from multiprocessing.connection import Client

        with contextlib.suppress(OSError), Client(address):
            pass
        self._thread.join(READ_S)

    def _listen(self) -> None:
        listener = self._listener
        while listener is not None and not self._ended:
            try:
                with listener.accept() as connection:
                    self._answer(connection)
            except (OSError, EOFError, ValueError) as error:
                # Somebody hung up, or sent what is no call: nothing that should end the listening.
                log.info("A second start was not understood: %s", error)
                time.sleep(LOOK_AGAIN_S)

    def _answer(self, connection: Connection) -> None:
        """`recv_bytes` and never `recv`: nothing is unpickled."""
        if self._ended or not connection.poll(READ_S) or self._ended:
            return
        call = Call.from_bytes(connection.recv_bytes(CALL_BYTES_MAX))
        self.called.emit(call)
        connection.send_bytes(ANSWER)


def _listener(address: str) -> Listener:
    """Raises OSError."""
    from multiprocessing.connection import Listener

    return Listener(address, family="AF_PIPE" if _WINDOWS else "AF_UNIX", backlog=BACKLOG)


def call_of(files: Sequence[str], environ: Mapping[str, str]) -> Call:
    """As the second start knows them: the first one may be in another folder."""
    return Call(tuple(os.path.abspath(file) for file in files), environ.get(TOKEN, ""))


def enter(home: Path, call: Call, wait_s: float = WAIT_S) -> Doorkeeper | None:
    """None: another window has the call, and this start is to end. Else this one is the first on this home and screen;
    or, where the first does not answer or nothing can be asked, one that others do not find. A canvas of its own it
    has in any case."""
    try:
        return Doorway(home).enter(call, wait_s)
    except OSError as error:
        log.warning("Another window could not be looked for: %s", error)
        return Doorkeeper()


def _is_the_file(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _private_folder(environ: Mapping[str, str]) -> Path:
    """Nobody else may put a socket there. Its path is short: the system takes 107 bytes at most. Raises OSError."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    uid = os.getuid()
    above = Path(runtime) if os.path.isdir(runtime) and os.access(runtime, os.W_OK) else Path(tempfile.gettempdir())
    folder = above / f"sdstudio-{uid}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != uid or stat.S_IMODE(state.st_mode) & 0o077:
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


def _let_it_come_to_the_front() -> None:
    """Windows lets only the program that was started last say who may take the front."""
    if sys.platform == "win32":
        import ctypes

        any_process = -1
        ctypes.windll.user32.AllowSetForegroundWindow(any_process)


def keep_token(token: str) -> None:
    """Qt takes it from the environment, and out, when it asks the desktop for the front."""
    os.environ[TOKEN] = token
