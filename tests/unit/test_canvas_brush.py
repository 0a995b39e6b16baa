"""Dabs, the pressure curve and what the tools are set to."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.canvas.brush import Brush, StampCache
from sdstudio.canvas.pointer import REACH, PointerEvent
from sdstudio.canvas.pressure import LINEAR, clean_curve, respond
from sdstudio.canvas.spare import SpareTiles
from sdstudio.canvas.tool_coverage import StrokeCoverage
from sdstudio.canvas.tool_settings import BrushSettings, ToolSettings
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels

RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
POSITIONS = st.floats(-3, 40, allow_nan=False)


@pytest.mark.parametrize("size", [1.0, 1.4, 2.0, 2.4, 3.0, 7.5, 70.0])
@given(x=POSITIONS, y=POSITIONS)
def test_a_hard_dab_covers_the_pixel_under_the_pointer_fully(size: float, x: float, y: float) -> None:
    left, top, pixels = StampCache().dab(x, y, size, 1.0, 255)
    assert pixels[math.floor(y) - top, math.floor(x) - left] == 255


@given(x=POSITIONS, y=POSITIONS)
def test_the_finest_brushes_are_whole_pixels(x: float, y: float) -> None:
    for size, count in ((1.0, 1), (2.0, 4)):
        pixels = StampCache().dab(x, y, size, 0.3, 200)[2]
        assert pixels.tolist() == [[200] * math.isqrt(count)] * math.isqrt(count)


def slow_dab(left: int, top: int, shape: tuple[int, int], x: float, y: float, size: float, hardness: float) -> Pixels:
    """Pixel by pixel, from the distance of its centre."""
    radius = size / 2
    inner = min(hardness * radius, radius - 0.5)
    outer = inner + max(1.0, (1 - hardness) * radius)
    result = np.zeros(shape, np.uint8)
    for row in range(shape[0]):
        for column in range(shape[1]):
            distance = math.hypot(left + column + 0.5 - x, top + row + 0.5 - y)
            value = min(max((outer - distance) / (outer - inner), 0.0), 1.0)
            value = value * value * (3 - 2 * value) if outer - inner > 2 else value
            result[row, column] = math.floor(value * 255 + 0.5)
    return result


@pytest.mark.parametrize("size", [3.0, 8.5, 63.0, 64.0, 75.5])
@pytest.mark.parametrize("hardness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("x", "y"), [(10.0, 10.5), (10.5, 3.0), (-4.0, -0.5)])
def test_a_dab_is_its_profile(size: float, hardness: float, x: float, y: float) -> None:
    left, top, pixels = StampCache().dab(x, y, size, hardness, 255)
    expected = slow_dab(left, top, (pixels.shape[0], pixels.shape[1]), x, y, size, hardness)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    grown = slow_dab(left - 1, top - 1, (pixels.shape[0] + 2, pixels.shape[1] + 2), x, y, size, hardness)
    assert grown.sum() == expected.sum()  # nothing of it was cut off


def test_dabs_between_pixels_differ() -> None:
    cache = StampCache()
    assert not np.array_equal(cache.dab(10.0, 10.0, 9.0, 1.0, 255)[2], cache.dab(10.25, 10.0, 9.0, 1.0, 255)[2])


def test_the_stamp_cache_keeps_to_its_budget() -> None:
    cache = StampCache(budget=100_000)
    for size in range(64, 264, 8):
        cache.dab(0.0, 0.0, float(size), 0.5, 255)
        assert cache.nbytes <= 100_000
    assert cache.dab(0.0, 0.0, 256.0, 0.5, 255)[2] is cache.dab(7.0, 9.0, 256.0, 0.5, 255)[2]


@pytest.mark.parametrize("hardness", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("size", [64.0, 65.5, 130.0, 255.25])
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)])
def test_a_large_dab_comes_back_from_its_quarter(size: float, hardness: float, x: float, y: float) -> None:
    cache = StampCache(budget=150_000)
    left, top, pixels = cache.dab(x, y, size, hardness, 255)
    first = pixels.copy()
    for other in range(300, 304):
        cache.dab(0.0, 0.0, float(other), 0.5, 255)  # pushes it out
    again = cache.dab(x, y, size, hardness, 255)
    assert again[:2] == (left, top)
    assert again[2] is not pixels
    assert np.array_equal(again[2], first)
    # Its pixels are those of a disc around (x, y): the same from every side.
    middle = (2 * left + first.shape[1]) / 2, (2 * top + first.shape[0]) / 2
    if middle == (x, y):
        assert np.array_equal(first, first[::-1, ::-1])
    assert first.max() == 255


def test_pressure_gives_size_and_strength() -> None:
    light = BrushSettings(size=100, opacity_by_pressure=True, curve=((0, 0), (0.5, 0.2), (1, 1)))
    assert Brush(light).diameter(1.0) == 100
    assert Brush(light).diameter(0.5) == pytest.approx(20, abs=0.1)
    assert Brush(light).strength(0.5) == 51
    assert Brush(light).diameter(0.0) == 1.0
    steady = Brush(BrushSettings(size=100, size_by_pressure=False))
    assert (steady.diameter(0.1), steady.strength(0.1)) == (100, 255)


@given(points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6))
def test_the_pressure_curve_never_falls_and_meets_its_points(points: list[tuple[float, float]]) -> None:
    curve = clean_curve(points)
    values = [respond(curve, step / 300) for step in range(301)]
    assert all(a <= b for a, b in pairwise(values))
    assert values[0] >= 0 and values[-1] <= 1
    for x, y in curve:
        assert respond(curve, x) == pytest.approx(y, abs=0.02) or any(0 < abs(x - q[0]) < 0.01 for q in curve)


def test_a_straight_curve_changes_nothing() -> None:
    assert [respond(LINEAR, p) for p in (0, 0.25, 1, 7)] == pytest.approx([0, 0.25, 1, 1])


@given(data=RUBBISH)
def test_settings_are_patient_with_rubbish(data: object) -> None:
    names = ("tool", "target", "brush", "colour", "tolerance", "quick_mask")
    for rubbish in (data, dict.fromkeys(names, data), {"brush": dict.fromkeys(("size", "curve", "flow"), data)}):
        settings = ToolSettings.from_dict(rubbish)
        assert ToolSettings.from_dict(settings.to_dict()) == settings
        assert 1 <= settings.brush.size <= 2048


def test_settings_come_back_from_a_file() -> None:
    settings = ToolSettings(tool="lasso", target="paint", colour=(1, 2, 3), tolerance=7, quick_mask=True)
    settings = settings.with_brush(size=3.5, curve=((0, 0), (0.3, 0.6), (1, 1)))
    assert settings.paint_brush.size == 3.5
    assert ToolSettings.from_dict(settings.to_dict()) == settings
    assert ToolSettings.from_dict({"tolerance": True, "tool": "hammer"}) == ToolSettings()


def test_the_brush_in_hand() -> None:
    assert ToolSettings().brush_name() == "brush"
    assert ToolSettings(tool="eraser").brush_name() == "eraser"
    assert ToolSettings(tool="lasso", target="paint").brush_name(eraser_tip=True) == "paint_eraser"


def test_limits_hold() -> None:
    brush = BrushSettings(size=9000, hardness=-1, flow=0, spacing=0, opacity=float("nan"))
    assert (brush.size, brush.hardness, brush.flow, brush.spacing, brush.opacity) == (2048, 0, 0.01, 0.02, 1)
    event = PointerEvent(float("nan"), 1e12, pressure=3)
    assert (event.x, event.y, event.pressure) == (0, REACH, 1)
    assert PointerEvent(-0.5, 3.99).pixel == (-1, 3)


@given(data=st.data())
def test_many_dabs_never_exceed_the_strongest(data: st.DataObject) -> None:
    coverage, cache = StrokeCoverage(Size(300, 280), SpareTiles()), StampCache()
    flow = data.draw(st.integers(1, 256))
    highest = 0
    for _ in range(data.draw(st.integers(1, 12))):
        strength = data.draw(st.integers(1, 255))
        highest = max(highest, strength)
        x, y = data.draw(st.floats(-20, 320)), data.draw(st.floats(-20, 300))
        coverage.stamp(*cache.dab(x, y, data.draw(st.sampled_from([1.0, 5.0, 40.0])), 0.5, strength), flow)
    for _key, rect, cover in coverage.take_dirty():
        assert cover.max() <= highest
        assert Rect(0, 0, 300, 280).contains(rect)


@pytest.mark.parametrize("flow", [1, 100, 256])
def test_enough_dabs_arrive(flow: int) -> None:
    coverage = StrokeCoverage(Size(8, 8), SpareTiles())
    for _ in range(260):
        coverage.stamp(2, 2, np.full((2, 2), 200, np.uint8), flow)
    [(_, rect, cover)] = coverage.take_dirty()
    assert rect == Rect(2, 2, 2, 2)
    assert (cover == 200).all()
