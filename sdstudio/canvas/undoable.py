"""Layers whose changes can be taken back: gestures, and steps through the history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakMethod

from sdstudio.canvas import edits
from sdstudio.canvas.gesture import Gesture
from sdstudio.canvas.history import BUDGET, History, item_pairs, record_weights, serials
from sdstudio.canvas.layers import LayerStack, LayerTouch
from sdstudio.canvas.tiles import tiles_rect
from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, HistoryItem, Tile, TileChange, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size

NO_LAYERS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What to look at anew: document pixels (of the size it has now) and layers. `structure`: the size or the list
    of layers, their names, visibility or opacity changed. `parts`: the rectangle more exactly, where that is known; a
    large brush's is mostly what was covered before."""

    rect: Rect = NO_PIXELS
    layers: frozenset[str] = NO_LAYERS
    structure: bool = False
    parts: tuple[Rect, ...] = ()

    @property
    def rects(self) -> tuple[Rect, ...]:
        return self.parts or (self.rect,)

    def united(self, other: Change) -> Change:
        return Change(
            self.rect.united(other.rect), self.layers | other.layers, structure=self.structure or other.structure
        )


def _weakly(touch: LayerTouch) -> LayerTouch:
    """Layers that held the document that holds them would wait for the garbage collector, with all their tiles."""
    method = WeakMethod(touch)

    def call(layer: str, key: TileKey, before: Tile | None, rect: Rect) -> None:
        found = method()
        if found is not None:
            found(layer, key, before, rect)

    return call


