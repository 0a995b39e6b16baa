"""The canvas that is open, and how its changes become known: the base of CanvasSession."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sdstudio.app.canvas_build import NewTiles, is_project
from sdstudio.app.canvas_coverage import Coverage
from sdstudio.canvas.document import CanvasDocument, Change
from sdstudio.canvas.history import BUDGET
from sdstudio.canvas.pyramid import BaseLevels, Pyramid
from sdstudio.domain.canvas_state import MASK, HistoryItem
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.storage.settings import Settings


class CanvasCore(QObject):
    """Owner of the document and of what is shown of it; everything that changes it goes through here."""

    document_changed = Signal()  # another document, or none, or another size
    pixels_changed = Signal(object)  # Change
    history_changed = Signal()
    layers_changed = Signal()
    settings_changed = Signal(object)  # ToolSettings
    outline_changed = Signal()
    work_changed = Signal(object)  # CanvasWork | None
    mask_changed = Signal()  # empty or not, or its bounds
    title_changed = Signal()  # name, path, modified
    preview_changed = Signal(str)  # words of the preview under way, "" = none
    saved = Signal(str)  # path of what was written
    touched = Signal()  # anything that the autosave keeps
    problem = Signal(object)  # StudioError
    note = Signal(str)
    note_on = Signal(str, str)  # topic, words: they take the place of what was said of it before
    ask_unsaved = Signal(object)  # UnsavedQuestion
    ask_memory = Signal(object)  # MemoryQuestion
    ask_mask_size = Signal(object)  # MaskSizeQuestion

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: CanvasDocument | None = None
        self._pyramid: Pyramid | None = None
        self._coverage = Coverage()
        self._title: tuple[str, str, bool] = ("", "", False)
        self._mask_bounds = NO_PIXELS
        self._size: Size | None = None
        self._budget = BUDGET
        self._preview_words = ""

    # What there is

    @property
    def document(self) -> CanvasDocument | None:
        return self._document

    @property
    def pyramid(self) -> Pyramid | None:
        """What is shown of the document; told of every change before the signals go out."""
        return self._pyramid

    @property
    def preview(self) -> str:
        """Words of the preview under way; "" where there is none."""
        return self._preview_words

    @property
    def name(self) -> str:
        return self._title[0]

    @property
    def path(self) -> str:
        """The project file that the canvas came from or was saved to; "" where there is none."""
        return self._title[1]

    @property
    def modified(self) -> bool:
        """Whether something is in no file yet."""
        return self._title[2]

    @property
    def mask_empty(self) -> bool:
        return self._mask_bounds.empty

    @property
    def mask_bounds(self) -> Rect:
        return self._mask_bounds

    @property
    def mask_coverage(self) -> float:
        """Which part of the picture may change at all (mask above 0), 0 to 1. Counted when asked for, and remembered:
        meant for a label that follows a few times a second, not for every event."""
        return 0.0 if self._document is None or self.mask_empty else self._coverage.of(self._document.mask)

    def follow(self, settings: Settings) -> None:
        """The program's settings that concern the canvas."""
        self._budget = settings.undo_megabytes * 2**20
        if self._document is not None:
            self._document.history.budget = self._budget

    def _let_go(self, items: list[HistoryItem]) -> None:
        """What the history has forgotten."""
        items.clear()

    def _let_document_go(self, document: CanvasDocument) -> None:
        """What was on the canvas before."""

    def _let_display_go(self, pyramid: Pyramid | None) -> None:
        """What showed another document, or another size."""

    def _counted(self, tiles: NewTiles) -> NewTiles:
        """In the thread that made them."""
        self._coverage.learn(change.after for change in tiles if change.layer == MASK)
        return tiles

    # Changes become known

    def _set_document(self, document: CanvasDocument | None, base: BaseLevels | None = None) -> None:
        if self._document is not None:
            self._document.history.on_forgotten = list.clear
        self._let_display_go(self._pyramid)
        if self._document is not None and self._document is not document:
            self._let_document_go(self._document)
        self._document = document
        self._pyramid = None if document is None else Pyramid(document)
        self._size = None if document is None else document.size
        if document is not None:
            document.history.budget = self._budget
            document.history.on_forgotten = self._let_go
        if self._pyramid is not None and base is not None:
            self._pyramid.adopt(base)
        self.document_changed.emit()
        self.layers_changed.emit()
        self._tell_rest()

    def _changed(self, change: Change | None, base: BaseLevels | None = None) -> None:
        """Everybody hears of a change that was made; once a call from outside."""
        document = self._document
        if change is None or document is None:
            return
        if self._size != document.size:
            self._set_document(document, base)
            return
        self._show(change)
        if change.structure:
            self.layers_changed.emit()
        self._tell_rest(masked=change.structure or MASK in change.layers)

    def _show(self, change: Change) -> None:
        """The pixels alone: enough while a gesture goes on."""
        if self._pyramid is not None and not change.rect.empty:
            for rect in change.rects:
                self._pyramid.invalidate(rect, change.layers)
            self.pixels_changed.emit(change)

    def _tell_rest(self, masked: bool = True) -> None:
        """`masked`: the mask may have changed. (To find its bounds takes milliseconds on a large canvas.)"""
        self.history_changed.emit()
        if masked:
            self._look_at_mask()
        self._look_at_title()
        self.touched.emit()

    def _look_at_mask(self) -> None:
        document = self._document
        known = NO_PIXELS if document is None else document.mask_bounds()
        if known != self._mask_bounds:
            self._mask_bounds = known
            self.mask_changed.emit()

    def _look_at_title(self) -> None:
        document = self._document
        if document is None:
            title = ("", "", False)
        else:
            path = document.source if is_project(document.source) else ""
            title = (document.name, path, document.modified)
        if title != self._title:
            self._title = title
            self.title_changed.emit()
