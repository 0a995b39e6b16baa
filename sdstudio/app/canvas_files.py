"""Opening, saving and exporting the canvas: a part of CanvasSession."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, SignalInstance

from sdstudio.app.canvas_build import (
    Built,
    Colour,
    ExportOptions,
    NewTiles,
    blank,
    export,
    from_bytes,
    from_file,
    from_image,
    look,
    read_mask,
    save,
    with_mask,
    write_mask,
)
from sdstudio.app.canvas_patches import CanvasPatches
from sdstudio.app.canvas_questions import MaskSizeQuestion, MemoryQuestion, Question, UnsavedQuestion
from sdstudio.app.canvas_work import CanvasWork, Ticket
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.metadata import PictureRecord
from sdstudio.storage.open_picture import PictureFacts

T = TypeVar("T")


class CanvasFiles(CanvasPatches):
    """What would replace a canvas with unsaved changes asks first (`ask_unsaved`). A failure is a `problem`, in words,
    and leaves everything as it was."""

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(io, parent)
        self._question: Question | None = None
        self._opening: Ticket | None = None

    # Another canvas

    def new_blank(self, size: Size, colour: Colour | None = None, name: str = "") -> None:
        """An empty canvas, transparent or of one colour."""
        words = name or self.tr("Untitled")
        self._replace(lambda: self._build(self.tr("Making a canvas"), lambda: blank(size, colour, words)))

    def open_file(self, path: str | Path) -> None:
        """A picture or an .ora project. Its header is read first: what is too large for the memory is asked about
        (`ask_memory`) before a pixel is decoded."""
        source = Path(path)
        label = self._opening_words(source.name)
        self._when_ready(lambda: self._open(label, lambda: look(source), lambda facts: self._on_facts(source, facts)))

    def open_image(self, image: ImageBuffer, name: str = "", notes: Sequence[str] = ()) -> None:
        """Pixels that are in memory already: pasted, or a result. `notes` are told once it is open."""
        words, told = name or self.tr("Pasted picture"), tuple(notes)
        self._replace(lambda: self._build(self._opening_words(words), lambda: from_image(image, words, told)))

    def open_bytes(self, data: bytes, name: str = "") -> None:
        """A picture file's content, from the clipboard or a drop."""
        words = name or self.tr("Pasted picture")
        self._replace(lambda: self._build(self._opening_words(words), lambda: from_bytes(data, words)))

    def close_document(self) -> None:
        """No canvas is open any more."""
        self._replace(lambda: self._set_document(None))

    # Out of the canvas

    def save(self, path: str | Path = "", *, overwrite: bool = True) -> bool:
        """As an .ora project, to `path` or else to the canvas's own file. False when it has none: ask for one."""
        target = str(path) or self.path
        if self._document is not None and not target:
            return False
        self._save(target, overwrite)
        return True

    def export(
        self,
        path: str | Path,
        *,
        quality: int = 92,
        lossless: bool = True,
        settings: PictureRecord | None = None,
        overwrite: bool = True,
    ) -> None:
        """What is visible, as one picture: .png, .jpg or .webp. `settings` go into the file where they are given."""
        target = Path(path)
        options = ExportOptions(quality=quality, lossless=lossless, settings=settings, overwrite=overwrite)
        self._write(self.tr("Exporting"), lambda snapshot: export(snapshot, target, options))

    def mask_to_file(self, path: str | Path, *, overwrite: bool = True) -> None:
        """The mask as greys: white may change."""
        target = Path(path)
        self._write(self.tr("Saving the mask"), lambda snapshot: write_mask(snapshot, target, overwrite))

    def mask_from_file(self, path: str | Path, fit: str | None = None) -> None:
        """Replaces the mask. A file of another size is asked about (`ask_mask_size`) unless `fit` is "scale" or
        "centre"."""
        self.cancel_gesture()
        document, source = self._document, Path(path)
        if document is None or self._refused():
            return

        def loaded(mask: Pixels) -> None:
            size = Size(mask.shape[1], mask.shape[0])
            if document is not self._document:
                return
            if size == document.size or fit is not None:
                self._replace_mask(mask, fit or "scale")
            else:
                self._ask(
                    self.ask_mask_size,
                    MaskSizeQuestion(source.name, size, document.size, lambda chosen: self._replace_mask(mask, chosen)),
                )

        self._worker.run(
            CanvasWork(self.tr("Opening the mask")), lambda _: read_mask(source), loaded, self.problem.emit
        )

    # How

    def _opening_words(self, name: str) -> str:
        return self.tr("Opening {name}").format(name=name)

    def _when_ready(self, call: Callable[[], None]) -> None:
        """Now, or when the canvas of the last time is back."""
        if self._held:
            self._waiting.append(lambda: self._when_ready(call))
        elif self._question is not None and self._question.open:
            self.note.emit(self.tr("The canvas waits for an answer first."))
        else:
            call()

    def _replace(self, call: Callable[[], None]) -> None:
        """`call` when what is on the canvas may go."""
        self._when_ready(lambda: self._ask_unsaved(call))

    def _ask_unsaved(self, call: Callable[[], None]) -> None:
        self.cancel_preview()
        self.cancel_gesture()
        if self._document is None or not self.modified:
            call()
            return
        self._ask(self.ask_unsaved, UnsavedQuestion(self.name, self.path, self._save_then, call))

    def _ask(self, signal: SignalInstance, question: Question) -> None:
        self._question = question
        signal.emit(question)

    def _on_facts(self, source: Path, facts: PictureFacts) -> None:
        def decode() -> None:
            self._build(self._opening_words(source.name), lambda: from_file(source))

        def check_memory() -> None:
            import psutil  # 20 ms, which no start has to wait for

            available = psutil.virtual_memory().available
            if facts.bytes_needed <= available:
                decode()
            else:
                self._ask(
                    self.ask_memory, MemoryQuestion(source.name, facts.size, facts.bytes_needed, available, decode)
                )

        self._ask_unsaved(check_memory)

    def _build(self, label: str, make: Callable[[], Built]) -> None:
        """Another canvas, made in the other thread; the present one stays until it is there."""

        def built(result: Built) -> None:
            self._set_document(result.document, result.base)
            for words in result.notes:
                self.note.emit(words)

        self._open(label, make, built)

    def _open(self, label: str, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Of several in quick succession the last one counts."""
        if self._opening is not None:
            self._worker.drop(self._opening)
        self._opening = self._worker.run(CanvasWork(label), lambda _: work(), done, self.problem.emit)

    def _replace_mask(self, mask: Pixels, fit: str) -> None:
        self.cancel_gesture()  # a pen may have begun one while the question stood
        document = self._document
        if document is None or self._refused():
            return
        state = document.state()

        def apply(tiles: NewTiles) -> None:
            self._changed(document.apply_tiles("Mask from file", tiles))

        self._compute(
            self.tr("Opening the mask"), state.size.pixels, lambda _: self._counted(with_mask(state, mask, fit)), apply
        )

    def _save_then(self, path: str, go_on: Callable[[], None]) -> None:
        self._save(path, True, go_on)

    def _save(self, path: str, overwrite: bool, go_on: Callable[[], None] | None = None) -> None:
        document, target = self._document, Path(path)
        snapshot = None if document is None else document.snapshot()

        def written(where: Path) -> None:
            if document is not None and document is self._document:
                document.saved(str(where), snapshot)
                document.name = where.name
                self._look_at_title()
                self.touched.emit()
            if go_on is not None:
                go_on()

        self._write(self.tr("Saving"), lambda current: save(current, target, overwrite), written, snapshot)

    def _write(
        self,
        label: str,
        write: Callable[[CanvasSnapshot], Path],
        done: Callable[[Path], None] | None = None,
        snapshot: CanvasSnapshot | None = None,
    ) -> None:
        """Of the canvas as it is now; the hand paints on meanwhile."""
        if self._document is None:
            return
        now = snapshot or self._document.snapshot()

        def written(path: Path) -> None:
            if done is not None:
                done(path)
            self.saved.emit(str(path))

        work = CanvasWork(label, can_cancel=False, exclusive=False)
        self._worker.run(work, lambda _: write(now), written, self.problem.emit)
