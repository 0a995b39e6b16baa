"""Runs one job for a command: progress, results, Ctrl+C, exit code."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sdstudio.cli.arguments import UsageError
from sdstudio.cli.console import Console, one_line
from sdstudio.cli.progress import ProgressBar
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ErrorKind, StorageError
from sdstudio.domain.events import Cancelled, Failed, Finished, JobEvent, PictureSaved, Started
from sdstudio.domain.request import JobRequest
from sdstudio.jobs.job import Job
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.crash_report import is_frozen

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
Describe = Callable[[PictureSaved], tuple[Mapping[str, Any], str]]
"""A saved picture as the object for --json and the line for people."""


def run_job(
    runner: JobRunner, request: JobRequest, folder: Path, console: Console, describe: Describe, *, out_given: bool
) -> int:
    """The exit code. Each picture is printed as soon as it is on disk."""
    job = _JobOnConsole(runner, console, describe)
    with _ctrl_c(job):
        try:
            accepted = runner.accept(request, folder)
        except StorageError as error:
            if out_given:
                raise UsageError(f"argument --out: {error.message}", hint=error.hint) from error
            raise
        try:
            return job.run(accepted)
        except KeyboardInterrupt:
            runner.drop(accepted)
            raise
        finally:
            runner.close()


class _JobOnConsole:
    def __init__(self, runner: JobRunner, console: Console, describe: Describe) -> None:
        self._runner = runner
        self._console = console
        self._describe = describe
        self._cancel = CancelToken()
        self._bar: ProgressBar | None = None
        self._started = False
        self._stopped = False
        self._code = FAILED

    def run(self, job: Job) -> int:
        with ProgressBar(self._console) as self._bar:
            self._runner.run(job, self._see, self._cancel)
        return INTERRUPTED if self._stopped else self._code

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Ctrl+C. The job being accepted, and the engine, end at once by the token; libraries that are just being
        loaded know nothing of it and are left by the exception, and so is everything the second time."""
        loading = self._bar is not None and not self._started
        again, self._stopped = self._stopped, True
        self._cancel.cancel()
        if loading or again:
            raise KeyboardInterrupt

    def _see(self, event: JobEvent) -> None:
        if self._bar is not None:
            self._bar.show(event)
        match event:
            case Started():
                self._started = True
                self._tell_device()
            case PictureSaved():
                self._console.result(*self._describe(event))
            case Finished():
                self._code = DONE
            case Cancelled():
                self._code = INTERRUPTED
            case Failed():
                self._code = BAD_INPUT if event.kind is ErrorKind.BAD_INPUT else FAILED
                self._tell(event)
            case _:
                pass

    def _tell_device(self) -> None:
        """A card that the settings name and that is gone stops nothing, nor does a driver that does not work."""
        info = self._runner.info()
        if info is not None and info.missing:
            used = "the processor" if info.device_kind == "cpu" else info.device
            self._console.note(f"The device “{info.missing}” of the settings is not there; using {used}.")
        # From source, torch may have come with CUDA for a computer that never had a card; the download was chosen.
        if info is not None and info.no_card and is_frozen():
            self._console.note(info.no_card)

    def _tell(self, failed: Failed) -> None:
        if self._stopped:
            return
        if failed.kind is ErrorKind.INTERNAL and failed.details:
            self._console.lines(failed.details.rstrip())
        self._console.note(one_line(" ".join(part for part in (failed.message, failed.meaning, failed.hint) if part)))


@contextmanager
def _ctrl_c(job: _JobOnConsole) -> Iterator[None]:
    """Only the main thread may set a signal handler; elsewhere (tests, embedding) Ctrl+C stays as it is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, job.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
