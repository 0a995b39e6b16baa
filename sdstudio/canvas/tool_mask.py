"""Operations on the whole mask as work for another thread, computed only where the mask is (and how far it reaches)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sdstudio.canvas import mask_ops
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.edits import tiles_of
from sdstudio.canvas.layers import LayerStack, content_bounds
from sdstudio.canvas.tiles import TileGrid, keys_of, settled, tile_rect, uniform_tile
from sdstudio.domain.canvas_state import MASK, TILE, CanvasSnapshot, Tile, TileKey, Tiles
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

MASK_LABELS = {
    "invert": "Invert mask",
    "clear": "Clear mask",
    "all": "Mask everything",
    "grow": "Grow mask",
    "shrink": "Shrink mask",
    "feather": "Feather mask",
    "fill_holes": "Fill holes",
    "remove_specks": "Remove specks",
    "from_alpha": "Mask from transparency",
}
"""Name of the operation -> words for the history."""

STRIP = 2 * TILE
"""Rows that are computed together; between them there is progress, and time to cancel."""

Changes = dict[TileKey, Tile | None]


@dataclass(frozen=True, slots=True, eq=False)
class MaskPatch:
    """The mask's tiles that become others; None = all 0."""

    label: str
    changes: Changes

    def lay(self, document: CanvasDocument) -> Rect:
        """Within a gesture of the caller's (a preview that is rolled back). Returns the tiles' rectangle."""
        return document.mask.replace(self.changes)

    def apply(self, document: CanvasDocument) -> Rect:
        """As one history item, on the document of which the snapshot was taken. Returns what has changed."""
        document.begin(self.label)
        try:
            self.lay(document)
        except BaseException:
            document.rollback()
            raise
        return document.commit()


@dataclass(frozen=True, slots=True)
class MaskWork:
    """`name`: a key of MASK_LABELS; `amount`: pixels of radius (grow, shrink, feather: up to mask_ops.RADIUS_MAX) or
    of area (remove_specks)."""

    name: str
    amount: int = 0

    def __post_init__(self) -> None:
        if self.name not in MASK_LABELS:
            raise ValueError(f"no operation on masks is called {self.name!r}")

    @property
    def label(self) -> str:
        return MASK_LABELS[self.name]

    def run(
        self,
        snapshot: CanvasSnapshot,
        progress: Callable[[float], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> MaskPatch:
        """In any thread. Raises CancelledByUser."""
        changes: Changes = {}
        for done, part in self._parts(snapshot):
            if cancel is not None and cancel():
                raise CancelledByUser("the mask's change was cancelled")
            changes.update(part)
            if progress is not None:
                progress(done)
        return MaskPatch(self.label, changes)

    def _parts(self, snapshot: CanvasSnapshot) -> Iterator[tuple[float, Changes]]:
        size, tiles = snapshot.state.size, snapshot.state.layer(MASK).tiles
        if self.name in ("invert", "clear", "all"):
            yield 1.0, _tile_by_tile(self.name, size, tiles)
        elif self.name == "from_alpha":
            yield from _from_alpha(LayerStack(snapshot.state, _forbid))
        elif self.name in ("fill_holes", "remove_specks"):
            yield 1.0, self._at_once(TileGrid(size, 1, tiles))
        elif self.amount > 0:
            yield from self._in_strips(TileGrid(size, 1, tiles))

    def _at_once(self, mask: TileGrid) -> Changes:
        """What hangs together may do so all over the canvas."""
        box = content_bounds(mask)
        if box.empty:
            return {}
        before = mask.read(box)
        after = (
            mask_ops.fill_holes(before) if self.name == "fill_holes" else mask_ops.remove_specks(before, self.amount)
        )
        return _changes(after, box, mask.size)

    def _in_strips(self, mask: TileGrid) -> Iterator[tuple[float, Changes]]:
        radius = min(self.amount, mask_ops.RADIUS_MAX)
        operation = {"grow": mask_ops.grow, "shrink": mask_ops.shrink, "feather": mask_ops.feather}[self.name]
        reach = mask_ops.feather_reach(radius) if self.name == "feather" else radius
        canvas = Rect.of(mask.size)
        box = content_bounds(mask).grown(1 if self.name == "shrink" else reach).intersected(canvas)
        for top in range(box.y // STRIP * STRIP, box.bottom, STRIP):
            strip = Rect(box.x, top, box.width, STRIP).intersected(box)
            source = strip.grown(reach).intersected(canvas)
            after = operation(mask.read(source), radius)
            part = after[strip.moved(-source.x, -source.y).slices]
            yield (strip.bottom - box.y) / box.height, _changes(part, strip, mask.size)


def _changes(after: Pixels, place: Rect, size: Size) -> Changes:
    """All of the mask within those tiles has to lie in `place`."""
    made = tiles_of(after, place.x, place.y, size)
    return {key: made.get(key) for key in keys_of(place)}


def _tile_by_tile(name: str, size: Size, tiles: Tiles) -> Changes:
    changes: Changes = {}
    for key in keys_of(Rect.of(size)):
        tile, whole = tiles.get(key), tile_rect(key, size)
        if name == "clear":
            changes[key] = None
        elif name == "all" or tile is None:
            changes[key] = uniform_tile((255,), whole.width, whole.height)
        else:
            changes[key] = _tile(mask_ops.invert(tile.pixels), whole)
    return changes


def _from_alpha(stack: LayerStack) -> Iterator[tuple[float, Changes]]:
    """What is seen: picture, patches and paint together."""
    rows = -(-stack.size.height // TILE)
    for row in range(rows):
        strip = Rect(0, row * TILE, stack.size.width, TILE).intersected(stack.rect)
        changes: Changes = {}
        for key in keys_of(strip):
            whole = tile_rect(key, stack.size)
            made = tiles_of(mask_ops.from_alpha(stack.composite(whole)), whole.x, whole.y, stack.size)
            changes[key] = made.get(key)
        yield (row + 1) / rows, changes


def _tile(pixels: Pixels, whole: Rect) -> Tile | None:
    """0 beyond the canvas, as tiles have to be."""
    pixels[whole.height :] = 0
    pixels[:, whole.width :] = 0
    return settled(pixels, whole.width, whole.height)


def _forbid(*_: object) -> None:
    raise RuntimeError("a snapshot does not change")
