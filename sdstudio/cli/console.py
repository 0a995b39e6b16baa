"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO


def force_utf8(stream: TextIO | None) -> None:
    """UTF-8 and plain line ends, whatever the console is set to; half surrogates (odd file names) become escapes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _tolerate(stream: TextIO | None) -> None:
    """Signs that the console cannot show become escapes, not errors."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def one_line(text: object) -> str:
    return " ".join(str(text).split())


class Console:
    """`json_lines`: stdout gets one object a line and nothing else. Streams may be None (no console on Windows)."""

    def __init__(self, stdout: TextIO | None, stderr: TextIO | None, *, json_lines: bool = False) -> None:
        self._stdout = stdout
        self.stderr = stderr
        self.json_lines = json_lines
        if json_lines or sys.platform == "win32":
            force_utf8(stdout)
        else:
            _tolerate(stdout)
        _tolerate(stderr)

    def result(self, data: Mapping[str, Any], text: str) -> None:
        """One result: the object with --json, else the text."""
        if not self.json_lines:
            self._print(text)
            return
        try:
            line = json.dumps(data, ensure_ascii=False, allow_nan=False)
            line.encode()
        except UnicodeEncodeError:
            line = json.dumps(data, ensure_ascii=True, allow_nan=False)
        self._print(line)

    def say(self, text: str) -> None:
        """Help and version: for stdout in any case."""
        self._print(text)

    def note(self, text: object) -> None:
        """A message, as one line on stderr."""
        self.lines(one_line(text))

    def lines(self, text: str) -> None:
        if self.stderr is not None:
            with contextlib.suppress(BrokenPipeError):
                print(text, file=self.stderr, flush=True)

    @property
    def interactive(self) -> bool:
        """True when a person may be watching stderr."""
        return self.stderr is not None and self.stderr.isatty()

    def _print(self, text: str) -> None:
        if self._stdout is None:
            return
        try:
            print(text, file=self._stdout, flush=True)
        except BrokenPipeError:
            # The reader has seen enough (`… | head -1`). The work goes on; nothing more is printed, also not by
            # the interpreter, which would complain when it flushes stdout at its end.
            _drain(self._stdout)
            self._stdout = None


def _drain(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
