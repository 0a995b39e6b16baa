"""A regular file opened for a look at its header, and watched for changes meanwhile."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType

from sdstudio.domain.model_file import Verdict
from sdstudio.storage.recognise.refusal import Refusal, broken

_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOFOLLOW"))
# O_NONBLOCK: opening a pipe that was named model.safetensors must not wait for someone to write into it.


class OpenFile:
    """Reads at any place, never more than asked for. Raises Refusal for all that can go wrong.

    `called` is the link by which the file was found; its suffix counts.
    """

    def __init__(self, path: Path, called: Path | None = None) -> None:
        self.suffix = (called or path).suffix.lower()
        try:
            self._handle = os.open(path, _FLAGS)
        except FileNotFoundError:
            raise Refusal(Verdict.UNREACHABLE, "there is no such file (any more)") from None
        except (OSError, ValueError) as error:
            raise Refusal(Verdict.UNREACHABLE, f"cannot be opened: {_words(error)}") from error
        self._stat = os.fstat(self._handle)
        if not stat.S_ISREG(self._stat.st_mode):
            os.close(self._handle)
            raise Refusal(Verdict.UNREACHABLE, f"{_sort(self._stat.st_mode)}, not a file")
        self.size = self._stat.st_size

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def read(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes, or Refusal where the file ends before."""
        data = self.peek(offset, count)
        if len(data) != count:
            raise broken("it became shorter while it was read" if offset + count <= self.size else "it ends too early")
        return data

    def peek(self, offset: int, count: int) -> bytes:
        """At most `count` bytes."""
        parts: list[bytes] = []
        try:
            while count > 0:
                part = self._pread(count, offset)
                if not part:
                    break
                parts.append(part)
                offset, count = offset + len(part), count - len(part)
        except OSError as error:
            raise Refusal(Verdict.UNREACHABLE, f"cannot be read: {_words(error)}") from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _pread(self, count: int, offset: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._handle, count, offset)
        os.lseek(self._handle, offset, os.SEEK_SET)  # Windows
        return os.read(self._handle, count)

    def check_unchanged(self) -> None:
        """Raises Refusal if someone wrote into the file since it was opened."""
        now = os.fstat(self._handle)
        if (now.st_size, now.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise broken("it changed while it was read; try again when it is complete")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _sort(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
