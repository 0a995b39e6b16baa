"""Where a dragged frame goes: steps, the picture's edges, the model's size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.geometry import SIDE_MIN, Rect, Size
from sdstudio.ui.canvas.frame_drag import OVERLAP_MIN, FrameDrag, Grip, grip_point

CANVAS = Size(500, 300)
FRAME = Rect(64, 64, 256, 128)


def drag(grip: Grip, start: Rect = FRAME, canvas: Size = CANVAS) -> FrameDrag:
    return FrameDrag(start, grip, 100.0, 100.0, canvas, 256)


def test_corners_and_sides_lie_where_their_names_say() -> None:
    assert grip_point(Grip.TOP_LEFT, 0, 10, 100, 50) == (0, 10)
    assert grip_point(Grip.RIGHT, 0, 10, 100, 50) == (100, 30)
    assert grip_point(Grip.BOTTOM, 0, 10, 100, 50) == (50, 50)


def test_an_edge_goes_by_steps_and_the_others_stay() -> None:
    assert drag(Grip.RIGHT).to(149.0, 400.0, 64, 0) == Rect(64, 64, 320, 128)
    assert drag(Grip.TOP_LEFT).to(70.0, 100.0, 8, 0) == Rect(32, 64, 288, 128)
    assert drag(Grip.RIGHT).to(100.0, 100.0, 64, 0) == FRAME


@pytest.mark.parametrize(
    ("grip", "to", "expected"),
    [
        (Grip.RIGHT, (275.0, 100.0), Rect.between(64, 64, 500, 192)),
        (Grip.LEFT, (40.0, 100.0), Rect.between(0, 64, 320, 192)),
        (Grip.BOTTOM, (100.0, 205.0), Rect.between(64, 64, 320, 300)),
        (Grip.BOTTOM, (100.0, 232.0), Rect.between(64, 64, 320, 320)),
    ],
)
def test_near_an_edge_of_the_picture_or_the_models_size_it_snaps_there(
    grip: Grip, to: tuple[float, float], expected: Rect
) -> None:
    assert drag(grip).to(*to, 64, 8.0) == expected


def test_the_whole_frame_moves_and_keeps_its_size() -> None:
    assert drag(Grip.WHOLE).to(140.0, 100.0, 8, 0) == Rect(104, 64, 256, 128)
    assert drag(Grip.WHOLE).to(283.0, 140.0, 8, 6.0) == Rect(244, 104, 256, 128)
    assert drag(Grip.WHOLE).to(9000.0, -9000.0, 8, 0) == Rect(500 - OVERLAP_MIN, OVERLAP_MIN - 128, 256, 128)


@given(
    grip=st.sampled_from(list(Grip)),
    x=st.floats(-20000, 20000),
    y=st.floats(-20000, 20000),
    step=st.sampled_from([8, 64]),
    near=st.floats(0, 40),
    canvas=st.builds(Size, st.integers(64, 900), st.integers(64, 900)),
)
def test_whatever_the_hand_does_the_frame_shows_something_and_can_be_made(
    grip: Grip, x: float, y: float, step: int, near: float, canvas: Size
) -> None:
    frame = drag(grip, Rect(0, 0, 64, 64), canvas).to(x, y, step, near)
    shown = frame.intersected(Rect.of(canvas))
    assert shown.width >= OVERLAP_MIN and shown.height >= OVERLAP_MIN
    assert frame.width >= SIDE_MIN and frame.height >= SIDE_MIN
