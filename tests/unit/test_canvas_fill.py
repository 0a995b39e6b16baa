"""Flood fill and wand against a fill that goes from pixel to pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.fill import BLOCK, alike, flood, similar
from sdstudio.canvas.fill_regions import Flags, regions
from sdstudio.canvas.tool_coverage import FULL
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels


def slow_flood(found: Flags, start: tuple[int, int], *, diagonal: bool = False) -> Flags:
    height, width = found.shape
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1)] + ([(1, 1), (1, -1), (-1, 1), (-1, -1)] if diagonal else [])
    reached = np.zeros_like(found)
    todo = [start]
    while todo:
        x, y = todo.pop()
        if 0 <= x < width and 0 <= y < height and found[y, x] and not reached[y, x]:
            reached[y, x] = True
            todo += [(x + dx, y + dy) for dx, dy in steps]
    return reached


def picture(values: Pixels) -> Pixels:
    """Greys, opaque."""
    return np.dstack([values, values, values, np.full_like(values, 255)])


def random_flags(seed: int, shape: tuple[int, int], density: float) -> Flags:
    return np.random.default_rng(seed).random(shape) < density


@settings(max_examples=40)
@given(
    seed=st.integers(0, 9999),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    density=st.floats(0.2, 0.8),
    diagonal=st.booleans(),
)
def test_regions_are_those_that_hang_together(
    seed: int, height: int, width: int, density: float, diagonal: bool
) -> None:
    flags = random_flags(seed, (height, width), density)
    found = regions(flags, diagonal=diagonal)
    everything = np.zeros_like(flags)
    for label in range(found.count):
        chosen = np.arange(found.count) == label
        painted = found.paint(chosen)
        y, x = (int(v[0]) for v in np.nonzero(painted))
        assert np.array_equal(painted, slow_flood(flags, (x, y), diagonal=diagonal))
        assert found.areas[label] == painted.sum()
        edge = painted.copy()
        edge[1:-1, 1:-1] = False
        assert found.touching_border()[label] == edge.any()
        everything |= painted
    assert np.array_equal(everything, flags)


@pytest.mark.parametrize("density", [0.45, 0.62, 0.9])
def test_a_flood_over_several_blocks_is_the_slow_one(density: float) -> None:
    flags = random_flags(1, (BLOCK + 40, BLOCK + 33), density)
    pixels = picture(np.where(flags, np.uint8(90), np.uint8(200)))
    y, x = (int(v[len(v) // 2]) for v in np.nonzero(flags))
    size = Size(pixels.shape[1], pixels.shape[0])
    found = flood(lambda rect: pixels[rect.slices], size, (x, y), 20)
    assert np.array_equal(found.read(Rect.of(size)) == 255, slow_flood(flags, (x, y)))


def test_a_spiral_is_followed_across_blocks_and_back() -> None:
    side = BLOCK + 32
    flags = np.ones((side, side), np.bool_)
    for ring in range(4, side // 2, 8):
        flags[ring : side - ring, ring] = flags[ring : side - ring, side - ring - 1] = False
        flags[ring, ring : side - ring] = flags[side - ring - 1, ring : side - ring] = False
        flags[ring, ring + 2 + ring % 16] = True
    pixels = picture(np.where(flags, np.uint8(255), np.uint8(0)))
    found = flood(lambda rect: pixels[rect.slices], Size(side, side), (0, 0), 0)
    assert np.array_equal(found.read(Rect(0, 0, side, side)) == 255, slow_flood(flags, (0, 0)))


def test_a_small_region_looks_at_few_blocks() -> None:
    seen: list[Rect] = []

    def provider(rect: Rect) -> Pixels:
        seen.append(rect)
        grey = np.full((rect.height, rect.width), 10, np.uint8)
        if rect.pixels > 1 and rect.x == rect.y == 0:
            grey[40:60, 40:60] = 200
        return picture(grey) if rect.pixels > 1 else picture(np.full((1, 1), 200, np.uint8))

    found = flood(provider, Size(8192, 8192), (50, 50), 5)
    assert len(seen) == 2  # the pixel and its block
    assert int((found.read(Rect(0, 0, 100, 100)) == 255).sum()) == 400


def test_similar_takes_islands_too_and_full_tiles_cost_nothing() -> None:
    pixels = picture(np.full((700, 900), 50, np.uint8))
    pixels[:, 256:300, :3] = 200
    found = similar(lambda rect: pixels[rect.slices], Size(900, 700), (0, 0), 10)
    assert found.tiles[0, 0] is FULL
    assert np.array_equal(found.read(Rect(0, 0, 900, 700)) == 255, pixels[..., 0] == 50)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 9999),
    colour=st.tuples(*[st.integers(0, 255)] * 4),
    tolerance=st.integers(0, 255),
)
def test_alike_is_the_largest_difference_of_any_channel(
    seed: int, colour: tuple[int, int, int, int], tolerance: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 7, 4), np.uint8)
    pixels[::2, ::3, 3] = 0
    for y in range(6):
        for x in range(7):
            pixel = [int(part) for part in pixels[y, x]]
            pairs = zip(pixel, colour, strict=True) if pixel[3] and colour[3] else [(pixel[3], colour[3])]
            assert alike(pixels, colour, tolerance)[y, x] == (max(abs(a - b) for a, b in pairs) <= tolerance)


def test_progress_rises_to_one_and_cancel_stops() -> None:
    pixels = picture(np.zeros((BLOCK * 2, BLOCK * 2), np.uint8))
    size = Size(BLOCK * 2, BLOCK * 2)
    for find in (flood, similar):
        steps: list[float] = []
        find(lambda rect: pixels[rect.slices], size, (0, 0), 0, steps.append)
        assert steps == sorted(steps)
        assert steps[-1] == 1.0
        with pytest.raises(CancelledByUser):
            find(lambda rect: pixels[rect.slices], size, (0, 0), 0, None, lambda: True)


def test_outside_the_canvas_nothing_is_alike() -> None:
    for find in (flood, similar):
        assert find(lambda rect: picture(np.zeros((1, 1), np.uint8)), Size(5, 5), (5, 0), 0).tiles == {}
