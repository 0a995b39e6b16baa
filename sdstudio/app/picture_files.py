"""Picture files that are opened, dropped on the window, or chosen in the gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.restored import restored_request
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.metadata import PictureMetadata, PictureRecord
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.picture_texts import read_texts
from sdstudio.storage.pictures import load_picture

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Opened:
    image: ImageBuffer
    metadata: PictureMetadata


class PictureFiles(QObject):
    """Reads on the io worker; every answer is one of the signals, and every failure is `problem`, in words."""

    shown = Signal(str, object)  # path, ImageBuffer
    restored = Signal(object, str)  # GenerationRequest, path: after `shown` of the same file, if it holds settings
    problem = Signal(object)  # StudioError

    def __init__(self, io: IoWorker, base: Callable[[], GenerationRequest], parent: QObject | None = None) -> None:
        """`base` gives the settings that stay where a file of another program does not say."""
        super().__init__(parent)
        self._io = io
        self._base = base
        self._loading = False
        self._next: str | None = None

    def open_files(self, paths: Iterable[str | Path]) -> None:
        """For each file in order: `shown`, and `restored` when it says how it was made; else `problem`."""
        for path in paths:
            self.restore(path)

    def restore(self, path: str | Path) -> None:
        """Shows one file and brings its settings back."""
        name = str(path)
        self._io.submit(lambda: _open(Path(name)), lambda opened: self._on_opened(name, opened), self.problem.emit)

    def restore_settings(self, path: str | Path) -> None:
        """Brings a file's settings back, if it has any, and shows nothing; whether it can be read at all is for those
        to say who open its pixels."""
        name = str(path)

        def done(metadata: PictureMetadata) -> None:
            request = restored_request(metadata, self._base())
            if request is not None:
                self.restored.emit(request, name)

        self._io.submit(lambda: read_metadata(read_texts(Path(name))), done, lambda _: None)

    def read_record(self, path: str | Path, done: Callable[[PictureRecord | None], None]) -> None:
        """`done` with our own record of how the picture was made, None where it has none or cannot be read."""
        name = Path(path)
        self._io.submit(lambda: read_metadata(read_texts(name)).record, done, lambda _: done(None))

    def load(self, path: str | Path) -> None:
        """Shows one file and leaves the settings alone. Of many in quick succession only the last is shown."""
        self._next = str(path)
        if not self._loading:
            self._load_next()

    def read(self, path: str | Path, convert: Callable[[ImageBuffer], T], done: Callable[[T], None]) -> None:
        """`done(convert(picture))`, both reading and `convert` on the io worker; nothing is shown."""
        name = Path(path)
        self._io.submit(lambda: convert(load_picture(name)), done, self.problem.emit)

    def make_folder(self, folder: Path, done: Callable[[], None]) -> None:
        """`done()` once the folder is there."""
        self._io.submit(lambda: folder.mkdir(parents=True, exist_ok=True), lambda _: done(), self.problem.emit)

    def _load_next(self) -> None:
        name, self._next = self._next, None
        if name is None:
            return
        self._loading = True

        def done(image: ImageBuffer) -> None:
            self._loading = False
            if self._next is None:
                self.shown.emit(name, image)
            self._load_next()

        def failed(error: object) -> None:
            self._loading = False
            if self._next is None:
                self.problem.emit(error)
            self._load_next()

        self._io.submit(lambda: load_picture(Path(name)), done, failed)

    def _on_opened(self, name: str, opened: _Opened) -> None:
        self._next = None  # what was opened on purpose is not replaced by a picture that was only passed over
        self.shown.emit(name, opened.image)
        request = restored_request(opened.metadata, self._base())
        if request is not None:
            self.restored.emit(request, name)


def _open(path: Path) -> _Opened:
    return _Opened(load_picture(path), read_metadata(read_texts(path)))
