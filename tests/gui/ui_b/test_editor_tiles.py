"""Tiles on their way to the screen: which are kept, what is shown until they are ready, and where pixels lie."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QRegion

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pyramid import Pyramid
from sdstudio.domain.canvas_state import TILE, TileKey
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.picture_frame import PictureFrame
from sdstudio.ui.canvas.tile_images import TileImages
from sdstudio.ui.canvas.view_map import ViewMap
from tests.helpers.editor_board import coordinates

TILE_BYTES = 4 * TILE * TILE


class SlowSource:
    """Tiles of one colour each, red = level; `unready` ones have to be waited for."""

    levels = 4

    def __init__(self) -> None:
        self.unready: set[tuple[int, TileKey]] = set()
        self.asked: list[tuple[int, TileKey]] = []
        self.green = 0
        self.sketch_from = 3

    def ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool:
        return (level, key) not in self.unready

    def mask_ready(self, level: int, key: TileKey, seconds: float = 0.0) -> bool:
        return self.ready(level, key)

    def sketch(self, level: int, key: TileKey, part: Rect) -> Pixels | None:
        """Blue."""
        if level < self.sketch_from:
            return None
        return np.tile(np.array([0, 0, 255, 255], np.uint8), (part.height, part.width, 1))

    def picture_tile(self, level: int, key: TileKey) -> Pixels | None:
        self.asked.append((level, key))
        tile = np.full((TILE, TILE, 4), 255, np.uint8)
        tile[..., 0], tile[..., 1] = level, self.green
        tile[..., 2] = np.arange(TILE)
        return tile

    def mask_tile(self, level: int, key: TileKey) -> Pixels | None:
        return np.full((TILE, TILE), 200, np.uint8)


def red_green(words: np.ndarray) -> tuple[int, int]:
    return int(words[0, 0]) >> 16 & 0xFF, int(words[0, 0]) >> 8 & 0xFF


def test_a_tile_is_fetched_once() -> None:
    source = SlowSource()
    tiles = TileImages(source)
    for _ in range(3):
        image = tiles.get(0, (1, 2))
    assert image is not None and image.opaque
    assert source.asked == [(0, (1, 2))]


def test_what_was_not_used_for_longest_leaves_first() -> None:
    source = SlowSource()
    tiles = TileImages(source, limit=3 * TILE_BYTES)
    for column in (0, 1, 2, 0, 3):
        tiles.get(0, (column, 0))
    assert tiles.nbytes == 3 * TILE_BYTES
    source.asked.clear()
    tiles.get(0, (0, 0))
    assert not source.asked
    tiles.get(0, (1, 0))
    assert source.asked == [(0, (1, 0))]


def test_until_a_tile_is_ready_a_coarser_one_is_shown() -> None:
    source = SlowSource()
    source.unready = {(0, (5, 3)), (1, (2, 1))}
    tiles = TileImages(source)
    image = tiles.get(0, (5, 3))
    assert image is not None and red_green(image.words) == (2, 0)
    # Level 2 shows it in a quarter of its width: columns 64 to 127, each four times.
    assert (image.words[0] & 0xFF).tolist() == [64 + column // 4 for column in range(TILE)]
    assert list(tiles.wanted) == [(0, (5, 3))]


def test_a_changed_tile_is_shown_as_it_was_until_it_is_ready() -> None:
    source = SlowSource()
    tiles = TileImages(source)
    tiles.get(0, (0, 0)), tiles.get(0, (3, 3))
    source.green = 9
    tiles.invalidate(Rect(0, 0, 5, 5))
    source.unready = {(0, (0, 0))}
    old = tiles.get(0, (0, 0))
    assert old is not None and red_green(old.words) == (0, 0)
    source.unready.clear()
    new = tiles.get(0, (0, 0))
    assert new is not None and red_green(new.words) == (0, 9)
    far = tiles.get(0, (3, 3))
    assert far is not None and red_green(far.words) == (0, 0), "what did not change is not fetched again"


def test_while_the_hand_draws_changes_are_sketched_and_exact_afterwards() -> None:
    source = SlowSource()
    tiles = TileImages(source)
    place = (3, (0, 0))
    before = tiles.get(*place)
    assert before is not None and red_green(before.words) == (3, 0)
    source.green = 9
    source.asked.clear()
    for rect in (Rect(0, 0, 80, 80), Rect(80, 8, 80, 80)):
        tiles.begin_frame(60.0, sketch=True)
        tiles.invalidate(rect)
        drawn = tiles.get(*place)
        assert drawn is not None and drawn.words[5, 5] == 0xFF0000FF and not source.asked
    assert tiles.sketches == {place: Rect(0, 0, 20, 11)} and not tiles.wanted
    assert drawn is not None and red_green(drawn.words[11:]) == (3, 0), "what did not change stays"
    tiles.begin_frame(60.0)
    assert tiles.get(*place) is drawn, "shown until the level is computed"
    tiles.spoil_sketches([place])
    after = tiles.get(*place)
    assert after is not None and red_green(after.words) == (3, 9) and source.asked == [place]
    assert not tiles.sketches


def test_what_cannot_be_sketched_is_fetched_and_a_sketch_beside_it_stays_one() -> None:
    source = SlowSource()
    tiles = TileImages(source)
    tiles.get(3, (0, 0)), tiles.get(1, (0, 0))
    source.green = 9
    tiles.begin_frame(60.0, sketch=True)
    tiles.invalidate(Rect(0, 0, 8, 8))
    fine = tiles.get(1, (0, 0))
    assert fine is not None and red_green(fine.words) == (1, 9)
    tiles.get(3, (0, 0))
    source.sketch_from = 4
    tiles.invalidate(Rect(80, 80, 8, 8))
    coarse = tiles.get(3, (0, 0))
    assert coarse is not None and red_green(coarse.words[10:, 10:]) == (3, 9)
    assert coarse.words[0, 0] == 0xFF0000FF and tiles.sketches == {(3, (0, 0)): Rect(0, 0, 1, 1)}


def test_a_sketch_is_remembered_though_its_tile_leaves() -> None:
    tiles = TileImages(SlowSource(), limit=TILE_BYTES)
    tiles.get(3, (0, 0))
    tiles.begin_frame(60.0, sketch=True)
    tiles.invalidate(Rect(0, 0, 8, 8))
    tiles.get(3, (0, 0)), tiles.get(0, (1, 0))
    assert tiles.nbytes == TILE_BYTES and list(tiles.sketches) == [(3, (0, 0))]
    tiles.spoil_sketches([(3, (0, 0))])
    tiles.begin_frame(60.0)
    image = tiles.get(3, (0, 0))
    assert image is not None and red_green(image.words) == (3, 0) and not tiles.sketches


def test_masks_are_shown_as_they_were_until_they_are_ready() -> None:
    source = SlowSource()
    source.unready = {(2, (0, 0))}
    tiles = TileImages(source)
    assert tiles.mask(2, (0, 0)) is not None, "a mask is never out of sight"
    assert list(tiles.wanted) == [(2, (0, 0))]
    source.unready.clear()
    first = tiles.mask(2, (0, 0))
    source.unready = {(2, (0, 0))}
    assert tiles.mask(2, (0, 0)) is first


def test_a_frame_becomes_sharp_in_slices(qapp: object) -> None:
    document = CanvasDocument.from_image(coordinates(3000, 2000), "")
    frame = PictureFrame()
    frame.backdrop = QColor("#3E3E3E")
    frame.set_tiles(TileImages(Pyramid(document)))
    frame.look(ViewMap(1100, 800, -20, -30, 0.7, document.size))
    frame.prepare(QRegion(QRect(0, 0, 1100, 800)))
    assert frame.rough
    slices = 0
    while frame.rough:
        assert not frame.sharpen(0.0).empty
        slices += 1
    assert slices > 5
    sharp = frame.image.copy()
    frame.invalidate()
    for top in range(0, 800, 100):
        frame.prepare(QRegion(QRect(0, top, 1100, 100)))
    assert not frame.rough, "small parts are smooth at once"
    difference = np.frombuffer(sharp.constBits(), np.uint8).astype(int) - np.frombuffer(
        frame.image.constBits(), np.uint8
    )
    assert abs(difference).max() <= 2


zooms = st.floats(0.01, 64.0)
sides = st.integers(1, 16384)


@given(zooms, sides, sides, st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(0, 799))
def test_what_is_painted_is_what_is_pointed_at(zoom: float, width: int, height: int, x: int, y: int, at: int) -> None:
    view = ViewMap(800, 800, x, y, zoom, Size(width, height))
    if view.picture.x <= at < view.picture.right:
        column = int(view.columns(at, at + 1, 0)[0])
        assert column == min(math.floor(view.to_document(at + 0.5, 0)[0]), width - 1)


@given(zooms, sides, st.integers(-3000, 3000), st.integers(0, 16383), st.integers(1, 300))
def test_a_changed_rectangle_covers_all_that_shows_it(zoom: float, width: int, x: int, left: int, wide: int) -> None:
    view = ViewMap(400, 400, x, x, zoom, Size(width, width))
    changed = Rect(left, left, wide, wide)
    shown = view.device_rect(changed)
    inner = view.bounds.intersected(view.picture)
    if inner.empty:
        return
    columns = view.columns(inner.x, inner.right, 0)
    touched = np.flatnonzero((columns >= changed.x) & (columns < min(changed.right, width))) + inner.x
    assert not len(touched) or (shown.x <= touched[0] and touched[-1] < shown.right) or left >= width


@pytest.mark.parametrize(
    ("zoom", "level", "mask_level"), [(2.0, 0, 0), (1.0, 0, 0), (0.8, 0, 0), (0.6, 0, 1), (0.5, 1, 1), (0.01, 4, 4)]
)
def test_levels_have_enough_pixels(zoom: float, level: int, mask_level: int) -> None:
    view = ViewMap(800, 800, 0, 0, zoom, Size(4096, 3000))
    assert (view.level, view.mask_level) == (level, mask_level)
    assert Pyramid(CanvasDocument.blank(Size(4096, 3000))).levels == 5
