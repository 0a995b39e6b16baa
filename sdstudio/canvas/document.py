"""A canvas that can be edited: layers in tiles, one history item a gesture, snapshots that cost nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdstudio.canvas import edits, patch_accept, patch_edit, scaling
from sdstudio.canvas.history import BUDGET
from sdstudio.canvas.layers import STANDARD_LAYERS
from sdstudio.canvas.undoable import Change, UndoableLayers
from sdstudio.domain.canvas_state import (
    PICTURE,
    CanvasSnapshot,
    CanvasState,
    LayerInfo,
    LayerKind,
    LayerState,
    Tile,
    TileKey,
)
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.patches import PatchRecord

__all__ = ["CanvasDocument", "Change"]


class CanvasDocument(UndoableLayers):
    """Where it comes from and goes to, and the changes of whole layers; pixels are painted through `grid` between
    `begin` and `commit`."""

    def __init__(self, snapshot: CanvasSnapshot, budget: int = BUDGET) -> None:
        self.name = snapshot.name
        self.source = snapshot.source
        self.origin = snapshot.origin
        super().__init__(snapshot, budget)

    @classmethod
    def from_image(cls, image: ImageBuffer, name: str = "", source: str = "") -> CanvasDocument:
        """Raises InvalidRequest("size")."""
        edits.check_size(image.size)
        return cls._fresh(image.size, edits.tiles_of(image.pixels), name, source)

    @classmethod
    def blank(cls, size: Size, colour: tuple[int, int, int, int] | None = None, name: str = "") -> CanvasDocument:
        """`colour` RGBA; None: transparent. Raises InvalidRequest("size")."""
        edits.check_size(size)
        return cls._fresh(size, edits.uniform_tiles(size, colour or (0, 0, 0, 0)), name, "")

    @classmethod
    def from_snapshot(cls, snapshot: CanvasSnapshot) -> CanvasDocument:
        """With its history; a pending gesture is under way again."""
        return cls(snapshot)

    @classmethod
    def _fresh(cls, size: Size, picture: dict[TileKey, Tile], name: str, source: str) -> CanvasDocument:
        layers = tuple(LayerState(info=info, tiles=picture if info.id == PICTURE else {}) for info in STANDARD_LAYERS)
        state = CanvasState(size=size, layers=layers)
        return cls(CanvasSnapshot(name=name, source=source, state=state, saved_serial=0))

    # One history item each

    def set_layer(self, layer_id: str, **changes: Any) -> Change:
        """`name`, `visible`, `opacity`. Raises KeyError, and ValueError for what the mask cannot be: hidden, faint."""
        info = self.layer(layer_id)
        changed = info.with_changes(**changes)
        if changed.id != info.id or changed.kind != info.kind:
            raise ValueError("a layer keeps its id and its kind")
        if info.kind is LayerKind.MASK and (not changed.visible or changed.opacity != 1.0):
            raise ValueError("a mask is always visible")
        if changed == info:
            return Change()
        before = self.state()
        layers = tuple(replace(layer, info=changed) if layer.info.id == layer_id else layer for layer in before.layers)
        return self.apply_state(_setting_label(info, changed), CanvasState(size=self.size, layers=layers))

    def remove_layer(self, layer_id: str) -> Change:
        """A patch. Raises KeyError, and ValueError for the layers that every canvas has."""
        if self.layer(layer_id).kind is not LayerKind.PATCH:
            raise ValueError(f"the layer {layer_id!r} stays")
        layers = tuple(layer for layer in self.state().layers if layer.info.id != layer_id)
        return self.apply_state("Remove layer", CanvasState(size=self.size, layers=layers))

    def accept_patch(
        self,
        pixels: ImageBuffer,
        x: int,
        y: int,
        name: str,
        record: PatchRecord | None,
        replaces: str | None = None,
        resize: Rect | None = None,
    ) -> str:
        """An accepted result as one item, see `patch_accept.accepted`. Returns the layer's id."""
        state, layer_id = patch_accept.accepted(
            self.state(), pixels, x, y, name, record, replaces=replaces, resize=resize
        )
        self.apply_state(patch_accept.ACCEPT, state)
        return layer_id

    def refeather(self, layer_id: str, feather: int) -> Change:
        """An accepted result with another edge. Raises KeyError, ValueError for a layer without an edge."""
        state = self.state()
        if patch_edit.record_of(state, layer_id).feather == feather:
            return Change()
        layer = patch_edit.refeathered_pixels(state, layer_id, feather)
        return self.apply_state(patch_accept.EDGE, patch_accept.changed(state, layer_id, layer))

    def soften(self, layer_id: str) -> Change:
        """The seam of an accepted result softened without generating; no item where nothing gets better. Raises
        KeyError, ValueError."""
        state = self.state()
        layer = patch_edit.softened_pixels(state, layer_id)
        if layer is None:
            return Change()
        return self.apply_state(patch_accept.SOFTEN, patch_accept.changed(state, layer_id, layer))

    def resize_canvas(self, rect: Rect) -> Change:
        """Crops or extends all layers: `rect` is the new canvas in the old one's coordinates. What is new is
        transparent and unmasked. Raises InvalidRequest("size")."""
        if rect == self.rect:
            return Change()
        return self.apply_state("Resize canvas", edits.resized(self.state(), rect))

    def scale(
        self, size: Size, on_progress: scaling.Progress | None = None, cancel: scaling.Cancel | None = None
    ) -> Change:
        """Resamples all layers (`scaling.scaled`, which can as well be called on a snapshot in another thread, its
        result handed to `apply_state`). Raises InvalidRequest("size"), CancelledByUser."""
        if size == self.size:
            return Change()
        return self.apply_state("Scale", scaling.scaled(self.state(), size, on_progress, cancel))

    # Snapshots

    def snapshot(self) -> CanvasSnapshot:
        """All of it as values that never change; cheap, in a gesture too."""
        return CanvasSnapshot(
            name=self.name,
            source=self.source,
            state=self.state(),
            undo=self._history.undo_items,
            redo=self._history.redo_items,
            pending=self._pending(),
            saved_serial=self._history.saved_serial,
            origin=self.origin,
        )

    def saved(self, source: str, snapshot: CanvasSnapshot | None = None) -> None:
        """As it was in `snapshot` (None: as it is now) it has been written to `source`."""
        serial = self._history.serial if snapshot is None else (snapshot.undo[-1].serial if snapshot.undo else 0)
        self.source = source
        self._history.saved_serial = serial if self._history.has(serial) else -1

    @property
    def modified(self) -> bool:
        """Whether it differs from what was opened or saved last; a gesture under way counts when it is committed."""
        return self._history.saved_serial != self._history.serial


def _setting_label(before: LayerInfo, after: LayerInfo) -> str:
    if before.visible != after.visible:
        return "Show layer" if after.visible else "Hide layer"
    return "Layer opacity" if before.opacity != after.opacity else "Rename layer"
