"""Accepted results that stay editable: taken over, their edge blended anew, softened: a part of CanvasSession."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from sdstudio.app.canvas_build import SMALL_PIXELS, NewState, with_state
from sdstudio.app.canvas_masks import CanvasMasks
from sdstudio.app.canvas_work import CanvasWork, Ticket
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas import patch_accept, patch_edit
from sdstudio.canvas.document import Change
from sdstudio.canvas.patch_edit import Blending, PatchLayer
from sdstudio.domain.canvas_state import CanvasState
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.patches import PatchRecord

LONG = SMALL_PIXELS + 1
"""Worth the other thread, however small the canvas is."""

CUTTING = 4
"""Cutting into tiles takes so many times as long a pixel as most else."""


@dataclass(slots=True, eq=False)
class _Edge:
    """`state` is the canvas as it was before; `wanted` what was asked for last, `shown` what the open gesture on the
    document holds (`layer`), None where that is nothing yet. `blending` is made in the other thread, once."""

    layer_id: str
    state: CanvasState
    feather: int
    wanted: int
    blending: Blending | None = None
    shown: int | None = None
    layer: PatchLayer | None = None
    running: bool = False
    accepted: bool = False
    ticket: Ticket | None = None

    def blended(self, feather: int) -> PatchLayer:
        if self.blending is None:
            record = patch_edit.record_of(self.state, self.layer_id)
            self.blending = Blending(self.state, record, self.layer_id)
        return self.blending.layer(feather)


class CanvasPatches(CanvasMasks):
    """Each of these is one item of the history. While the preview of an edge is shown nothing else can change."""

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(io, parent)
        self._edge: _Edge | None = None
        self.document_changed.connect(self._forget_edge)

    @property
    def blending(self) -> str:
        """The layer whose edge is being blended; "" for none."""
        return "" if self._edge is None else self._edge.layer_id

    def accept_patch(
        self,
        pixels: ImageBuffer,
        x: int,
        y: int,
        name: str,
        record: PatchRecord | None,
        replaces: str | None = None,
        resize: Rect | None = None,
        done: Callable[[str], None] | None = None,
    ) -> bool:
        """See `patch_accept.accepted`; `done` is told the layer's id when it is there. False where the canvas cannot
        take it now, which was said in words."""
        self.cancel_gesture()
        document = self._document
        if document is None or self._refused():
            return False
        state = document.state()

        def add(_: Ticket) -> tuple[NewState, str]:
            new, layer_id = patch_accept.accepted(state, pixels, x, y, name, record, replaces=replaces, resize=resize)
            return (NewState(new) if new.size == state.size else with_state(new)), layer_id

        def apply(found: tuple[NewState, str]) -> None:
            new, layer_id = found
            self._changed(document.apply_state(patch_accept.ACCEPT, new.state), new.base)
            if done is not None:
                done(layer_id)

        cost = CUTTING * pixels.size.pixels + (0 if resize is None else max(resize.pixels, document.size.pixels))
        self._compute(self.tr("Accepting the result"), cost, add, apply)
        return True

    def refeather(self, layer_id: str, feather: int, preview: bool = False) -> None:
        """The edge of an accepted result, in pixels. Asked for with `preview`, again and again; then without, to apply
        it. Raises KeyError, ValueError for a layer without an edge."""
        self.cancel_gesture()
        edge = self._edge
        if edge is None or edge.layer_id != layer_id:
            document = self._document
            if document is None or self._refused():
                return
            state = document.state()
            edge = _Edge(layer_id, state, patch_edit.record_of(state, layer_id).feather, feather)
            if not preview and edge.feather == feather:
                return
            self._set_edge(edge)
        edge.wanted = feather
        self._follow_edge()
        if not preview:
            self.accept_preview()

    def soften(self, layer_id: str) -> None:
        """The seam of an accepted result, without generating. Raises KeyError, ValueError as `refeather`."""
        self.cancel_gesture()
        document = self._document
        if document is None or self._refused():
            return
        state = document.state()
        patch_edit.record_of(state, layer_id)

        def find(_: Ticket) -> CanvasState | None:
            layer = patch_edit.softened_pixels(state, layer_id)
            return None if layer is None else patch_accept.changed(state, layer_id, layer)

        def apply(new: CanvasState | None) -> None:
            if new is None:
                self.note.emit(self.tr("The seam is as soft as it can be without making the result again."))
            else:
                self._changed(document.apply_state(patch_accept.SOFTEN, new))

        self._compute(self.tr("Softening the seam"), LONG, find, apply)

    def accept_preview(self) -> None:
        """What was asked for last becomes an item of the history."""
        if self._edge is None:
            super().accept_preview()
            return
        self._edge.accepted = True
        if not self._edge.running:
            self._end_edge()

    def cancel_preview(self) -> bool:
        """The canvas is as it was before, to the bit. False when there is no preview."""
        edge, document = self._edge, self._document
        if edge is None or document is None:
            return super().cancel_preview()
        if edge.ticket is not None:
            self._worker.drop(edge.ticket)
        self._set_edge(None)
        if edge.shown is not None:
            self._show(Change(document.rollback(), frozenset({edge.layer_id})))
        self._tell_rest(masked=False)
        return True

    def _follow_edge(self) -> None:
        """One computation at a time; while it runs the last wish waits."""
        edge = self._edge
        if edge is None or edge.running or edge.wanted == edge.shown:
            return
        edge.running = True
        wanted = edge.wanted

        def show(layer: PatchLayer) -> None:
            if edge is not self._edge or self._document is None:
                return
            edge.running = False
            self._show_edge(edge, wanted, layer)
            self._follow_edge()
            if edge.accepted and not edge.running:
                self._end_edge()

        def failed(error: StudioError) -> None:
            self.cancel_preview()
            self.problem.emit(error)

        work = CanvasWork(self.tr("Blending the edge"), can_cancel=False, exclusive=False)
        edge.ticket = self._worker.run(work, lambda _: edge.blended(wanted), show, failed)

    def _show_edge(self, edge: _Edge, feather: int, layer: PatchLayer) -> None:
        document = self._document
        assert document is not None
        if edge.shown is None:
            document.begin(patch_accept.EDGE)
        size = layer.pixels.size
        # All edges of one result have the same rectangle: nothing of the one before is left over.
        rect = document.grid(edge.layer_id).write(Rect(layer.x, layer.y, size.width, size.height), layer.pixels.pixels)
        edge.shown, edge.layer = feather, layer
        self._show(Change(rect, frozenset({edge.layer_id})))

    def _end_edge(self) -> None:
        edge, document = self._edge, self._document
        self._set_edge(None)
        if edge is None or document is None or edge.shown is None or edge.layer is None:
            return
        back = Change(document.rollback(), frozenset({edge.layer_id}))
        if edge.shown != edge.feather:
            state = patch_accept.changed(edge.state, edge.layer_id, edge.layer)
            back = back.united(document.apply_state(patch_accept.EDGE, state))
        self._changed(back)

    def _set_edge(self, edge: _Edge | None) -> None:
        self._edge = edge
        self._preview_words = "" if edge is None else self.tr("Blending the edge")
        self.preview_changed.emit(self._preview_words)

    def _forget_edge(self) -> None:
        if self._edge is not None:
            self._set_edge(None)
