"""Which rectangle the model sees, and at which size it is made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.region_frame import ENLARGED_MAX, made_sizes, plan_bounds, plan_islands, snapped_frame
from sdstudio.canvas.region_mask import region_at, region_of_mask
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size, check_generated_size

SIDES = st.integers(1, 3000)


@settings(max_examples=150)
@given(
    width=SIDES,
    height=SIDES,
    corners=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    native=st.sampled_from([256, 512, 768]),
    context=st.integers(0, 300),
)
def test_frames_of_any_mask(
    width: int, height: int, corners: tuple[float, float, float, float], native: int, context: int
) -> None:
    left, right = sorted(int(share * (width - 1)) for share in corners[:2])
    top, bottom = sorted(int(share * (height - 1)) for share in corners[2:])
    bounds, size = Rect.between(left, top, right + 1, bottom + 1), Size(width, height)
    plan = plan_bounds(bounds, size, native, context)
    frame = plan.frame
    assert Rect.of(size).contains(frame) and plan.allowed_bounds == bounds
    assert frame.contains(bounds.grown(context).intersected(Rect.of(size)))
    check_generated_size(plan.made)
    for side, room in ((frame.width, width), (frame.height, height)):
        assert side % 8 == 0 or side == room
        assert side >= min(native, room)
        assert 2 * side >= max(frame.width, frame.height) or side == room
    if plan.refined is not None:
        check_generated_size(plan.refined)
        assert plan.made.pixels < plan.refined.pixels
        assert max(plan.made.width, plan.made.height) <= native or min(plan.made.width, plan.made.height) == 64
    if min(frame.width, frame.height) >= 64:
        assert plan.scale <= ENLARGED_MAX + 8 / 64  # rounded up to a multiple of 8
        assert plan.made.width / frame.width == pytest.approx(plan.made.height / frame.height, rel=0.13)


def test_a_small_mask_on_a_large_picture_is_made_pixel_by_pixel() -> None:
    plan = plan_bounds(Rect(1003, 777, 20, 31), Size(4000, 3000), 512, 64)
    assert (plan.frame.width, plan.frame.height) == (512, 512)
    assert (plan.made, plan.scale, plan.refined) == (Size(512, 512), 1.0, None)
    assert abs(plan.frame.x + 256 - 1013) <= 8 and abs(plan.frame.y + 256 - 792) <= 8


def test_a_frame_larger_than_the_model_is_made_small_first() -> None:
    assert made_sizes(Rect(0, 0, 768, 640), 512) == (Size(512, 432), Size(768, 640))
    assert made_sizes(Rect(0, 0, 3000, 2000), 512) == (Size(512, 344), Size(1024, 688))


def test_a_small_picture_is_enlarged_at_most_four_times() -> None:
    assert plan_bounds(Rect(3, 3, 5, 5), Size(100, 76), 512, 64).made == Size(400, 304)
    assert plan_bounds(Rect(3, 3, 5, 5), Size(300, 300), 512, 64).made == Size(512, 512)
    assert plan_bounds(Rect(0, 0, 1, 1), Size(9, 9), 512, 64).made == Size(64, 64)


def test_a_picture_of_odd_sides_is_filled_up_not_resampled() -> None:
    plan = plan_bounds(Rect(3, 3, 5, 5), Size(501, 467), 512, 64)
    assert (plan.frame, plan.made, plan.scale) == (Rect(0, 0, 501, 467), Size(504, 472), 1.0)


def test_a_chosen_frame_is_snapped_and_checked() -> None:
    size = Size(500, 300)
    assert snapped_frame(Rect(9, 17, 100, 100), size) == Rect(8, 16, 104, 104)
    assert snapped_frame(Rect(-50, 250, 600, 100), size) == Rect(0, 248, 500, 52)
    assert plan_bounds(Rect(20, 20, 9, 9), size, 512, 64, Rect(9, 17, 100, 100)).made == Size(416, 416)
    for wrong in (Rect(500, 0, 80, 80), Rect(0, 0, 0, 50), Rect(300, 100, 100, 100)):
        with pytest.raises(InvalidRequest) as caught:
            plan_bounds(Rect(20, 20, 9, 9), size, 512, 64, wrong)
        assert caught.value.field == "frame"


def test_one_frame_for_each_island() -> None:
    mask = np.zeros((1000, 1400), np.uint8)
    mask[100:120, 100:130] = 255
    mask[150:160, 250:260] = 3  # its frame overlaps the first one's
    mask[800:830, 1200:1210] = 255
    plans = plan_islands(region_of_mask(mask), 256, 32)
    assert [plan.allowed_bounds for plan in plans] == [Rect(100, 100, 160, 60), Rect(1200, 800, 10, 30)]
    assert plans[0].frame.intersected(plans[1].frame).empty
    assert len(plan_islands(region_of_mask(mask), 1024, 32)) == 1


@pytest.mark.parametrize("share", [0.0003, 0.01])
def test_islands_of_a_spray(share: float) -> None:
    rng = np.random.default_rng(1)
    mask = np.zeros((3000, 3000), np.uint8)
    mask[100:700, 100:700] = 255 * (rng.random((600, 600)) < share)
    mask[2400:2900, 2400:2900] = 255 * (rng.random((500, 500)) < share)
    region = region_of_mask(mask)
    plans = plan_islands(region, 256, 16)
    seen = np.zeros(mask.shape, np.uint8)
    for plan in plans:
        seen[plan.frame.slices] += 1
    assert len(plans) >= 2 and seen.max() == 1 and (seen[mask > 0] == 1).all()


def test_a_part_of_a_mask_is_the_same_region() -> None:
    mask = np.zeros((100, 120), np.uint8)
    mask[40:50, 60:90] = 9
    whole = region_of_mask(mask, grow=3)
    part = region_at(mask[30:60, 50:100], Rect(50, 30, 50, 30), Size(120, 100), grow=3)
    assert (whole.rect, whole.bounds, whole.count) == (part.rect, part.bounds, part.count)
    assert np.array_equal(whole.when, part.when)


def test_the_model_may_be_told_to_reach_further_than_is_kept() -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[40, 40] = 200
    region = region_of_mask(mask, grow=4, reach=8)
    values = region.when_in(Rect(40, 40, 14, 1))[0]
    assert region.count == region_of_mask(mask, grow=4).count
    assert (values[:5] == 200).all() and (np.diff(values.astype(int)) <= 0).all()
    assert values[5] > values[12] > 0 == values[13]
