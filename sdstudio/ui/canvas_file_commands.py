"""Pictures on their way to the canvas and off it: open, paste, save, export, and the questions in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QFileDialog

from sdstudio.app.canvas_questions import MaskSizeQuestion, MemoryQuestion, UnsavedQuestion
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.tiles import keys_of, tile_rect
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.metadata import PictureRecord
from sdstudio.ui.canvas.export_dialog import ExportChoice, ExportDialog
from sdstudio.ui.canvas.question_dialogs import MaskSizeDialog, MemoryDialog, UnsavedDialog
from sdstudio.ui.canvas.size_dialogs import Colour, NewCanvasDialog
from sdstudio.ui.file_drop import SUFFIXES, picture_paths
from sdstudio.ui.qimage import to_buffer
from sdstudio.ui.window_parts import WindowParts

_ENCODED = ("image/png", "image/webp", "image/tiff", "image/jpeg", "image/bmp")
"""On the clipboard, best first: the bytes of a file keep what an already decoded picture has lost."""


class CanvasFileCommands(QObject):
    """Every dialog is opened and never waited for; what it brings goes to the session."""

    def __init__(self, parts: WindowParts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._context = parts.context
        self._canvas = parts.context.canvas
        self._document: CanvasDocument | None = None
        self._record: PictureRecord | None = None
        self._wanted = False
        canvas = self._canvas
        canvas.ask_unsaved.connect(self._ask_unsaved)
        canvas.ask_memory.connect(self._ask_memory)
        canvas.ask_mask_size.connect(self._ask_mask_size)
        canvas.document_changed.connect(self._on_document)
        canvas.saved.connect(self._on_saved)
        self._on_document()

    def table(self) -> dict[str, Callable[[], None]]:
        """The actions that are done here."""
        return {
            "new_canvas": self.ask_new,
            "open": self.ask_for_file,
            "save": self.save,
            "save_as": self.ask_save_as,
            "export": self.ask_export,
            "close_canvas": self._canvas.close_document,
            "paste": self.paste,
            "edit_result": lambda: self.edit_result(self._parts.presenter.path),
            "mask_from_file": self.ask_mask_file,
            "mask_to_file": self.ask_mask_target,
        }

    @property
    def record(self) -> PictureRecord | None:
        """How the picture on the canvas was made, as far as is known."""
        return self._record

    # To the canvas

    def open_paths(self, paths: Sequence[str | Path]) -> None:
        """The first goes to the canvas, with the settings that made it; the others are named, and left."""
        if not paths:
            return
        first, others = Path(paths[0]), [Path(path).name for path in paths[1:]]
        self._wanted = True
        self._canvas.open_file(first)
        self._context.files.restore_settings(first)
        if others:
            words = self.tr("The canvas holds one picture: “{name}”. Not opened: {others}.")
            self._parts.troubles.show_note(words.format(name=first.name, others=", ".join(others)))

    def edit_result(self, path: str) -> None:
        """The settings stay as they are: only the picture is wanted."""
        if path:
            self._wanted = True
            self._canvas.open_file(path)

    def paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if data is None or not self.take(data):
            self._parts.troubles.nothing_to_paste()

    def take(self, data: QMimeData) -> bool:
        """From the clipboard or a drop: files first (they have a name and settings), then what is pixels. False where
        there is no picture."""
        paths = picture_paths(data)
        if paths:
            self.open_paths(paths)
            return True
        self._wanted = True
        for kind in _ENCODED:
            if data.hasFormat(kind):
                self._canvas.open_bytes(bytes(data.data(kind).data()))
                return True
        image = data.imageData() if data.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            self._canvas.open_image(to_buffer(image))
            return True
        self._wanted = False
        return False

    def ask_for_file(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        words = self.tr("Pictures and canvases ({patterns})").format(patterns=patterns)
        dialog = self._file_dialog(self.tr("Open a picture"), words)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._parts.open_files)
        dialog.open()

    def ask_new(self) -> None:
        presets = self._context.session.model.presets
        state = self._context.session.state
        dialog = NewCanvasDialog(self._parts.theme, presets.sizes, Size(state.width, state.height), self._parts.window)
        dialog.chosen.connect(self._make_new)
        dialog.open()

    def _make_new(self, size: Size, colour: Colour | None) -> None:
        self._wanted = True
        self._canvas.new_blank(size, colour)

    # Off the canvas

    def save(self) -> None:
        if not self._canvas.save():
            self.ask_save_as()

    def ask_save_as(self, then: Callable[[str], None] | None = None, left: Callable[[], None] | None = None) -> None:
        """Asks where to; `then` gets the path instead of the session, `left` is called where nothing is chosen."""
        dialog = self._save_dialog(self.tr("Save the canvas"), self.tr("OpenRaster canvas (*.ora)"), ".ora")
        dialog.fileSelected.connect(lambda path: (then or self._canvas.save)(path))
        if left is not None:
            dialog.rejected.connect(left)
        dialog.open()

    def ask_export(self) -> None:
        document = self._canvas.document
        if document is None:
            return
        dialog = ExportDialog(
            self._parts.theme,
            transparent=has_transparency(document),
            has_settings=self._record is not None,
            parent=self._parts.window,
        )
        dialog.chosen.connect(self._ask_export_target)
        dialog.open()

    def _ask_export_target(self, choice: ExportChoice) -> None:
        words = self.tr("Pictures (*{suffix})").format(suffix=choice.suffix)
        dialog = self._save_dialog(self.tr("Export"), words, choice.suffix)
        record = self._record if choice.with_settings else None
        dialog.fileSelected.connect(
            lambda path: self._canvas.export(path, quality=choice.quality, lossless=choice.lossless, settings=record)
        )
        dialog.open()

    def ask_mask_file(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES if suffix != ".ora")
        words = self.tr("Pictures ({patterns})").format(patterns=patterns)
        dialog = self._file_dialog(self.tr("Mask from a file"), words)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._canvas.mask_from_file)
        dialog.open()

    def ask_mask_target(self) -> None:
        dialog = self._save_dialog(self.tr("Mask to a file"), self.tr("Pictures (*.png)"), ".png", self.tr("mask"))
        dialog.fileSelected.connect(self._canvas.mask_to_file)
        dialog.open()

    # Questions

    def _ask_unsaved(self, question: UnsavedQuestion) -> None:
        def ask_path() -> None:
            self.ask_save_as(question.save, question.cancel)

        self._open(UnsavedDialog(self._parts.theme, question, ask_path, self._parts.window))

    def _ask_memory(self, question: MemoryQuestion) -> None:
        self._open(MemoryDialog(self._parts.theme, question, self._parts.window))

    def _ask_mask_size(self, question: MaskSizeQuestion) -> None:
        self._open(MaskSizeDialog(self._parts.theme, question, self._parts.window))

    @staticmethod
    def _open(dialog: QDialog) -> None:
        dialog.open()

    # How

    def _on_document(self) -> None:
        """How the picture was made is read when it is opened, and kept as long as it is open: an .ora that it is
        saved to meanwhile does not say it."""
        document = self._canvas.document
        if document is self._document:
            return
        self._document, self._record = document, None
        if self._wanted and document is not None:
            self._wanted = False
            self._parts.canvas.page.focus_view()  # the next key is a tool's, not a letter of the prompt
        if document is not None and document.source:

            def keep(record: PictureRecord | None) -> None:
                if self._document is document:
                    self._record = record

            self._context.files.read_record(document.source, keep)

    def _on_saved(self, path: str) -> None:
        self._parts.canvas.page.foot.say(self.tr("Saved as “{name}”").format(name=Path(path).name))

    def _file_dialog(self, title: str, words: str) -> QFileDialog:
        dialog = QFileDialog(self._parts.window, title, str(self._folder()))
        dialog.setNameFilter(words)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def _save_dialog(self, title: str, words: str, suffix: str, addition: str = "") -> QFileDialog:
        """The system's own dialog asks before it overwrites."""
        dialog = self._file_dialog(title, words)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix.removeprefix("."))
        stem = Path(self._canvas.name or self.tr("canvas")).stem
        dialog.selectFile(f"{stem} {addition}".strip() + suffix)
        return dialog

    def _folder(self) -> Path:
        """Beside the file that the canvas came from, else where results are."""
        document = self._canvas.document
        source = document.source if document is not None else ""
        return Path(source).parent if source else self._context.results_folder


def has_transparency(document: CanvasDocument) -> bool:
    """Whether the picture itself is transparent anywhere."""
    grid = document.picture
    for key in keys_of(Rect.of(document.size)):
        pixels = grid.current(key)
        part = tile_rect(key, document.size)
        if pixels is None or int(pixels[: part.height, : part.width, 3].min()) < 255:
            return True
    return False
