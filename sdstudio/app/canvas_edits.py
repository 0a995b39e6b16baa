"""Undo, redo, and the layers of the canvas: a part of CanvasSession."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdstudio.app.canvas_build import NewState, NewTiles, with_state, without_pixels
from sdstudio.app.canvas_hand import CanvasHand
from sdstudio.app.canvas_work import Ticket
from sdstudio.canvas import edits, scaling
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import PAINT, CanvasState
from sdstudio.domain.geometry import Rect, Size


class CanvasEdits(CanvasHand):
    """Each of these is one item of the history, and refused in words while the canvas is busy."""

    @property
    def can_undo(self) -> bool:
        """A gesture under way can be taken back too."""
        return self.busy or (self._document is not None and self._idle and self._document.history.position > 0)

    @property
    def can_redo(self) -> bool:
        return self._document is not None and self._idle and not self.busy and bool(self._document.history.redo_items)

    def undo(self) -> None:
        """Takes the newest item back; with a gesture under way, that gesture."""
        if not self.cancel_gesture() and self._document is not None and not self._refused():
            self._changed(self._document.undo())

    def redo(self) -> None:
        self.cancel_gesture()
        if self._document is not None and not self._refused():
            self._changed(self._document.redo())

    def go_to(self, position: int) -> None:
        """To the state after so many items of the history."""
        self.cancel_gesture()
        if self._document is not None and not self._refused():
            self._changed(self._document.go_to(position))

    def set_layer(self, layer_id: str, **changes: Any) -> None:
        """`visible`, `opacity`, `name`. The mask cannot be hidden (ValueError)."""
        self._edit(lambda document: document.set_layer(layer_id, **changes))

    def remove_layer(self, layer_id: str) -> None:
        """Accepted patches can be removed, no other layer (ValueError)."""
        self._edit(lambda document: document.remove_layer(layer_id))

    def clear_paint(self) -> None:
        """The paint layer becomes empty."""
        self.cancel_gesture()
        document = self._document
        if document is None or self._refused():
            return
        state = document.state()

        def apply(tiles: NewTiles) -> None:
            self._changed(document.apply_tiles("Clear paint", tiles))

        self._compute(
            self.tr("Clearing the paint"), document.size.pixels, lambda _: without_pixels(state, PAINT), apply
        )

    def resize_canvas(self, rect: Rect) -> None:
        """The new edges, in pixels of the present canvas: crops or extends all layers."""
        self._restate(
            self.tr("Resizing the canvas"), "Resize canvas", rect, lambda state, _: edits.resized(state, rect)
        )

    def scale_picture(self, size: Size) -> None:
        """Resamples all layers."""
        self._restate(
            self.tr("Scaling the picture"),
            "Scale",
            Rect.of(size),
            lambda state, ticket: scaling.scaled(state, size, ticket.progress, ticket.cancelled),
        )

    def _edit(self, change: Callable[[CanvasDocument], object]) -> None:
        """One change that costs next to nothing."""
        self.cancel_gesture()
        document = self._document
        if document is None or self._refused():
            return
        revision = document.revision
        change(document)
        if document.revision != revision:
            self._changed(document.last_change)

    def _restate(self, words: str, label: str, rect: Rect, make: Callable[[CanvasState, Ticket], CanvasState]) -> None:
        """The whole state anew, as one item of the history."""
        self.cancel_gesture()
        document = self._document
        if document is None or self._refused() or rect == document.rect:
            return
        state = document.state()

        def apply(new: NewState) -> None:
            self._changed(document.apply_state(label, new.state), new.base)

        pixels = max(rect.pixels, document.size.pixels)
        self._compute(words, pixels, lambda ticket: with_state(make(state, ticket)), apply)
