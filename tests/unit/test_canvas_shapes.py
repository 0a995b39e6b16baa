"""Filled shapes against the same shape drawn eight times as fine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.shapes import NOTHING, box_between, ellipse, ellipse_points, polygon, rectangle
from sdstudio.canvas.tool_coverage import FULL, Coverage
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

CANVAS = Size(300, 90)
WHOLE = Rect(0, 0, 300, 90)
FINE = 8
COORDINATES = st.tuples(st.floats(-40, 340), st.floats(-40, 130))


def slow_polygon(points: list[tuple[float, float]]) -> Pixels:
    """Winding of 8 x 8 points a pixel."""
    x = (np.arange(CANVAS.width * FINE) + 0.5) / FINE
    y = (np.arange(CANVAS.height * FINE) + 0.5) / FINE
    winding = np.zeros((len(y), len(x)), np.int8)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if y0 != y1:
            rows = np.flatnonzero((y >= min(y0, y1)) & (y < max(y0, y1)))
            crossing = x0 + (y[rows] - y0) / (y1 - y0) * (x1 - x0)
            winding[rows] += np.where(x[None] > crossing[:, None], 1 if y1 > y0 else -1, 0).astype(np.int8)
    share = (winding != 0).reshape(CANVAS.height, FINE, CANVAS.width, FINE).mean((1, 3))
    return np.round(share * 255).astype(np.uint8)


def check(found: Coverage, points: list[tuple[float, float]]) -> None:
    got, expected = found.read(WHOLE), slow_polygon(points)
    difference = np.abs(got.astype(int) - expected)
    assert difference.max() <= 36  # an eighth of a pixel, by which the samples may be wrong
    assert difference.mean() < 1.0
    outside = got.copy()
    outside[found.rect.slices] = 0
    assert not outside.any()


@settings(max_examples=25)
@given(points=st.lists(COORDINATES, min_size=3, max_size=3))
def test_triangles_anywhere(points: list[tuple[float, float]]) -> None:
    check(polygon(points, CANVAS), points)


@settings(max_examples=15)
@given(x=st.integers(-30, 280), y=st.integers(-30, 80), width=st.integers(1, 200), height=st.integers(1, 80))
def test_ellipses(x: int, y: int, width: int, height: int) -> None:
    rect = Rect(x, y, width, height)
    check(ellipse(rect, CANVAS), ellipse_points(rect))


def test_a_lasso_that_crosses_itself_is_filled_wherever_it_goes_round() -> None:
    eight = [(20.0, 10.0), (120.0, 80.0), (120.0, 10.0), (20.0, 80.0)]
    twice = [(150 + 35 * math.cos(i * 0.2), 45 + 35 * math.sin(i * 0.2)) for i in range(63)]
    assert polygon(eight, CANVAS).read(WHOLE)[45, 30] == polygon(eight, CANVAS).read(WHOLE)[45, 110] == 255
    inside = slow_polygon(twice) == 255
    assert (polygon(twice, CANVAS).read(WHOLE)[inside] == 255).all()


def test_direction_does_not_matter() -> None:
    points = [(10.3, 5.2), (250.9, 20.7), (100.0, 85.1)]
    one, other = (polygon(p, CANVAS).read(WHOLE).astype(int) for p in (points, points[::-1]))
    assert np.abs(one - other).max() <= 1  # rounding


def test_whole_pixels_are_exact() -> None:
    points = [(3.0, 4.0), (290.0, 4.0), (290.0, 70.0), (3.0, 70.0)]
    expected = np.zeros((90, 300), np.uint8)
    expected[4:70, 3:290] = 255
    assert np.array_equal(polygon(points, CANVAS).read(WHOLE), expected)
    assert np.array_equal(rectangle(Rect(3, 4, 287, 66), CANVAS).read(WHOLE), expected)


def test_half_covered_pixels() -> None:
    half = polygon([(10.5, 10.5), (20.5, 10.5), (20.5, 20.0), (10.5, 20.0)], CANVAS).read(WHOLE)
    assert (half[15, 10], half[15, 15], half[15, 20], half[10, 10]) == (128, 255, 128, 64)


def test_hard_edges() -> None:
    soft, hard = (ellipse(Rect(5, 5, 71, 60), CANVAS, antialias=soft).read(WHOLE) for soft in (True, False))
    assert set(np.unique(hard)) == {0, 255}
    assert np.array_equal(hard == 255, soft >= 128)


def test_the_inside_of_a_large_shape_costs_no_pixels() -> None:
    big = polygon([(10, 10), (8000, 200), (8000, 8000), (100, 7900)], Size(8192, 8192))
    assert big.tiles[16, 16] is FULL
    assert rectangle(Rect(0, 0, 8192, 8192), Size(8192, 8192)).tiles[31, 31] is FULL


@pytest.mark.parametrize(
    "points", [[], [(5.0, 5.0)], [(1.0, 1.0), (50.0, 50.0)], [(1.0, 5.0), (90.0, 5.0), (40.0, 5.0)]]
)
def test_nothing_to_fill(points: list[tuple[float, float]]) -> None:
    assert polygon(points, CANVAS).tiles == {}


def test_outside_the_canvas() -> None:
    assert polygon([(-90, 10), (-20, 10), (-50, 60)], CANVAS).tiles == {}
    assert polygon([(390, 10), (320, 10), (350, 60)], CANVAS).tiles == {}
    assert ellipse(Rect(0, 0, 0, 0), CANVAS) is NOTHING
    around = polygon([(-50, -50), (400, -50), (400, 200), (-50, 200)], CANVAS)
    assert around.rect == WHOLE
    assert (around.read(WHOLE) == 255).all()


def test_boxes_hold_both_pixels_under_the_pointer() -> None:
    assert box_between((10.9, 5.1), (20.1, 8.9)) == Rect(10, 5, 11, 4)
    assert box_between((20.1, 8.9), (10.9, 5.1)) == Rect(10, 5, 11, 4)


@given(start=COORDINATES, end=COORDINATES, centred=st.booleans())
def test_squares_are_square(start: tuple[float, float], end: tuple[float, float], centred: bool) -> None:
    rect = box_between(start, end, square=True, centred=centred)
    assert rect.width == rect.height
    if not centred:
        assert rect.contains(Rect(math.floor(start[0]), math.floor(start[1]), 1, 1))


def test_from_the_centre() -> None:
    assert box_between((50.5, 40.5), (60.5, 45.5), centred=True) == Rect(40, 35, 21, 11)
