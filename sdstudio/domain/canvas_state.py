"""What a canvas holds at one moment, as values: tiles that never change, layers, and the history of changes.

Everything here may be read by several threads at once: a save or the autosave works on a snapshot while the hand
paints on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.domain.patches import PatchRecord

TILE = 256
"""Pixels a side. A stroke's undo costs whole tiles: larger ones waste memory, smaller ones time."""

MAX_SIDE = 16384
"""Pixels a side of the largest canvas."""

PICTURE, PAINT, MASK = "picture", "paint", "mask"
"""Ids of the layers that every canvas has; accepted patches are called patch-1, patch-2, …"""

TileKey = tuple[int, int]
"""Column and row."""

_serials = itertools.count(1)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """TILE x TILE x 4 uint8 (straight alpha) or TILE x TILE uint8 (mask), read-only.

    The same serial means the same pixels, for as long as the program runs. Beyond the canvas's edge pixels are 0.
    """

    pixels: Pixels
    serial: int = field(default_factory=lambda: next(_serials))

    def __post_init__(self) -> None:
        if self.pixels.flags.writeable:
            self.pixels.setflags(write=False)

    @property
    def nbytes(self) -> int:
        """Memory that it takes; tiles of one value share theirs (a broadcast array)."""
        return (
            int(self.pixels.base.nbytes)
            if 0 in self.pixels.strides and self.pixels.base is not None
            else int(self.pixels.nbytes)
        )


Tiles = Mapping[TileKey, Tile]
"""A missing tile is all 0: transparent black, or not masked."""

NO_TILES: Tiles = MappingProxyType({})


class LayerKind(StrEnum):
    PICTURE = "picture"
    PATCH = "patch"
    PAINT = "paint"
    MASK = "mask"

    @property
    def channels(self) -> int:
        return 1 if self is LayerKind.MASK else 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerInfo:
    """`opacity` 0 to 1. A mask is always visible: it can never be active and hidden."""

    id: str
    kind: LayerKind
    name: str = ""
    visible: bool = True
    opacity: float = 1.0

    def with_changes(self, **changes: object) -> LayerInfo:
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerState:
    """`record`: what an accepted result was made from; None for every other layer, and where that is not known."""

    info: LayerInfo
    tiles: Tiles
    record: PatchRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CanvasState:
    """Size and layers, bottom to top: the picture, patches, the paint layer, the mask."""

    size: Size
    layers: tuple[LayerState, ...]

    def layer(self, layer_id: str) -> LayerState:
        """Raises KeyError."""
        for layer in self.layers:
            if layer.info.id == layer_id:
                return layer
        raise KeyError(layer_id)


@dataclass(frozen=True, slots=True, eq=False)
class TileChange:
    """One tile of one layer, before and after; None = all 0."""

    layer: str
    key: TileKey
    before: Tile | None
    after: Tile | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryItem:
    """One gesture. Either tiles changed, or the whole state did (size, layers): then `before` and `after` are set,
    and `tiles` is empty. States share the tiles that did not change."""

    serial: int
    label: str
    rect: Rect = NO_PIXELS
    tiles: tuple[TileChange, ...] = ()
    before: CanvasState | None = None
    after: CanvasState | None = None


def let_go(items: list[HistoryItem]) -> None:
    """Frees what nobody else holds, tile by tile: for another thread, so that the others get their turn meanwhile.
    (In one go a thousand tiles take 50 ms, in which no other thread of Python runs.) Empties the list."""
    while items:
        item = items.pop()
        changes = list(item.tiles)
        states = [state for state in (item.before, item.after) if state is not None]
        tiles = [tile for state in states for layer in state.layers for tile in layer.tiles.values()]
        del item, states
        while changes:
            changes.pop()
        while tiles:
            tiles.pop()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CanvasOrigin:
    """The file that a canvas was opened from, as it was then, and the tiles that can be had from it again.

    `tiles`: serial -> layer and place in it. `modified_ns`: nanoseconds, as the file system gives them.
    """

    path: str
    nbytes: int
    modified_ns: int
    tiles: Mapping[int, tuple[str, TileKey]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CanvasSnapshot:
    """All of a canvas: what it shows, what can be undone (oldest first) and done again (next first).

    `pending` is the gesture under way, its tiles as they are now; `state` includes it. `source` is the file the
    canvas came from or was saved to, "" for none; `saved_serial` the history's position when it was last saved
    (0 = as opened, -1 = never saved). `origin` is None where no file holds any of it.
    """

    name: str
    source: str
    state: CanvasState
    undo: tuple[HistoryItem, ...] = ()
    redo: tuple[HistoryItem, ...] = ()
    pending: HistoryItem | None = None
    saved_serial: int = -1
    origin: CanvasOrigin | None = None
