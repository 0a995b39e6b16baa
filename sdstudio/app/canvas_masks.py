"""Commands for the whole mask, with a live preview where one has to see it: a part of CanvasSession."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject

from sdstudio.app.canvas_build import SMALL_PIXELS, NewTiles, masked
from sdstudio.app.canvas_edits import CanvasEdits
from sdstudio.app.canvas_work import CanvasWork, Ticket
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.document import Change
from sdstudio.canvas.tool_mask import MASK_LABELS, MaskWork
from sdstudio.domain.canvas_state import MASK, CanvasSnapshot, HistoryItem
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Rect

MASK_ALONE = frozenset({MASK})


@dataclass(slots=True, eq=False)
class _Preview:
    """`snapshot` is the canvas as it was before; `wanted` what was asked for last; `shown` what the open gesture on
    the document holds (`tiles`), None where that is nothing yet."""

    command: str
    snapshot: CanvasSnapshot
    wanted: int
    shown: int | None = None
    tiles: NewTiles = ()
    running: bool = False
    accepted: bool = False
    ticket: Ticket | None = None

    @property
    def label(self) -> str:
        return MASK_LABELS[self.command]


class CanvasMasks(CanvasEdits):
    """Each command is one item of the history. A preview is none until it is accepted; cancelled, it leaves no trace.

    While a preview is shown nothing else can change the canvas.
    """

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(io, parent)
        self._preview: _Preview | None = None
        self.document_changed.connect(self._forget_preview)

    def mask_invert(self) -> None:
        self._mask("invert")

    def mask_clear(self) -> None:
        self._mask("clear")

    def mask_all(self) -> None:
        self._mask("all")

    def mask_grow(self, pixels: int, preview: bool = False) -> None:
        """By so many pixels on all sides. Asked for with `preview`, again and again; then without, to apply it."""
        self._mask("grow", pixels, preview)

    def mask_shrink(self, pixels: int, preview: bool = False) -> None:
        """As `mask_grow`, inwards."""
        self._mask("shrink", pixels, preview)

    def mask_feather(self, pixels: int, preview: bool = False) -> None:
        """As `mask_grow`: a soft edge of so many pixels."""
        self._mask("feather", pixels, preview)

    def mask_fill_holes(self) -> None:
        self._mask("fill_holes")

    def mask_remove_specks(self, pixels: int) -> None:
        """Parts of fewer pixels than that."""
        self._mask("remove_specks", pixels)

    def mask_from_alpha(self) -> None:
        """What is transparent may change."""
        self._mask("from_alpha")

    def accept_preview(self) -> None:
        """What was asked for last becomes an item of the history."""
        preview = self._preview
        if preview is None:
            return
        preview.accepted = True
        if not preview.running:
            self._end_preview()

    def cancel_preview(self) -> bool:
        """The mask is as it was before, to the bit. False when there is no preview."""
        preview, document = self._preview, self._document
        if preview is None or document is None:
            return False
        if preview.ticket is not None:
            self._worker.drop(preview.ticket)
        self._set_preview(None)
        if preview.shown is not None:
            self._show(Change(document.rollback(), MASK_ALONE))
            self._let_go([HistoryItem(serial=0, label="", tiles=preview.tiles)])
        self._tell_rest()
        return True

    # How

    def _mask(self, command: str, amount: int = 0, preview: bool = False) -> None:
        self.cancel_gesture()
        under_way = self._preview
        if under_way is not None and under_way.command == command:
            under_way.wanted = amount
            self._follow_wanted()
            if not preview:
                self.accept_preview()
            return
        document = self._document
        if document is None or self._refused():
            return
        if preview:
            self._set_preview(_Preview(command, document.snapshot(), amount))
            self._follow_wanted()
            return
        snapshot, work = document.snapshot(), MaskWork(command, amount)

        def find(ticket: Ticket) -> NewTiles:
            return self._counted(masked(work, snapshot, ticket))

        def apply(tiles: NewTiles) -> None:
            self._changed(document.apply_tiles(work.label, tiles))

        self._compute(self._words(command), document.size.pixels, find, apply)

    def _follow_wanted(self) -> None:
        """One computation at a time; while it runs the last wish waits."""
        preview = self._preview
        if preview is None or preview.running or preview.wanted == preview.shown:
            return
        preview.running = True
        amount, work = preview.wanted, MaskWork(preview.command, preview.wanted)

        def find(ticket: Ticket) -> NewTiles:
            return self._counted(masked(work, preview.snapshot, ticket))

        def show(tiles: NewTiles) -> None:
            if preview is not self._preview or self._document is None:
                return
            preview.running = False
            self._show_preview(preview, amount, tiles)
            self._follow_wanted()
            if preview.accepted and not preview.running:
                self._end_preview()

        def failed(error: StudioError) -> None:
            self.cancel_preview()
            self.problem.emit(error)

        if preview.snapshot.state.size.pixels <= SMALL_PIXELS:
            self._compute_here(find, show)
        else:
            work_shown = CanvasWork(self._words(preview.command), can_cancel=False, exclusive=False)
            preview.ticket = self._worker.run(work_shown, find, show, failed)

    def _show_preview(self, preview: _Preview, amount: int, tiles: NewTiles) -> None:
        document = self._document
        assert document is not None
        rect = document.rollback() if preview.shown is not None else Rect(0, 0, 0, 0)
        self._let_go([HistoryItem(serial=0, label="", tiles=preview.tiles)])
        document.begin(preview.label)
        rect = rect.united(document.mask.replace({change.key: change.after for change in tiles}))
        preview.shown, preview.tiles = amount, tiles
        self._show(Change(rect, MASK_ALONE))
        self._look_at_mask()
        self.touched.emit()

    def _end_preview(self) -> None:
        preview, document = self._preview, self._document
        self._set_preview(None)
        if preview is not None and document is not None and preview.shown is not None:
            document.rollback()
            document.apply_tiles(preview.label, preview.tiles)
        self._tell_rest()

    def _set_preview(self, preview: _Preview | None) -> None:
        self._preview = preview
        self._preview_words = "" if preview is None else self._words(preview.command)
        self.preview_changed.emit(self._preview_words)

    def _forget_preview(self) -> None:
        if self._preview is not None:
            self._set_preview(None)

    def _words(self, command: str) -> str:
        return {
            "invert": self.tr("Inverting the mask"),
            "grow": self.tr("Growing the mask"),
            "shrink": self.tr("Shrinking the mask"),
            "feather": self.tr("Feathering the mask"),
            "fill_holes": self.tr("Filling holes"),
            "remove_specks": self.tr("Removing specks"),
            "from_alpha": self.tr("Masking what is transparent"),
        }.get(command, self.tr("Changing the mask"))
