"""Flood fill and magic wand: where the picture's colour is like the one that was clicked, all at once or connected.

Works block by block on whatever gives pixels (a snapshot's layers in another thread). A flood looks only at blocks
that it reaches: in each the alike pixels become connected regions (`fill_regions`), and the reached ones hand on to
the neighbours across the borders. Pixels hang together by their sides, not by their corners.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sdstudio.canvas.fill_regions import Flags, Ints, Regions, regions
from sdstudio.canvas.tiles import keys_of
from sdstudio.canvas.tool_coverage import FULL, Coverage
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import Pixels

BLOCK = 2 * TILE
"""Pixels a side: what is compared and labelled at once fits into the processor's cache."""

Provider = Callable[[Rect], Pixels]
"""Height x width x 4, straight alpha, for a rectangle within the canvas."""

Progress = Callable[[float], None]
Cancel = Callable[[], bool]

_ALL_FOUR = np.frombuffer(b"\x01\x01\x01\x01", np.uint32)[0]


def alike(pixels: Pixels, colour: tuple[int, int, int, int], tolerance: int) -> Flags:
    """Where no channel differs by more than `tolerance` (0 to 255). The RGB of fully transparent pixels says nothing:
    between them and others alpha alone is compared."""
    height, width = pixels.shape[:2]
    if colour[3] == 0:
        return np.asarray(pixels[..., 3] <= tolerance)
    low = np.maximum(np.array(colour) - tolerance, 0)
    span = (np.minimum(np.array(colour) + tolerance, 255) - low).astype(np.uint8)
    flat = np.ascontiguousarray(pixels).reshape(height, width * 4)
    near = (flat - np.tile(low.astype(np.uint8), width)) <= np.tile(span, width)  # below `low` it wraps round
    found = near.view(np.uint32) == _ALL_FOUR
    clear = flat.view("<u4") < 1 << 24  # alpha is the highest byte
    if clear.any():
        found[clear] = colour[3] <= tolerance
    return np.asarray(found)


def flood(
    provider: Provider,
    size: Size,
    start: tuple[int, int],
    tolerance: int,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Coverage:
    """What hangs together with the pixel `start` (column, row). Outside the canvas nothing does.
    Raises CancelledByUser."""
    if not (0 <= start[0] < size.width and 0 <= start[1] < size.height):
        return Coverage({}, NO_PIXELS)
    work = _Flood(provider, size, start, tolerance)
    for done in work.run():
        if cancel is not None and cancel():
            raise CancelledByUser("the fill was cancelled")
        if progress is not None:
            progress(done)
    found = work.result()
    if progress is not None:
        progress(1.0)
    return found


def similar(
    provider: Provider,
    size: Size,
    start: tuple[int, int],
    tolerance: int,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Coverage:
    """Everything like the pixel `start`, wherever it is. Raises CancelledByUser."""
    if not (0 <= start[0] < size.width and 0 <= start[1] < size.height):
        return Coverage({}, NO_PIXELS)
    colour = _colour_at(provider, start)
    tiles: dict[TileKey, Pixels] = {}
    blocks = list(_blocks(size))
    for number, rect in enumerate(blocks, 1):
        if cancel is not None and cancel():
            raise CancelledByUser("the selection was cancelled")
        _put(tiles, rect, alike(provider(rect), colour, tolerance))
        if progress is not None:
            progress(number / len(blocks))
    return _covered(tiles, size)


@dataclass(slots=True, eq=False)
class _Block:
    """`sides`: labels along the left, top, right and lower edge, with the step to the neighbour there."""

    rect: Rect
    found: Regions
    sides: tuple[tuple[tuple[int, int], Ints], ...]
    reached: Flags
    queued: bool = False


class _Flood:
    def __init__(self, provider: Provider, size: Size, start: tuple[int, int], tolerance: int) -> None:
        self._provider = provider
        self._size = size
        self._colour = _colour_at(provider, start)
        self._tolerance = tolerance
        self._start = start
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._queue: deque[tuple[int, int]] = deque()

    def run(self) -> Iterator[float]:
        """Yields how much is done at most, after each block."""
        total = len(list(_blocks(self._size)))
        key = (self._start[0] // BLOCK, self._start[1] // BLOCK)
        block = self._block(key)
        labels = block.found.row(self._start[1] - block.rect.y)
        self._reach(key, labels[[self._start[0] - block.rect.x]])
        while self._queue:
            key = self._queue.popleft()
            block = self._blocks[key]
            block.queued = False
            for (across, down), labels in block.sides:
                self._hand_on((key[0] + across, key[1] + down), (-across, -down), block.reached[labels])
            yield len(self._blocks) / (total + 1)

    def result(self) -> Coverage:
        tiles: dict[TileKey, Pixels] = {}
        for block in self._blocks.values():
            if block.reached.any():
                _put(tiles, block.rect, block.found.paint(block.reached[:-1]))
        return _covered(tiles, self._size)

    def _hand_on(self, key: tuple[int, int], back: tuple[int, int], reached: Flags) -> None:
        if not reached.any() or not (
            0 <= key[0] * BLOCK < self._size.width and 0 <= key[1] * BLOCK < self._size.height
        ):
            return
        labels = next(labels for step, labels in self._block(key).sides if step == back)
        self._reach(key, labels[reached])

    def _reach(self, key: tuple[int, int], labels: Ints) -> None:
        block = self._blocks[key]
        new = labels[(labels >= 0) & ~block.reached[labels]]
        if new.size:
            block.reached[new] = True
            if not block.queued:
                block.queued = True
                self._queue.append(key)

    def _block(self, key: tuple[int, int]) -> _Block:
        block = self._blocks.get(key)
        if block is None:
            rect = Rect(key[0] * BLOCK, key[1] * BLOCK, BLOCK, BLOCK).intersected(Rect.of(self._size))
            found = regions(alike(self._provider(rect), self._colour, self._tolerance))
            sides = (
                ((-1, 0), found.column()),
                ((0, -1), found.row(0)),
                ((1, 0), found.column(last=True)),
                ((0, 1), found.row(rect.height - 1)),
            )
            # one flag more, never set, for the -1 of pixels that are not alike
            block = self._blocks[key] = _Block(rect, found, sides, np.zeros(found.count + 1, np.bool_))
        return block


def _colour_at(provider: Provider, point: tuple[int, int]) -> tuple[int, int, int, int]:
    red, green, blue, alpha = (int(part) for part in provider(Rect(point[0], point[1], 1, 1))[0, 0])
    return red, green, blue, alpha


def _blocks(size: Size) -> Iterator[Rect]:
    for top in range(0, size.height, BLOCK):
        for left in range(0, size.width, BLOCK):
            yield Rect(left, top, BLOCK, BLOCK).intersected(Rect.of(size))


def _put(tiles: dict[TileKey, Pixels], rect: Rect, found: Flags) -> None:
    if not found.any():
        return
    for key in keys_of(rect):
        whole = Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)
        part = found[whole.moved(-rect.x, -rect.y).intersected(Rect(0, 0, rect.width, rect.height)).slices]
        if part.all():
            tiles[key] = FULL
        elif part.any():
            tile = tiles[key] = np.zeros((TILE, TILE), np.uint8)
            tile[: part.shape[0], : part.shape[1]] = np.where(part, np.uint8(255), np.uint8(0))


def _covered(tiles: Mapping[TileKey, Pixels], size: Size) -> Coverage:
    rect = NO_PIXELS
    for column, row in tiles:
        rect = rect.united(Rect(column * TILE, row * TILE, TILE, TILE))
    return Coverage(tiles, rect.intersected(Rect.of(size)))
