"""Models that are brought in: copied into our own folder, or a .ckpt rewritten as .safetensors; one after the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import CancelledByUser, StudioError
from sdstudio.storage.model_copy import copy_models, is_model_name, stop_if

__all__ = ["IntakeProgress", "ModelIntake", "is_model_name"]
REPORT_S = 0.05
"""At most this often a progress reaches the window."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelIntake", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeProgress:
    """`words` say what is done to what; bytes done, and bytes in all (0: not known yet)."""

    words: str
    done: int = 0
    whole: int = 0


class ModelIntake(QObject):
    """In a thread of its own, which begins with the first of it. Every end is one of the last three signals."""

    progress = Signal(object)  # IntakeProgress
    made = Signal(object)  # tuple[Path, ...]: where they are now
    stopped = Signal()
    problem = Signal(object)  # StudioError

    _told = Signal(object)  # IntakeProgress, emitted in the thread

    def __init__(self, own_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._own = own_folder
        self._worker = IoWorker(self, name="model files")
        self._token = threading.Event()
        self._busy = False
        self._told.connect(self.progress)

    @property
    def busy(self) -> bool:
        return self._busy

    def copy(self, sources: Sequence[Path]) -> None:
        """Into our own folder. Nothing happens while something else is under way."""
        words = _tr("Copying “{name}”")
        self._begin(
            words.format(name=sources[0].name),
            lambda report: tuple(copy_models(sources, self._own, lambda name, *so_far: report(words, name, *so_far))),
        )

    def convert(self, source: Path) -> None:
        """Beside the file it is made from; into our own folder where that cannot be written."""
        folder = source.parent if os.access(source.parent, os.W_OK) else self._own
        target = folder / f"{source.stem}.safetensors"
        words = _tr("Converting “{name}”")

        def work(report: _Report) -> tuple[Path, ...]:
            # 20 ms at every start, were it above; few people convert anything.
            from sdstudio.storage.convert_checkpoint import convert_checkpoint

            return (convert_checkpoint(source, target, lambda *so_far: report(words, source.name, *so_far)).path,)

        self._begin(words.format(name=source.name), work)

    def cancel(self) -> None:
        """What is half done is taken away; `stopped` follows."""
        self._token.set()

    def close(self, timeout_ms: int) -> bool:
        """False when a disk needs longer than that for one block."""
        self._token.set()
        return self._worker.close(timeout_ms)

    def _begin(self, words: str, work: Callable[[_Report], tuple[Path, ...]]) -> None:
        if self._busy:
            return
        self._busy = True
        self._token = token = threading.Event()
        self.progress.emit(IntakeProgress(words=words))
        report = _Report(token, self._told.emit)
        self._worker.submit(lambda: _until_cancelled(work, report), self._on_done, self._on_failed)

    def _on_done(self, made: tuple[Path, ...] | None) -> None:
        self._busy = False
        if made is None:
            self.stopped.emit()
        else:
            self.made.emit(made)

    def _on_failed(self, error: StudioError) -> None:
        self._busy = False
        self.problem.emit(error)


class _Report:
    """Lives in the thread. Raises CancelledByUser once that is wanted."""

    def __init__(self, token: threading.Event, tell: Callable[[IntakeProgress], None]) -> None:
        self._token = token
        self._tell = tell
        self._last = 0.0

    def __call__(self, words: str, name: str, done: int, whole: int) -> None:
        stop_if(self._token.is_set())
        now = time.monotonic()
        if now - self._last >= REPORT_S or done >= whole:
            self._last = now
            self._tell(IntakeProgress(words=words.format(name=name), done=done, whole=whole))


def _until_cancelled(work: Callable[[_Report], tuple[Path, ...]], report: _Report) -> tuple[Path, ...] | None:
    try:
        return work(report)
    except CancelledByUser:
        return None
