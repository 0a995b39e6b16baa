"""What the hand will write to next is copied before it is there, in the other thread.

A tile that is frozen (by the snapshots of the journal, or since before the stroke) is copied at its first write; a
large brush at speed comes to a dozen of them in one frame, out of memory that no cache holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdstudio.app.canvas_pace import HandPace, step_back
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.spare import SpareTiles
from sdstudio.canvas.tiles import TileGrid, keys_of
from sdstudio.domain.canvas_state import Tile, TileKey
from sdstudio.domain.geometry import Rect

FRAMES = 4
"""How far ahead: the other thread works only between two frames, and needs one to wake."""

Point = tuple[float, float]


class LookAhead:
    """In the window's thread; the copies are made in that of `io`, between the hand's frames."""

    def __init__(self, io: IoWorker, pace: HandPace) -> None:
        self._io = io
        self._pace = pace
        self._was: Point | None = None
        self._copying = False

    def begin(self, point: Point) -> None:
        """A gesture begins there."""
        self._was = point

    def stay(self, grid: TileGrid, parts: Sequence[Rect]) -> None:
        """The document was frozen in the middle of a gesture, of which `parts` changed last."""
        self._copy(grid, {key for part in parts for key in keys_of(part)})

    def go_on(self, grid: TileGrid, parts: Sequence[Rect], point: Point) -> None:
        """The gesture came to a point, with changes in `parts`: it will probably go on as fast in this direction."""
        was, self._was = self._was, point
        if was is None or self._copying:
            return
        across, down = point[0] - was[0], point[1] - was[1]
        steps = [(round(across * number), round(down * number)) for number in range(1, FRAMES + 1)]
        self._copy(grid, {key for part in parts for step in steps for key in keys_of(part.moved(*step))})

    def _copy(self, grid: TileGrid, keys: Iterable[TileKey]) -> None:
        spare = grid.spare
        tiles = spare.missing(grid.frozen(keys))
        if tiles:
            self._copying = True
            self._io.submit(lambda: _copy_ahead(spare, tiles, self._pace), self._copied)

    def _copied(self, _nothing: None) -> None:
        self._copying = False


def _copy_ahead(spare: SpareTiles, tiles: list[Tile], pace: HandPace) -> None:
    step_back()
    spare.copy_ahead(tiles, pace.rest)