class UndoableLayers(LayerStack):
    """Lives in one thread. Pixels change between `begin` and `commit` or `rollback` only; an edit outside raises
    RuntimeError, and so does anything else that makes a history item inside."""

    def __init__(self, snapshot: CanvasSnapshot, budget: int = BUDGET) -> None:
        self.last_change = Change()
        self._history = History(snapshot.undo, snapshot.redo, snapshot.saved_serial, budget)
        self._gesture: Gesture | None = None
        super().__init__(snapshot.state, _weakly(self._touch))
        for layer in snapshot.state.layers:
            self._history.ledger.show_all(layer.tiles.values())
            self._history.ledger.show_all(record_weights(layer.record))
        if snapshot.pending is not None:
            serials.skip(snapshot.pending.serial)
            self._gesture = Gesture.resumed(snapshot.pending)
            for change in snapshot.pending.tiles:
                self._history.ledger.show(change.after, -1)
                self._history.ledger.show(change.before)

    @property
    def history(self) -> History:
        return self._history

    @property
    def in_gesture(self) -> bool:
        return self._gesture is not None

    def begin(self, label: str) -> None:
        """What is edited from now on is one history item, `label` its words."""
        self._forbid_in_gesture()
        self._gesture = Gesture(serials.take(), label)

    def commit(self) -> Rect:
        """Ends the gesture. Returns a rectangle that holds every changed pixel; without any there is no item."""
        gesture = self._the_gesture()
        item = gesture.item(self._tile)
        changed = {(change.layer, change.key) for change in item.tiles}
        # The others go back to the very object: same serial, nothing to write to disk.
        self._restore(place for place in gesture.before() if place[:2] not in changed)
        self._gesture = None
        if item.tiles:
            self._count_tiles(item, forward=True)
            self._history.push(item)
        self._changed(item)
        return item.rect

    def rollback(self) -> Rect:
        """Ends the gesture as if it had not been. Returns a rectangle that holds every pixel that changed back."""
        gesture = self._the_gesture()
        self._restore((layer, key, before) for layer, key, before in gesture.before())
        self._gesture = None
        return self._told(Change(gesture.rect, gesture.layers)).rect

    def undo(self) -> Change | None:
        """None where there is nothing to undo."""
        self._forbid_in_gesture()
        item = self._history.step_back()
        return None if item is None else self._apply(item, forward=False)

    def redo(self) -> Change | None:
        """None where there is nothing to do again."""
        self._forbid_in_gesture()
        item = self._history.step_forward()
        return None if item is None else self._apply(item, forward=True)

    def go_to(self, position: int) -> Change | None:
        """Undo or redo until so many items are done; None where nothing is to be done. Raises IndexError."""
        if not 0 <= position <= self._history.position + len(self._history.redo_items):
            raise IndexError(position)
        self._forbid_in_gesture()
        total: Change | None = None
        steps = self._history.move_to(position)
        while steps:
            count = next((n for n, (item, _) in enumerate(steps) if item.before is not None), len(steps))
            change = self._apply_many(steps[:count]) if count else self._apply(steps[0][0], forward=steps[0][1])
            total = change if total is None else total.united(change)
            del steps[: max(count, 1)]
        if total is not None and total.structure:
            total = Change(total.rect.intersected(self.rect), total.layers, structure=True)
        self.last_change = total or Change()
        return total

    def apply_tiles(self, label: str, tiles: tuple[TileChange, ...]) -> Change:
        """Tiles that really differ, worked out elsewhere from its state as it is now, as one history item; none
        without any."""
        self._forbid_in_gesture()
        if not tiles:
            return self._told(Change())
        rect = tiles_rect((change.key for change in tiles), self.size)
        item = HistoryItem(serial=serials.take(), label=label, rect=rect, tiles=tiles)
        change = self._apply(item, forward=True)
        self._history.push(item)
        return change

    def apply_state(self, label: str, state: CanvasState) -> Change:
        """Any other state of this canvas, made from its state as it is now."""
        self._forbid_in_gesture()
        before = self.state()
        rect = edits.differing_rect(before, state)
        item = HistoryItem(serial=serials.take(), label=label, rect=rect, before=before, after=state)
        change = self._apply(item, forward=True)
        self._history.push(item)
        return change

    def _pending(self) -> HistoryItem | None:
        return None if self._gesture is None else self._gesture.pending_item(self._tile)

    def _touch(self, layer: str, key: TileKey, before: Tile | None, rect: Rect) -> None:
        if self._gesture is None:
            raise RuntimeError("pixels change between begin() and commit() only")
        self._gesture.touch(layer, key, before, rect)
        self.revision += 1

    def _tile(self, layer: str, key: TileKey) -> Tile | None:
        return self.grid(layer).tile(key)

    def _the_gesture(self) -> Gesture:
        if self._gesture is None:
            raise RuntimeError("no gesture is under way")
        return self._gesture

    def _forbid_in_gesture(self) -> None:
        if self._gesture is not None:
            raise RuntimeError(f"the gesture {self._gesture.label!r} is under way")

    def _apply(self, item: HistoryItem, *, forward: bool) -> Change:
        self._count_tiles(item, forward=forward)
        if item.before is None or item.after is None:
            self._restore((step.layer, step.key, step.after if forward else step.before) for step in item.tiles)
        else:
            self._put_state(item.after if forward else item.before)
        return self._changed(item)

    def _apply_many(self, steps: Sequence[tuple[HistoryItem, bool]]) -> Change:
        """Items of tiles, one after another: what they come to is put once."""
        first: dict[tuple[str, TileKey], Tile | None] = {}
        last: dict[tuple[str, TileKey], Tile | None] = {}
        rect = NO_PIXELS
        for item, forward in steps:
            rect = rect.united(item.rect)
            for step in item.tiles:
                gone, come = (step.before, step.after) if forward else (step.after, step.before)
                first.setdefault((step.layer, step.key), gone)
                last[step.layer, step.key] = come
        self._history.ledger.show_all(last.values())
        self._history.ledger.show_all(first.values(), -1)
        self._restore((layer, key, tile) for (layer, key), tile in last.items())
        return self._told(Change(rect, frozenset(layer for layer, _key in last)))

    def _restore(self, places: Iterable[tuple[str, TileKey, Tile | None]]) -> None:
        changes: dict[str, dict[TileKey, Tile | None]] = {}
        for layer, key, tile in places:
            changes.setdefault(layer, {})[key] = tile
        for layer, tiles in changes.items():
            self.grid(layer).restore(tiles)

    def _count_tiles(self, item: HistoryItem, *, forward: bool) -> None:
        """The ledger's view of a step: one tile goes from the canvas, another comes."""
        pairs = item_pairs(item)
        self._history.ledger.show_all(pair[forward] for pair in pairs)
        self._history.ledger.show_all((pair[not forward] for pair in pairs), -1)

    def _told(self, change: Change) -> Change:
        self.revision += 1
        self.last_change = change
        return change

    def _changed(self, item: HistoryItem) -> Change:
        return self._told(_change_of(item, self.size))


def _change_of(item: HistoryItem, size: Size) -> Change:
    if item.before is None or item.after is None:
        return Change(item.rect, frozenset(change.layer for change in item.tiles))
    names = {layer.info.id for state in (item.before, item.after) for layer in state.layers}
    if item.before.size != item.after.size:
        return Change(Rect.of(size), frozenset(names), structure=True)
    old = {layer.info.id: layer for layer in item.before.layers}
    new = {layer.info.id: layer for layer in item.after.layers}
    kept = {name for name in old.keys() & new.keys() if old[name].info == new[name].info}
    same = {name for name in kept if old[name].tiles is new[name].tiles}
    return Change(item.rect, frozenset(names - same), structure=True)
