"""Zoom and pan as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.ui.viewport import ZOOM_MAX, ZOOM_MIN, ZOOM_STEPS, Margins, Viewport

sides = st.integers(8, 4096)
positions = st.floats(0, 800)


def make(picture: tuple[int, int] = (512, 512), view: tuple[int, int] = (800, 700)) -> Viewport:
    return Viewport(
        width=view[0],
        height=view[1],
        picture_width=picture[0],
        picture_height=picture[1],
        margins=Margins(16, 40, 16, 84),
    )


def test_a_fitted_picture_leaves_its_air() -> None:
    view = make().fitted()
    x, y = view.origin()
    width, height = view.shown_size()
    assert (width, height) == (576, 576)
    assert y == 40 and y + height == 700 - 84
    assert x == (800 - 576) // 2


def test_a_tiny_picture_is_not_blown_up_without_end() -> None:
    assert make((16, 16)).fitted().zoom == 6.0


@given(sides, sides, st.floats(0.05, 30), positions, positions)
def test_zooming_keeps_the_point_under_the_pointer(width: int, height: int, zoom: float, x: float, y: float) -> None:
    view = make((width, height)).fitted()
    before = view.to_picture(x, y)
    after = view.zoomed(zoom, x, y)
    inside = 0 <= after.x <= width and 0 <= after.y <= height
    clamped = after.x in (0, width) or after.y in (0, height)
    assert inside
    if not clamped:
        assert after.to_picture(x, y) == pytest.approx(before, abs=1e-6)


@given(sides, sides, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_the_picture_cannot_be_lost(width: int, height: int, dx: float, dy: float) -> None:
    view = make((width, height)).fitted().zoomed(2.0).panned(dx, dy)
    assert 0 <= view.x <= width
    assert 0 <= view.y <= height


def test_panning_moves_the_picture_with_the_hand() -> None:
    view = make().fitted().zoomed(4.0)
    x, y = view.origin()
    assert view.panned(30, -20).origin() == (x + 30, y - 20)


def test_steps_up_and_down_meet_round_zooms() -> None:
    view = make().fitted().zoomed(1.13)
    assert view.next_zoom(1) == 1.25
    assert view.next_zoom(-1) == 1.0
    assert view.zoomed(1.0).next_zoom(1) == 1.25
    assert view.zoomed(ZOOM_MAX).next_zoom(1) == ZOOM_MAX
    assert view.zoomed(ZOOM_MIN).next_zoom(-1) == ZOOM_MIN
    assert sorted(ZOOM_STEPS) == list(ZOOM_STEPS)


def test_pixels_are_shown_as_squares_from_300_percent_but_not_in_a_fitted_picture() -> None:
    view = make((64, 64)).fitted()
    assert view.zoom > 3 and not view.nearest
    assert view.zoomed(3.0).nearest
    assert not view.zoomed(2.99).nearest


def test_the_forming_picture_and_its_large_self_lie_in_the_same_place() -> None:
    view = make((128, 128)).fitted().zoomed(5.0).panned(40, 12)
    large = view.with_picture(512, 512)
    assert large.origin() == view.origin()
    assert large.shown_size() == view.shown_size()


def test_resizing_keeps_a_fitted_view_fitted() -> None:
    view = make().fitted().resized(400, 300, Margins(16, 16, 16, 16), 6.0)
    assert view.shown_size() == (268, 268)
    assert make().fitted().zoomed(1.0).resized(400, 300, Margins(), 6.0).zoom == 1.0
