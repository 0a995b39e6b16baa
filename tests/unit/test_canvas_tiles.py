"""Tiles: read, write, fill, copy on write, sharing; and blending."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.blend import is_opaque, over, premultiplied
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.edits import tiles_of
from sdstudio.canvas.pyramid import Pyramid
from sdstudio.canvas.spare import AHEAD, KEPT, SpareTiles
from sdstudio.canvas.tiles import TileGrid, keys_of
from sdstudio.domain.canvas_state import TILE, Tile, TileKey
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from tests.helpers.canvas_moves import noise, rects
from tests.helpers.slow_canvas import over_exactly

SIZE = Size(700, 300)


def grid_of(channels: int) -> TileGrid:
    return TileGrid(SIZE, channels, tiles_of(noise(1, SIZE.height, SIZE.width, channels)))


@settings(max_examples=20)
@given(st.sampled_from([1, 4]), rects, rects, rects)
def test_reads_and_writes_are_those_of_one_array(channels: int, written: Rect, filled: Rect, read: Rect) -> None:
    grid = grid_of(channels)
    whole = noise(1, SIZE.height, SIZE.width, channels)
    around = np.zeros((650, 1000, *whole.shape[2:]), np.uint8)
    canvas = around[50 : 50 + SIZE.height, 50 : 50 + SIZE.width]
    canvas[:] = whole

    pixels = noise(2, written.height, written.width, channels)
    value = 77 if channels == 1 else (1, 2, 3, 4)
    assert grid.write(written, pixels).pixels == written.intersected(Rect.of(SIZE)).pixels
    grid.fill(filled, value)
    around[written.moved(50, 50).slices] = pixels
    around[filled.moved(50, 50).slices] = value
    outside = np.ones(around.shape[:2], bool)
    outside[50 : 50 + SIZE.height, 50 : 50 + SIZE.width] = False
    around[outside] = 0
    assert np.array_equal(grid.read(read), around[read.moved(50, 50).slices])
    for key, tile in grid.freeze().items():
        expected = around[Rect(50 + key[0] * TILE, 50 + key[1] * TILE, TILE, TILE).slices]
        assert np.array_equal(tile.pixels, expected)


def test_a_frozen_state_never_changes_and_untouched_tiles_are_the_same_object() -> None:
    grid = grid_of(4)
    before = grid.freeze()
    assert grid.freeze() is before
    pixels = {key: tile.pixels.copy() for key, tile in before.items()}
    for view, _part in grid.edit(Rect(10, 10, 300, 20)):
        view[:] = 5
    grid.freeze()
    for view, _part in grid.edit(Rect(10, 10, 20, 20)):
        view[:] = 6
    after = grid.freeze()
    assert all(np.array_equal(tile.pixels, pixels[key]) for key, tile in before.items())
    assert {key for key in before if before[key] is not after[key]} == {(0, 0), (1, 0)}
    with pytest.raises(ValueError, match="read-only"):
        after[0, 0].pixels[0, 0] = 1
    assert tuple(grid.read(Rect(10, 10, 1, 1))[0, 0]) == (6, 6, 6, 6)


def test_tiles_of_one_value_cost_a_reference() -> None:
    grid = TileGrid(Size(4096, 4096), 1)
    grid.fill(Rect(0, 0, 4096, 4096), 255)
    assert len({id(tile) for tile in grid.freeze().values()}) == 1
    assert sum(tile.nbytes for tile in set(grid.freeze().values())) == 1
    for view, _part in grid.edit(Rect(100, 100, 10, 10)):
        view[:] = 0
    assert sum(tile.nbytes for tile in set(grid.freeze().values())) == 1 + TILE * TILE
    for view, _part in grid.edit(Rect(0, 0, TILE, TILE)):
        view[:] = 255
    assert len({id(tile) for tile in grid.freeze().values()}) == 1
    grid.fill(Rect(0, 0, 4096, 4096), 0)
    assert not grid.freeze()


def test_a_tile_that_becomes_all_zero_is_gone() -> None:
    grid = grid_of(4)
    for view, _part in grid.edit(Rect(0, 0, TILE, TILE)):
        view[:] = 0
    assert grid.keys() >= {(0, 0)} and grid.tile((0, 0)) is None and (0, 0) not in grid.freeze()


def test_whoever_watches_is_told_before_and_may_forbid() -> None:
    told: list[tuple[TileKey, Tile | None, Rect]] = []
    grid = TileGrid(SIZE, 1, on_touch=lambda key, before, rect: told.append((key, before, rect)))
    grid.fill(Rect(250, 0, 300, 256), 9)
    assert [key for key, _before, _rect in told] == [(0, 0), (1, 0), (2, 0)]
    assert all(before is None for _key, before, _rect in told)
    assert told[2][2] == Rect(512, 0, 38, 256)
    first = grid.tile((0, 0))
    grid.replace({(0, 0): None})
    assert told[3] == ((0, 0), first, Rect(0, 0, 256, 256))
    assert grid.restore({(0, 0): first}) == Rect(0, 0, 256, 256) and len(told) == 4

    def forbid(key: TileKey, before: Tile | None, rect: Rect) -> None:
        raise RuntimeError

    closed = TileGrid(SIZE, 1, on_touch=forbid)
    with pytest.raises(RuntimeError):
        closed.fill(Rect(0, 0, 9, 9), 1)
    assert not closed.freeze()


def test_nothing_is_written_outside() -> None:
    grid = TileGrid(SIZE, 4)
    assert grid.fill(Rect(700, 0, 50, 50), (1, 1, 1, 1)).empty
    assert grid.write(Rect(-50, -50, 50, 50), np.ones((50, 50, 4), np.uint8)).empty
    assert not grid.freeze() and list(keys_of(NO_PIXELS)) == []


@settings(max_examples=40)
@given(st.integers(0, 999), st.booleans(), st.sampled_from([1.0, 0.5, 0.01, 0.0]))
def test_over_is_the_exact_value_rounded(seed: int, opaque: bool, opacity: float) -> None:
    below, source = noise(seed, 40, 50), noise(seed + 1, 40, 50)
    if opaque:
        below[..., 3] = 255
    result = over(below, source, opacity)
    faded = source.astype(float)
    faded[..., 3] = np.floor(faded[..., 3] * round(opacity * 255) / 255 + 0.5)
    assert np.abs(result - over_exactly(below.astype(float), faded)).max() <= 1.0
    untouched = faded[..., 3] == 0
    assert np.array_equal(result[untouched], below[untouched])
    covered = faded[..., 3] == 255
    assert np.array_equal(result[covered], source[covered])


def test_premultiplied_is_rounded_to_the_nearest() -> None:
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[..., :3] = np.arange(256, dtype=np.uint8)[:, None, None]
    pixels[..., 3] = np.arange(256, dtype=np.uint8)[None]
    exact = np.floor(pixels[..., :3] * (pixels[..., 3:] / 255.0) + 0.5)
    assert np.array_equal(premultiplied(pixels)[..., :3], exact)
    assert not is_opaque(pixels) and is_opaque(pixels[:, 255:]) and is_opaque(np.full((3, 3, 4), 255, np.uint8))


def test_spare_memory_has_the_right_shape_and_is_made_again() -> None:
    spare = SpareTiles()
    assert spare.low
    assert spare.take(1).shape == (TILE, TILE) and spare.take(4).shape == (TILE, TILE, 4)
    rests = list[int]()
    spare.refill(lambda: rests.append(1))
    assert not spare.low and len(rests) == sum(KEPT.values())
    taken = [spare.take(channels) for channels in (1, 4, 4)]
    assert [pixels.ndim for pixels in taken] == [2, 3, 3] and taken[1] is not taken[2]


def test_a_tile_to_be_written_is_copied_ahead_or_at_once() -> None:
    rests = list[int]()
    for channels in (1, 4):
        spare = SpareTiles()
        shape = (TILE, TILE) if channels == 1 else (TILE, TILE, 4)
        rests.clear()
        tiles = [Tile(np.full(shape, value, np.uint8)) for value in range(1, 4)]
        tiles.append(Tile(np.broadcast_to(np.full(shape[2:], 4, np.uint8), shape)))
        spare.copy_ahead(tiles[:2], lambda: rests.append(1))
        assert len(rests) == 2
        made = list(spare._copies.values())
        for tile in tiles:
            pixels = spare.copied(tile)
            assert pixels.flags.writeable and np.array_equal(pixels, tile.pixels)
            assert any(pixels is one for one in made) == (tile in tiles[:2])
        assert spare.copied(tiles[0]) is not made[0], "a copy is handed out once"
        spare.copy_ahead(tiles[:1], lambda: None)
        left = spare._copies[tiles[0].serial]
        spare.copy_ahead(tiles[:1], lambda: rests.append(1))
        assert len(rests) == 2 and spare._copies[tiles[0].serial] is left, "once is enough"
        assert spare.missing(tiles) == tiles[1:]
        others = [Tile(np.full(shape, 9, np.uint8)) for _ in range(AHEAD)]
        spare.copy_ahead(others, lambda: None)
        assert len(spare._copies) == AHEAD and spare.missing(tiles) == tiles
        assert spare.take(channels) is left, "the oldest that nobody wanted is memory like any other"


def test_frozen_tiles_are_those_that_a_write_would_copy() -> None:
    grid = TileGrid(Size(3 * TILE, TILE), 1)
    grid.fill(Rect(0, 0, 2 * TILE, TILE), 9)
    grid.freeze()
    keys = [(0, 0), (1, 0), (2, 0)]
    assert [tile.pixels[0, 0] for tile in grid.frozen(keys)] == [9, 9]
    grid.write(Rect(0, 0, 1, 1), np.ones((1, 1), np.uint8))
    assert len(grid.frozen(keys)) == 1 and not grid.frozen(keys[:1])


def test_what_lay_in_spare_memory_never_shows() -> None:
    document = CanvasDocument.blank(Size(TILE, TILE), (9, 9, 9, 255))
    document.spare.refill(lambda: None)
    for channels in (1, 4):
        for dirty in document.spare._ready[channels]:
            dirty.fill(77)
        grid = TileGrid(Size(2 * TILE, TILE), channels, spare=document.spare)
        [(view, _part)] = grid.edit(Rect(3, 4, 1, 1))
        view[...] = 5
        shown = grid.read(Rect.of(grid.size))
        assert np.count_nonzero(shown) == channels and shown[4, 3].max() == 5
    document.begin("Brush")
    document.paint.write(Rect(3, 4, 1, 1), np.full((1, 1, 4), 255, np.uint8))
    flat = Pyramid(document).picture_tile(0, (0, 0))
    assert flat is not None and np.count_nonzero((flat != (9, 9, 9, 255)).any(axis=-1)) == 1
