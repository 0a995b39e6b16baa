"""Whatever is made, however it is masked: no pixel outside what is allowed changes. Compared here by own means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.blend import over
from sdstudio.canvas.edits import tiles_of
from sdstudio.canvas.region_composite import Patch, compose, refeathered
from sdstudio.canvas.region_cut import cut_frame
from sdstudio.canvas.region_feather import feathered
from sdstudio.canvas.region_fill import prefilled
from sdstudio.canvas.region_frame import Plan, plan_islands, plan_region
from sdstudio.canvas.region_mask import Flags, Region, region_of_mask
from sdstudio.canvas.region_outcome import finished
from sdstudio.canvas.region_proof import prove, prove_tiles
from sdstudio.canvas.region_soften import softened
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import Pixels
from tests.helpers.patches import ALPHAS, MASKS, mask_of, picture_of

NATIVE = 64


def slow_allowed(mask: Pixels, grow: int) -> Flags:
    height, width = mask.shape
    padded = np.pad(mask > 0, grow)
    allowed = np.zeros(mask.shape, np.bool_)
    for down in range(-grow, grow + 1):
        for across in range(-grow, grow + 1):
            if down * down + across * across <= grow * grow:
                allowed |= padded[grow + down :, grow + across :][:height, :width]
    return allowed


SIDES = st.integers(1, 150)


@settings(max_examples=100)
@given(
    seed=st.integers(0, 99999),
    height=SIDES,
    width=SIDES,
    kind=st.sampled_from(MASKS),
    alpha=st.sampled_from(ALPHAS),
    feather=st.sampled_from([0, 1, 2, 5, 16, 40, 200]),
    grow=st.integers(0, 6),
    context=st.integers(0, 40),
    framed=st.booleans(),
    islands=st.booleans(),
)
def test_nothing_outside_changes(
    seed: int,
    height: int,
    width: int,
    kind: str,
    alpha: str,
    feather: int,
    grow: int,
    context: int,
    framed: bool,
    islands: bool,
) -> None:
    rng = np.random.default_rng(seed)
    picture, mask = picture_of(rng, height, width, alpha), mask_of(rng, height, width, kind)
    first = np.array(picture)
    region = region_of_mask(mask, grow)
    allowed = slow_allowed(mask, grow)
    assert np.array_equal(region.allowed_in(Rect(0, 0, width, height)), allowed)
    plans = plan_islands(region, NATIVE, context) if islands else (plan_region(region, NATIVE, context),)
    if framed:
        row, column = np.argwhere(allowed)[0]
        plans = (plan_region(region, NATIVE, context, Rect(int(column), int(row), 50, 30)),)
    result = picture
    for plan in plans:
        made = rng.integers(0, 256, (plan.made.height, plan.made.width, 3), np.uint8)
        result = compose(result[plan.frame.slices], region, plan, made, feather, seed % 2 == 0).placed(result)
    assert np.array_equal(picture, first)
    differs = (first != result).any(axis=2)
    assert np.count_nonzero(differs & ~allowed) == 0
    proof = prove(first, result, [region])
    assert (proof.pixels_outside, proof.changed_outside) == (np.count_nonzero(~allowed), 0)
    tiled = prove_tiles(tiles_of(first), tiles_of(result), Size(width, height), [region])
    assert tiled == proof
    for plan in plans:
        seen = np.zeros_like(allowed)
        seen[plan.frame.slices] = True
        assert feather > 1 or differs[allowed & seen].any()


def edited(picture: Pixels, mask: Pixels, colour: int, feather: int) -> tuple[Region, Plan, Patch]:
    region = region_of_mask(mask)
    plan = plan_region(region, NATIVE, 16)
    made = np.full((plan.made.height, plan.made.width, 3), colour, np.uint8)
    return region, plan, compose(picture[plan.frame.slices], region, plan, made, feather, match_colours=False)


def test_the_proof_counts_what_is_wrong() -> None:
    rng = np.random.default_rng(0)
    picture = picture_of(rng, 300, 310, "any")
    mask = np.zeros((300, 310), np.uint8)
    mask[100:200, 100:200] = 255
    outcome = finished(picture, region_of_mask(mask), edited(picture, mask, 0, 0)[1], np.zeros((64, 64, 3)), 0)
    broken = np.array(outcome.pixels)
    broken[5, 5, 3] ^= 1  # one bit of alpha
    broken[299, 309, 0] ^= 255
    broken[150, 99, 1] ^= 1
    region = region_of_mask(mask)
    assert prove(picture, broken, [region]).changed_outside == 3
    assert prove_tiles(tiles_of(picture), tiles_of(broken), Size(310, 300), [region]).changed_outside == 3
    assert outcome.proof.changed_outside == 0
    assert outcome.proof.pixels_outside == 300 * 310 - 100 * 100


def test_greys_do_not_make_the_result_transparent() -> None:
    picture = np.full((64, 64, 4), 200, np.uint8)
    picture[..., 3] = 255
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 3
    patch = edited(picture, mask, 10, 0)[2]
    assert (patch.pixels[..., :3] == 10).all()


def test_a_thin_stroke_is_seen_whatever_the_feather() -> None:
    picture = np.full((64, 64, 4), 255, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[30:33, 5:60] = 255
    region, plan, patch = edited(picture, mask, 0, 64)
    after = patch.placed(picture)
    assert (after[31, 10:55, 0] == 0).all()
    assert (cut_frame(picture[plan.frame.slices], region, plan).when[30:33, 5:60] == 255).all()


@pytest.mark.parametrize("side", [200, 1000])
def test_a_thin_stroke_reaches_the_model_however_small_it_is_made(side: int) -> None:
    picture = np.full((side, side, 4), 255, np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[: side - 20, 51:54] = 77
    region = region_of_mask(mask)
    plan = plan_region(region, NATIVE, 16)
    cut = cut_frame(picture[plan.frame.slices], region, plan)
    assert plan.refined is not None and cut.when.shape == (plan.made.height, plan.made.width)
    column = cut.when.max(axis=1)
    assert (column[: int(len(column) * (side - 20) / side) - 1] == 77).all()


def test_transparent_surroundings_keep_their_colours() -> None:
    rng = np.random.default_rng(3)
    picture = picture_of(rng, 64, 64, "any")
    picture[..., 3] = 0
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 10:50] = 255
    patch = edited(picture, mask, 50, 16)[2]
    after = patch.placed(picture)
    assert (after[30, 30] == (50, 50, 50, 255)).all()
    clear = after[..., 3] == 0
    assert clear.sum() >= 64 * 64 - 40 * 40
    assert np.array_equal(after[clear], picture[clear])
    assert (after[(after[..., 3] > 0)][:, :3] == 50).all()
    assert 0 < after[13, 30, 3] < after[18, 30, 3] < 255


def test_the_patch_as_a_layer_is_the_same_picture() -> None:
    rng = np.random.default_rng(4)
    picture = picture_of(rng, 80, 80, "opaque")
    mask = mask_of(rng, 80, 80, "soft")
    region, plan, patch = edited(picture, mask, 90, 9)
    below = picture[patch.rect.slices]
    assert np.abs(over(below, patch.layer()).astype(int) - patch.pixels).max() <= 1
    harder = refeathered(picture[plan.frame.slices], region, plan, patch, 0)
    assert (harder.pixels[region.allowed_in(patch.rect)][:, :3] == 90).all()
    again = refeathered(picture[plan.frame.slices], region, plan, harder, 9)
    assert np.array_equal(again.pixels, patch.pixels)


def test_twenty_edits_in_a_row_leave_all_else() -> None:
    rng = np.random.default_rng(5)
    first = picture_of(rng, 200, 260, "opaque")
    picture, regions = first, []
    for number in range(20):
        mask = np.roll(mask_of(rng, 200, 260, "hard"), number, axis=1)
        region = region_of_mask(mask, grow=2)
        plan = plan_region(region, NATIVE, 8)
        made = rng.integers(0, 256, (plan.made.height, plan.made.width, 3), np.uint8)
        picture = compose(picture[plan.frame.slices], region, plan, made, 8).placed(picture)
        regions.append(region)
    allowed = np.zeros((200, 260), np.bool_)
    for region in regions:
        allowed |= region.allowed_in(Rect(0, 0, 260, 200))
    assert np.array_equal(picture[~allowed], first[~allowed])
    proof = prove(first, picture, regions)
    assert (proof.pixels_outside, proof.changed_outside) == (np.count_nonzero(~allowed), 0)


@settings(max_examples=15)
@given(seed=st.integers(0, 9999), kind=st.sampled_from(MASKS), alpha=st.sampled_from(ALPHAS))
def test_softening_stays_inside_too(seed: int, kind: str, alpha: str) -> None:
    rng = np.random.default_rng(seed)
    picture, mask = picture_of(rng, 90, 110, alpha), mask_of(rng, 90, 110, kind)
    region, plan, patch = edited(picture, mask, 99, 4)
    soft = softened(picture[plan.frame.slices], region, plan, patch, 4)
    assert soft.after <= soft.before
    assert prove(picture, soft.patch.placed(picture), [region]).changed_outside == 0


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="Nothing is masked") as caught:
        region_of_mask(np.zeros((30, 30), np.uint8))
    assert caught.value.field == "mask"


@pytest.mark.parametrize("offset", [-30, 12, 30])
def test_no_grey_patch_on_smooth_ground(offset: int) -> None:
    """A perfect model whose tones are all off by the same: fill in, feather 16."""
    y, x = np.mgrid[:300, :400]
    smooth = np.dstack([80 + x * 0.1, 120 + y * 0.1, 170 - x * 0.05, np.full(x.shape, 255)])
    picture = smooth.astype(np.uint8)
    mask = np.where(np.hypot(y - 150, x - 200) < 60, 255, 0).astype(np.uint8)
    region = region_of_mask(mask)
    plan = plan_region(region, 256, 64)
    cut = cut_frame(picture[plan.frame.slices], region, plan)
    start = prefilled(cut.picture, cut.hole, cut.known, seed=7)
    made = np.clip(start.astype(np.float32) + offset, 0, 255)
    outcome = finished(picture, region, plan, made, 16)
    distance = np.hypot(y - 150, x - 200)
    inside, outside = (distance < 60) & (distance > 52), (distance >= 60) & (distance < 68)
    step = outcome.pixels[inside].mean(axis=0) - outcome.pixels[outside].mean(axis=0)
    assert np.abs(step).max() < 2
    assert np.abs(outcome.pixels.astype(int) - picture).mean() < 1
    assert outcome.seam.figure < 1.5
    uncorrected = finished(picture, region, plan, made, 16, match_colours=False)
    assert uncorrected.seam.figure > 1.8


def test_what_the_frame_cuts_off_is_feathered_too() -> None:
    picture = np.full((96, 96, 4), 255, np.uint8)
    region = region_of_mask(picture[..., 0])
    plan = plan_region(region, NATIVE, 0, Rect(0, 16, 48, 64))
    made = np.zeros((plan.made.height, plan.made.width, 3), np.uint8)
    after = compose(picture[plan.frame.slices], region, plan, made, 8, match_colours=False).placed(picture)[..., 0]
    assert after[48, 47] > 240 > after[48, 42] > after[48, 38] == 0
    assert after[48, 0] == 0  # at the picture's own edge nothing is blended
    assert (after[:, 48:] == 255).all() and after[16, 5] > 240


def test_the_steps_of_a_round_edge_are_not_something_thin() -> None:
    y, x = np.mgrid[:128, :128]
    scallops = np.zeros((128, 128), np.bool_)
    for turn in np.linspace(0, 2 * np.pi, 40):
        scallops |= (x - 64 - 30 * np.cos(turn)) ** 2 + (y - 64 - 30 * np.sin(turn)) ** 2 < 18**2
    for shape in ((x - 60) ** 2 + (y - 60) ** 2 < 45**2, scallops | ((x - 64) ** 2 + (y - 64) ** 2 < 35**2)):
        weights = feathered(shape, 16)
        inner = shape[:-2, 1:-1] & shape[2:, 1:-1] & shape[1:-1, :-2] & shape[1:-1, 2:]
        border = shape[1:-1, 1:-1] & ~inner
        assert weights[1:-1, 1:-1][border].max() < 0.05
        assert weights[64, 64] == 1.0
