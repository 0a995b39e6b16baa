"""Colours matched on the ring, and the seam figure."""

from __future__ import annotations

import numpy as np
import pytest

from sdstudio.canvas.region_colour import ColourMatch, matched, ring_of
from sdstudio.canvas.region_composite import compose
from sdstudio.canvas.region_cut import Cut, cut_frame
from sdstudio.canvas.region_frame import plan_region
from sdstudio.canvas.region_mask import Floats, Region, region_of_mask
from sdstudio.canvas.region_outcome import finished
from sdstudio.canvas.region_seam import Seam, seam_of, stands_out
from sdstudio.canvas.region_soften import softened
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels


def photograph(seed: int = 0, side: int = 320, grain: float = 4.0) -> Pixels:
    """Slopes, some soft things, grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    picture = np.dstack([60 + x * 0.3, 90 + y * 0.25, 150 - x * 0.1 + y * 0.1])
    for _ in range(6):
        distance = np.hypot(y - rng.integers(side), x - rng.integers(side))
        picture += np.clip(1.5 - distance / rng.integers(20, 60), 0, 1)[..., None] * rng.uniform(-60, 60, 3)
    picture += rng.normal(0, grain, (side, side, 1))
    return np.dstack([np.clip(picture, 0, 255), np.full((side, side), 255)]).astype(np.uint8)


def disc(side: int = 320, radius: int = 60) -> Pixels:
    y, x = np.mgrid[:side, :side]
    return np.where(np.hypot(y - side // 2, x - side // 2) < radius, 255, 0).astype(np.uint8)


def cut_of(picture: Pixels, mask: Pixels) -> Cut:
    region = region_of_mask(mask)
    plan = plan_region(region, 320, 64)
    return cut_frame(picture[plan.frame.slices], region, plan)


def test_an_affine_shift_is_taken_out() -> None:
    cut = cut_of(photograph(), disc())
    source = cut.picture.astype(np.float32)
    made = (source - (9, -14, 4)) / (1.08, 0.93, 1.15)
    result, how = matched(made.astype(np.float32), cut.picture, ring_of(cut))
    assert np.abs(result - source).mean() < 0.7
    assert how.gain == pytest.approx((1.08, 0.93, 1.15), abs=0.05)
    assert how.ring > 10000


def test_a_drift_of_low_frequencies_is_taken_out() -> None:
    cut = cut_of(photograph(), disc())
    y, x = np.mgrid[:320, :320]
    drift = 8 * np.sin(x / 60) * np.cos(y / 70)
    made = cut.picture + drift[..., None].astype(np.float32)
    result, how = matched(made, cut.picture, ring_of(cut))
    near = cut.when > 0
    near[120:200, 120:200] = False  # far inside nothing is known
    off = np.abs(result - cut.picture)[near].mean()
    assert off < np.abs(drift)[near].mean() / 2
    assert 1 < how.field_max <= 16


def test_what_the_model_drew_on_the_ring_does_not_count() -> None:
    cut = cut_of(photograph(), disc())
    made = cut.picture.astype(np.float32) + 10
    made[60:100, 60:260] = (255, 0, 0)
    result, _how = matched(made, cut.picture, ring_of(cut))
    assert np.abs(result - cut.picture)[cut.when > 0].mean() < 1.5


def test_lost_texture_is_not_mistaken_for_a_loss_of_contrast() -> None:
    cut = cut_of(photograph(grain=25), disc())
    smooth = photograph(grain=0)[..., :3].astype(np.float32)
    _result, how = matched(smooth, cut.picture, ring_of(cut))
    assert how.gain == pytest.approx((1, 1, 1), abs=0.03)


@pytest.mark.parametrize("margin", [0, 2, 7])
def test_a_tiny_ring_changes_nothing(margin: int) -> None:
    mask = np.zeros((320, 320), np.uint8)
    mask[margin : 320 - margin, margin : 320 - margin] = 255
    cut = cut_of(photograph(), mask)
    made = np.random.default_rng(0).random((320, 320, 3), np.float32) * 255
    result, how = matched(made, cut.picture, ring_of(cut))
    assert result is made and how == ColourMatch()


def test_limits() -> None:
    cut = cut_of(photograph(), disc())
    result, how = matched(np.zeros((320, 320, 3), np.float32), cut.picture, ring_of(cut))
    assert max(how.gain) <= 1.33 + 1e-6 and result.max() <= 48 * 1.33 + 16 + 1


def test_off_by_flag() -> None:
    picture, region = photograph(), region_of_mask(disc())
    plan = plan_region(region, 320, 64)
    made = np.full((320, 320, 3), 77, np.uint8)
    patch = compose(picture[plan.frame.slices], region, plan, made, 0, match_colours=False)
    assert (patch.pixels[region.allowed_in(patch.rect)][:, :3] == 77).all()


def seam_with(picture: Pixels, mask: Pixels, made: Floats, feather: int) -> float:
    region = region_of_mask(mask)
    return finished(picture, region, plan_region(region, 320, 64), made, feather, match_colours=False).seam.figure


@pytest.mark.parametrize("grain", [0, 4, 25])
def test_the_seam_of_nothing_is_about_one(grain: float) -> None:
    picture = photograph(grain=grain)
    made = picture[..., :3].astype(np.float32)
    assert 0.5 < seam_with(picture, disc(), made, 16) < 1.1
    assert seam_with(picture, disc(), made[::-1, ::-1] * 0 + made, 0) < 1.1


@pytest.mark.parametrize("grain", [0, 4])
@pytest.mark.parametrize("feather", [0, 16])
def test_a_pasted_patch_stands_out(grain: float, feather: int) -> None:
    picture = photograph(grain=grain)
    made = np.clip(picture[..., :3] + np.float32(25), 0, 255)
    figure = seam_with(picture, disc(), made, feather)
    assert stands_out(figure) and figure > seam_with(picture, disc(), made - 15, feather) > 1


def test_an_edge_that_was_there_before_is_no_seam() -> None:
    mask = disc()
    picture = np.where((mask > 0)[..., None], (200, 40, 40, 255), (30, 90, 200, 255)).astype(np.uint8)
    made = np.zeros((320, 320, 3), np.float32) + np.array((40, 180, 60))
    assert not stands_out(seam_with(picture, mask, made, 0))
    flat = np.full_like(picture, 255)
    assert seam_with(flat, mask, made, 0) > 10


def test_no_border_no_seam() -> None:
    picture = photograph()
    whole = Region(plan_region(region_of_mask(disc()), 320, 0).made, Rect(0, 0, 320, 320), disc() | 255, disc() >= 0)
    assert seam_of(picture, picture[::-1], whole, whole.rect) == Seam(0, 0)


@pytest.mark.parametrize("feather", [0, 16])
def test_softening_takes_the_seam_away(feather: int) -> None:
    picture, region = photograph(), region_of_mask(disc())
    plan = plan_region(region, 320, 64)
    made = np.clip(picture[..., :3] + np.float32(25), 0, 255)
    source = picture[plan.frame.slices]
    patch = compose(source, region, plan, made, feather, match_colours=False)
    soft = softened(source, region, plan, patch, feather)
    assert stands_out(soft.before) and not stands_out(soft.after) and soft.how == "both"
    assert soft.before == pytest.approx(seam_with(picture, disc(), made, feather), rel=0.2)
