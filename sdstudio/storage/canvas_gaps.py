"""A canvas that was not yet whole on the disk: back to the last moment that is, or what is left, said in words."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, HistoryItem, Tile, TileKey

NOT_ALL = "Not everything was on the disk yet when SD Studio ended"
IN_NO_FILE = "It was in no file."


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """`tiles`: those that stand for pixels which are lost; `why`: one sentence."""

    tiles: Set[Tile]
    why: str = IN_NO_FILE

    def in_state(self, state: CanvasState) -> bool:
        return any(tile in self.tiles for layer in state.layers for tile in layer.tiles.values())

    def in_item(self, item: HistoryItem) -> bool:
        return any(tile in self.tiles for tile in _tiles(item))


def without_gaps(snapshot: CanvasSnapshot, gaps: Gaps) -> tuple[CanvasSnapshot, str]:
    """The newest state of the history that is whole, with as much of the history as is; where there is none the
    newest state with what is missing left empty. And what that means, in words; "" where nothing is missing."""
    if not gaps.tiles:
        return snapshot, ""
    undo, state = list(snapshot.undo), snapshot.state
    while gaps.in_state(state) and undo:
        state = state_before(undo.pop(), state)
    if gaps.in_state(state):
        holed = replace(snapshot, state=_emptied(snapshot.state, gaps), saved_serial=-1)
        words = f"{NOT_ALL}: a part of the picture is missing and left empty. {gaps.why}"
        return _with_whole_history(holed, gaps), words
    lost = snapshot.undo[len(undo) :]
    if not lost:
        found = _with_whole_history(snapshot, gaps)
        cut = len(found.undo) < len(snapshot.undo) or len(found.redo) < len(snapshot.redo)
        return found, f"{NOT_ALL}: the canvas is as it was, but a part of its history is gone." if cut else ""
    saved = -1 if snapshot.saved_serial in {item.serial for item in (*lost, *snapshot.redo)} else snapshot.saved_serial
    earlier = replace(snapshot, state=state, undo=tuple(undo), redo=(), saved_serial=saved)
    words = f"{NOT_ALL}: the canvas is as it was before “{lost[0].label}”."
    return _with_whole_history(earlier, gaps), words


def state_before(item: HistoryItem, state: CanvasState) -> CanvasState:
    """`state` is the one after the item."""
    if item.before is not None:
        return item.before
    changed: dict[str, dict[TileKey, Tile | None]] = {}
    for change in item.tiles:
        changed.setdefault(change.layer, {})[change.key] = change.before
    layers = []
    for layer in state.layers:
        tiles = {**layer.tiles, **changed.get(layer.info.id, {})}
        kept = {key: tile for key, tile in tiles.items() if tile is not None}
        layers.append(replace(layer, tiles=kept))
    return CanvasState(size=state.size, layers=tuple(layers))


def _with_whole_history(snapshot: CanvasSnapshot, gaps: Gaps) -> CanvasSnapshot:
    """Undo as far back, and redo as far forward, as nothing is missing."""
    first = next((n for n in range(len(snapshot.undo), 0, -1) if gaps.in_item(snapshot.undo[n - 1])), 0)
    last = next((n for n, item in enumerate(snapshot.redo) if gaps.in_item(item)), len(snapshot.redo))
    saved = snapshot.saved_serial
    gone = [item.serial for item in snapshot.undo[:first]]
    if gone and saved == gone[-1]:
        saved = 0
    elif saved in (gone and [0, *gone]) or saved in [item.serial for item in snapshot.redo[last:]]:
        saved = -1
    return replace(snapshot, undo=snapshot.undo[first:], redo=snapshot.redo[:last], saved_serial=saved)


def _emptied(state: CanvasState, gaps: Gaps) -> CanvasState:
    layers = []
    for layer in state.layers:
        kept = {key: tile for key, tile in layer.tiles.items() if tile not in gaps.tiles}
        layers.append(replace(layer, tiles=kept))
    return CanvasState(size=state.size, layers=tuple(layers))


def _tiles(item: HistoryItem) -> Iterator[Tile]:
    for change in item.tiles:
        yield from (tile for tile in (change.before, change.after) if tile is not None)
    for state in (item.before, item.after):
        for layer in state.layers if state is not None else ():
            yield from layer.tiles.values()
