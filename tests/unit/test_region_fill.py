"""What the model starts from, the feather, and the filters below them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.region_cut import fitted_mask
from sdstudio.canvas.region_feather import depths, feathered
from sdstudio.canvas.region_fill import FillStyle, nearest, prefilled, surroundings
from sdstudio.canvas.region_filters import box_blur, doubled, halved, pull_push
from sdstudio.canvas.region_mask import Flags
from sdstudio.domain.geometry import Size

SEEDS = st.integers(0, 9999)


def slow_depths(inside: Flags, reach: int) -> np.ndarray:
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]]
    result = np.where(inside, float(reach), 0.0)
    for row, column in np.argwhere(~inside):
        result = np.minimum(result, np.hypot(y - row, x - column))
    return result


def blobs(seed: int, height: int, width: int) -> Flags:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    flags = np.zeros((height, width), np.bool_)
    for _ in range(3):
        flags |= np.hypot(y - rng.integers(height), x - rng.integers(width)) < rng.integers(1, 20)
    return flags


@settings(max_examples=40)
@given(seed=SEEDS, height=st.integers(1, 40), width=st.integers(1, 40), reach=st.integers(1, 30))
def test_distances_are_exact(seed: int, height: int, width: int, reach: int) -> None:
    inside = blobs(seed, height, width)
    assert depths(inside, reach) == pytest.approx(slow_depths(inside, reach), abs=1e-4)


def test_far_distances_are_nearly_right() -> None:
    y, x = np.mgrid[:420, :420]
    distance = 200 - np.hypot(y - 210, x - 210)
    found = depths(distance > 0, 150)
    assert np.abs(found - np.clip(distance, 0, 150)).max() < 6
    assert (found[distance <= 0] == 0).all()


@settings(max_examples=40)
@given(seed=SEEDS, height=st.integers(1, 60), width=st.integers(1, 60), feather=st.integers(0, 100))
def test_the_feather_runs_inwards(seed: int, height: int, width: int, feather: int) -> None:
    allowed = blobs(seed, height, width)
    weights = feathered(allowed, feather)
    assert weights.min() >= 0 and weights.max() <= 1
    assert np.array_equal(weights > 0, allowed)


@pytest.mark.parametrize("feather", [4, 16, 60])
def test_a_straight_edge_becomes_a_smooth_step(feather: int) -> None:
    allowed = np.zeros((200, 200), np.bool_)
    allowed[:, 50:] = True
    weights = feathered(allowed, feather)
    share = np.clip(np.arange(1, 151) / feather, 0, 1)
    assert weights[100, 50:] == pytest.approx(share * share * (3 - 2 * share), abs=0.02)
    assert weights[0, 199] == 1  # the picture's own edge is no border
    assert (weights == weights[100]).all()


@pytest.mark.parametrize("feather", [8, 16, 64, 128])
def test_what_is_thin_is_full_in_its_middle_also_beside_what_is_wide(feather: int) -> None:
    y, x = np.mgrid[:300, :400]
    allowed = np.hypot(y - 150, x - 120) < 90
    allowed[149:152, 120:395] = True
    allowed[10, 100:200] = True
    weights = feathered(allowed, feather)
    assert (weights[150, 240:390] > 0.95).all() and (weights[10, 110:190] > 0.95).all()
    assert weights[150, 120] > 0.99


def test_a_mask_made_smaller_keeps_its_highest_values() -> None:
    rng = np.random.default_rng(0)
    mask = np.where(rng.random((101, 77)) < 0.02, rng.integers(1, 256, (101, 77)), 0).astype(np.uint8)
    for size in (Size(16, 24), Size(8, 200), Size(304, 408), Size(80, 104)):
        small = fitted_mask(mask, size)
        assert small.shape == (size.height, size.width)
        for row, column in np.argwhere(mask > 0):
            if size == Size(80, 104):  # filled up, not resampled
                assert small[row, column] == mask[row, column]
                continue
            top, left = int(row * size.height / 101), int(column * size.width / 77)
            assert small[top, left] >= mask[row, column]
        assert np.isin(small, mask).all()


def test_a_hole_in_a_slope_is_filled_with_the_slope() -> None:
    y, x = np.mgrid[:200, :240]
    picture = np.dstack([60 + x * 0.5, 80 + y * 0.5, 0 * x + 120]).astype(np.uint8)
    spoiled = np.array(picture)
    spoiled[60:140, 80:160] = (255, 0, 255)
    hole = np.zeros((200, 240), np.uint8)
    hole[60:140, 80:160] = 255
    filled = prefilled(spoiled, hole, seed=3)
    assert np.array_equal(filled[hole == 0], picture[hole == 0])
    off = filled[hole > 0].astype(float) - picture[hole > 0]
    assert np.abs(off.mean(axis=0)).max() < 2 and np.abs(off).max() < 16
    assert np.array_equal(filled, prefilled(spoiled, hole, seed=3))
    assert not np.array_equal(filled, prefilled(spoiled, hole, seed=4))


def test_the_noise_is_that_of_the_surroundings() -> None:
    rng = np.random.default_rng(2)
    flat = np.full((160, 160, 3), 128, np.uint8)
    grainy = np.clip(128 + rng.normal(0, 5, (160, 160, 1)) * np.ones(3), 0, 255).astype(np.uint8)
    hole = np.zeros((160, 160), np.uint8)
    hole[50:110, 50:110] = 255
    quiet = prefilled(flat, hole, seed=1)[60:100, 60:100, 1].std()
    loud = prefilled(grainy, hole, seed=1)[60:100, 60:100, 1].std()
    assert 0.5 < quiet < 1.5 and 3 < loud < 8


def test_greys_are_filled_in_part() -> None:
    picture = np.full((64, 64, 3), 100, np.uint8)
    picture[20:40, 20:40] = 200
    hole = np.zeros((64, 64), np.uint8)
    hole[20:40, 20:40] = 128
    assert 140 < prefilled(picture, hole)[25:35, 25:35].mean() < 185


def test_new_ground_continues_the_edges() -> None:
    picture = np.zeros((100, 160, 3), np.uint8)
    picture[:, :80] = np.where(np.arange(100)[:, None, None] < 50, (200, 60, 60), (40, 40, 160))
    hole = np.zeros((100, 160), np.uint8)
    hole[:, 80:] = 255
    filled = prefilled(picture, hole, style=FillStyle.EDGES, seed=1)
    assert np.abs(filled[5:25, 85:155].mean(axis=(0, 1)) - (200, 60, 60)).max() < 40
    assert np.abs(filled[75:95, 85:155].mean(axis=(0, 1)) - (40, 40, 160)).max() < 40
    assert np.array_equal(filled[:, :80], picture[:, :80])


def test_the_nearest_known_pixel_of_row_or_column() -> None:
    picture = np.zeros((6, 7, 3), np.uint8)
    known = np.zeros((6, 7), np.bool_)
    known[2:4, 2:5] = True
    picture[2:4, 2:5, 0] = [[1, 2, 3], [4, 5, 6]]
    found = nearest(picture, known)[..., 0]
    assert found.tolist() == [
        [1, 1, 1, 2, 3, 3, 3],
        [1, 1, 1, 2, 3, 3, 3],
        [1, 1, 1, 2, 3, 3, 3],
        [4, 4, 4, 5, 6, 6, 6],
        [4, 4, 4, 5, 6, 6, 6],
        [4, 4, 4, 5, 6, 6, 6],
    ]


def test_nothing_known_is_neutral() -> None:
    picture = np.full((16, 24, 3), 7, np.uint8)
    clear = np.zeros((16, 24), np.uint8)
    assert (surroundings(picture, clear) == 127).all()
    assert (nearest(picture, clear > 0) == 127).all()
    assert prefilled(picture, clear + 255, clear, FillStyle.EDGES).mean() == pytest.approx(127, abs=3)
    assert np.array_equal(prefilled(picture, clear), picture)


@settings(max_examples=30)
@given(seed=SEEDS, height=st.integers(1, 20), width=st.integers(1, 20), radius=st.integers(1, 9))
def test_box_blur_is_the_mean_of_a_square(seed: int, height: int, width: int, radius: int) -> None:
    values = np.random.default_rng(seed).random((height, width, 2), np.float32) * 255
    padded = np.pad(values, [(radius, radius), (radius, radius), (0, 0)], mode="edge")
    side = 2 * radius + 1
    slow = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (0, 1)).mean(axis=(3, 4))
    assert box_blur(values, radius) == pytest.approx(slow, abs=0.01)


def test_scaling_by_two_keeps_a_constant() -> None:
    values = np.full((5, 7, 3), 9, np.float32)
    assert (halved(values)[:2, :3] == 9).all() and halved(values).shape == (3, 4, 3)
    assert doubled(values, 13, 10) == pytest.approx(9)
    known = np.zeros((5, 7), np.float32)
    known[4, 6] = 1
    assert pull_push(values, known) == pytest.approx(9)
