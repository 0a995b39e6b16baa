"""Display levels: computed in parts, in time slices or in another thread, they equal those of whole arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.mip import SOLIDS_KEPT, level_count
from sdstudio.canvas.pyramid import PictureSource, Pyramid
from sdstudio.canvas.tiles import keys_of
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from tests.helpers.canvas_moves import Move, edit, moves, picture, play, sizes

some = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

Change = tuple[Rect, frozenset[str]]


def wanted(pyramid: Pyramid) -> list[tuple[int, TileKey]]:
    """All tiles of all levels."""
    return [(level, key) for level in range(pyramid.levels) for key in keys_of(Rect.of(pyramid.level_size(level)))]


def whole_levels(document: CanvasDocument) -> list[tuple[Pixels, Pixels]]:
    """Picture (premultiplied) and mask of every level, from whole arrays."""
    seen = document.composite(document.rect).astype(np.uint32)
    product = seen[..., :3] * seen[..., 3:] + 128
    seen[..., :3] = (product + (product >> 8)) >> 8
    mask = document.mask.read(document.rect).astype(np.uint32)
    levels = [(seen.astype(np.uint8), mask.astype(np.uint8))]
    for _ in range(level_count(document.size) - 1):
        seen, mask = (fours(seen) + 2) >> 2, (fours(mask) + 3) >> 2
        levels.append((seen.astype(np.uint8), mask.astype(np.uint8)))
    return levels


def fours(pixels: np.ndarray) -> np.ndarray:
    odd = [(0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)][: pixels.ndim]
    even = np.pad(pixels, odd, mode="edge")
    return even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]


def assert_shows(pyramid: Pyramid, document: CanvasDocument) -> None:
    for level, (seen, mask) in enumerate(whole_levels(document)):
        assert pyramid.level_size(level) == Size(mask.shape[1], mask.shape[0])
        for key in keys_of(Rect.of(pyramid.level_size(level))):
            for tile, whole in ((pyramid.picture_tile(level, key), seen), (pyramid.mask_tile(level, key), mask)):
                part = whole[key[1] * TILE : (key[1] + 1) * TILE, key[0] * TILE : (key[0] + 1) * TILE]
                expected = np.zeros((TILE, TILE, *whole.shape[2:]), np.uint8)
                expected[: part.shape[0], : part.shape[1]] = part
                if tile is None:
                    assert not part.any()
                else:
                    assert tile.flags.c_contiguous and np.array_equal(tile, expected), (level, key)


@some
@given(sizes, st.lists(moves, max_size=6), st.integers(0, 99))
def test_after_any_moves_only_what_changed_is_computed_and_all_is_right(
    size: Size, played: list[Move], pick: int
) -> None:
    document = CanvasDocument.from_image(picture(1, size))
    pyramid = Pyramid(document)
    assert_shows(pyramid, document)
    for move in played:
        revision = document.revision
        play(document, move)
        if document.revision != revision:
            pyramid.invalidate(document.last_change.rect, document.last_change.layers)
        level, key = wanted(pyramid)[pick % len(wanted(pyramid))]
        pyramid.picture_tile(level, key)
        pyramid.mask_tile(level, key)
    assert_shows(pyramid, document)


def test_painting_in_a_gesture_is_seen_at_once_at_every_level() -> None:
    document = CanvasDocument.from_image(picture(1, Size(900, 600), opaque=True))
    pyramid = Pyramid(document)
    pyramid.adopt(Pyramid.build_base(picture(1, Size(900, 600), opaque=True).pixels))
    document.begin("stroke")
    for step in range(4):
        rect = Rect(100 + 90 * step, 200, 150, 101)
        edit(document, (("mask", rect, "noise"), ("paint", rect.moved(13, 57), "noise")), step)
        pyramid.invalidate(rect.united(rect.moved(13, 57)), {"mask", "paint"})
        if step == 2:
            document.snapshot()
        assert_shows(pyramid, document)
    pyramid.invalidate(document.rollback(), {"mask", "paint"})
    assert_shows(pyramid, document)
    assert all(pyramid.mask_tile(level, key) is None for level, key in wanted(pyramid))


def test_a_picture_with_nothing_above_it_is_shown_as_it_is() -> None:
    document = CanvasDocument.from_image(picture(1, Size(900, 600), opaque=True))
    pyramid = Pyramid(document)
    for key in keys_of(document.rect):
        assert pyramid.picture_tile(0, key) is document.picture.current(key)
    document.begin("dot")
    document.paint.fill(Rect(300, 10, 5, 5), (1, 2, 3, 255))
    pyramid.invalidate(document.commit(), {"paint"})
    same = [key for key in keys_of(document.rect) if pyramid.picture_tile(0, key) is document.picture.current(key)]
    assert sorted(set(keys_of(document.rect)) - set(same)) == [(1, 0)]


def test_base_levels_are_those_of_the_picture_and_yield_to_what_came_since() -> None:
    for opaque in (True, False):
        image = picture(1, Size(1100, 523), opaque=opaque)
        document = CanvasDocument.from_image(image)
        for base in (Pyramid.build_base(image.pixels), Pyramid.build_base(document.state())):
            pyramid = Pyramid(document)
            pyramid.adopt(base)
            assert all(pyramid.ready(level, key) for level, key in wanted(pyramid))
            assert_shows(pyramid, document)
    pyramid = Pyramid(document)
    for layer, rect in (("paint", Rect(1000, 0, 30, 30)), ("picture", Rect(0, 300, 400, 30))):
        document.begin("late")
        document.grid(layer).fill(rect, (9, 9, 9, 99))
        pyramid.invalidate(document.commit(), {layer})
    pyramid.adopt(Pyramid.build_base(image.pixels))
    assert_shows(pyramid, document)
    document.set_layer("picture", visible=False)
    pyramid = Pyramid(document)
    pyramid.adopt(Pyramid.build_base(image.pixels))
    assert_shows(pyramid, document)
    pyramid.adopt(Pyramid.build_base(picture(1, Size(30, 30)).pixels))
    assert_shows(pyramid, document)


def test_work_in_slices_comes_to_an_end_and_then_all_is_ready() -> None:
    document = CanvasDocument.from_image(picture(1, Size(1700, 1100)))
    pyramid = Pyramid(document)
    top = (pyramid.levels - 1, (0, 0))
    assert not pyramid.ready(*top)
    slices = 0
    while not pyramid.work(0.0, [top]):
        slices += 1
        assert slices < 200
    assert slices > 3
    assert pyramid.ready(*top) and pyramid.work(0.0, [top]) == [top]
    everything = wanted(pyramid)
    assert pyramid.work(60.0, everything) == everything
    assert_shows(pyramid, document)


def test_a_small_change_is_made_ready_at_once_from_what_changed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(1, Size(1700, 1100), opaque=True)
    document = CanvasDocument.from_image(image)
    pyramid = Pyramid(document)
    pyramid.adopt(Pyramid.build_base(image.pixels))
    top = (pyramid.levels - 1, (0, 0))
    looked_at: list[tuple[TileKey, Rect]] = []
    region = PictureSource.region

    def watched(source: PictureSource, key: TileKey, part: Rect) -> Pixels | None:
        looked_at.append((key, part))
        return region(source, key, part)

    monkeypatch.setattr(PictureSource, "region", watched)
    document.begin("two dots")
    for rect in (Rect(251, 301, 3, 3), Rect(256, 511, 2, 2)):
        document.paint.fill(rect, (9, 9, 9, 255))
        pyramid.invalidate(rect, {"paint"})
    assert not pyramid.ready(*top) and not looked_at
    assert pyramid.ready(*top, seconds=60.0) and pyramid.ready(*top)
    assert sorted(looked_at, key=lambda look: look[0]) == [
        ((0, 1), Rect(250, 44, 4, 4)),
        ((1, 1), Rect(0, 254, 2, 2)),
        ((1, 2), Rect(0, 0, 2, 2)),
    ]
    assert_shows(pyramid, document)


def test_a_whole_mask_and_a_blank_picture_cost_next_to_nothing() -> None:
    document = CanvasDocument.blank(Size(8192, 8192), (250, 128, 0, 128))
    pyramid = Pyramid(document)
    document.begin("all")
    document.mask.fill(document.rect, 255)
    pyramid.invalidate(document.commit(), {"mask"})
    pyramid.work(60.0, wanted(pyramid))
    tiles = [pyramid.picture_tile(level, key) for level, key in wanted(pyramid)]
    assert len({id(tile) for tile in tiles}) == 1
    assert tiles[0] is not None and tuple(tiles[0][5, 5]) == (125, 64, 0, 128)
    assert len({id(pyramid.mask_tile(level, key)) for level, key in wanted(pyramid)}) == 1
    document.undo()
    pyramid.invalidate(document.last_change.rect, document.last_change.layers)
    assert all(pyramid.mask_tile(level, key) is None for level, key in wanted(pyramid))


def test_many_colours_in_turn_are_shown_and_not_all_kept() -> None:
    document = CanvasDocument.blank(Size(512, 512))
    pyramid = Pyramid(document)
    for value in range(1, 3 * SOLIDS_KEPT):
        document.begin("fill")
        document.mask.fill(document.rect, value)
        pyramid.invalidate(document.commit(), {"mask"})
        for level, key in ((0, (1, 1)), (1, (0, 0))):
            tile = pyramid.mask_tile(level, key)
            assert tile is not None and (tile == value).all()
    assert_shows(pyramid, document)


def test_a_thin_line_stays_visible_however_small() -> None:
    document = CanvasDocument.blank(Size(4000, 3000))
    pyramid = Pyramid(document)
    document.begin("line")
    document.mask.fill(Rect(100, 1001, 3000, 1), 1)
    pyramid.invalidate(document.commit(), {"mask"})
    tile = pyramid.mask_tile(pyramid.levels - 1, (0, 0))
    assert tile is not None
    step = 2 ** (pyramid.levels - 1)
    assert (tile[1001 // step, 100 // step : 3099 // step + 1] > 0).all()


def test_another_size_makes_everything_new() -> None:
    document = CanvasDocument.from_image(picture(1, Size(500, 400)))
    pyramid = Pyramid(document)
    assert_shows(pyramid, document)
    document.resize_canvas(Rect(-30, 10, 1030, 300))
    pyramid.invalidate(document.last_change.rect, document.last_change.layers)
    assert pyramid.size == Size(1030, 300) and pyramid.levels == 4
    assert_shows(pyramid, document)


def test_levels_end_with_all_of_the_canvas_in_one_tile() -> None:
    for side, levels in ((1, 1), (256, 1), (257, 2), (512, 2), (513, 3), (8192, 6), (16384, 7)):
        assert level_count(Size(side, 10)) == level_count(Size(10, side)) == levels
