"""The path of a stroke: smooth, complete, evenly set with dabs, and never behind the pen."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.stroke import Dab, StrokePath

POINTS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 10)), min_size=1, max_size=20)


def path_of(points: list[tuple[float, float]], smoothing: float = 0.0, step: float = 4.0, frame: int = 5) -> list[Dab]:
    path = StrokePath(smoothing, lambda _: step)
    dabs: list[Dab] = []
    for first in range(0, len(points), frame):
        path.add(PointerEvent(x, y) for x, y in points[first : first + frame])
        dabs += path.take()
    return dabs + path.tail()


def distance_to(dabs: list[Dab], x: float, y: float) -> float:
    return min(math.hypot(dab[0] - x, dab[1] - y) for dab in dabs)


def test_a_click_is_one_dab() -> None:
    assert path_of([(5.25, 7.5)]) == [(5.25, 7.5, 1.0)]


def test_standing_still_is_one_dab_of_the_highest_pressure() -> None:
    path = StrokePath(0.3, lambda _: 4.0)
    path.add(PointerEvent(5, 5, pressure) for pressure in (0.1, 0.9, 0.4))
    assert (path.take(), path.tail()) == ([], [(5, 5, 0.9)])


@given(points=POINTS)
def test_the_dab_under_the_pen_is_drawn_at_once(points: list[tuple[int, int, int]]) -> None:
    path = StrokePath(0.5, lambda _: 30.0)
    drawn: list[Dab] = []
    for x, y, pressure in points:
        path.add([PointerEvent(x, y, pressure / 10)])
        drawn += path.take()
        assert distance_to(drawn + path.tail(), x, y) < 0.02


@given(points=POINTS)
def test_without_smoothing_the_path_goes_through_every_point(points: list[tuple[int, int, int]]) -> None:
    dabs = path_of([(float(x), float(y)) for x, y, _ in points], step=1.0)
    for x, y, _ in points:
        assert distance_to(dabs, x, y) < 1.0


@given(points=POINTS, frame=st.integers(1, 20))
def test_how_events_are_bundled_does_not_matter(points: list[tuple[int, int, int]], frame: int) -> None:
    places = [(float(x), float(y)) for x, y, _ in points]
    assert path_of(places, 0.3, frame=frame) == path_of(places, 0.3, frame=1)


def test_dabs_are_even_whatever_the_rate_of_events() -> None:
    for distance in (0.7, 3.0, 13.0, 40.0):
        dabs = path_of([(i * distance, 0.0) for i in range(40)], step=5.0)[:-1]
        gaps = [math.dist(a[:2], b[:2]) for a, b in pairwise(dabs)]
        assert gaps == pytest.approx([5.0] * len(gaps), abs=1e-6)


def test_a_fast_circle_has_no_corners() -> None:
    circle = [(200 + 150 * math.cos(i * 0.27), 200 + 150 * math.sin(i * 0.27)) for i in range(24)]  # 40 px a sample
    dabs = path_of(circle, step=2.0)
    inner = [dab for dab in dabs if math.dist(dab[:2], circle[0]) > 60 and math.dist(dab[:2], circle[-1]) > 60]
    assert max(abs(math.dist(dab[:2], (200, 200)) - 150) for dab in inner) < 0.1  # the chords would be 1.4 off


def test_slow_beside_fast_does_not_overshoot() -> None:
    dabs = path_of([(0, 0), (1, 0), (200, 0), (201, 0), (201, 1), (201, 200)], step=1.0)
    assert all(-1 <= x <= 203 and -3 <= y <= 201 for x, y, _ in dabs)


def test_smoothing_calms_a_jitter() -> None:
    zigzag = [(float(i * 4), 3.0 * (i % 2)) for i in range(40)]
    rough, calm = (path_of(zigzag, smoothing, step=1.0) for smoothing in (0.0, 1.0))
    assert spread(calm) < 0.3 * spread(rough)


def spread(dabs: list[Dab]) -> float:
    heights = [y for x, y, _ in dabs if 20 < x < 130]
    return max(heights) - min(heights)


def test_pressure_goes_along_and_sets_the_steps() -> None:
    path = StrokePath(0.0, lambda pressure: 2 + 8 * pressure)
    path.add(PointerEvent(x, 0, x / 300) for x in range(0, 301, 50))
    dabs = path.take() + path.tail()
    assert all(dab[2] == pytest.approx(dab[0] / 300, abs=1e-6) for dab in dabs)
    assert dabs[1][0] - dabs[0][0] == pytest.approx(2)
    assert dabs[-2][0] - dabs[-3][0] > 9
