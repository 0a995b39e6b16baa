"""Pictures extended: steps, frames, the overlap; the original's pixels stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.region_composite import compose
from sdstudio.canvas.region_cut import cut_frame
from sdstudio.canvas.region_fill import FillStyle, prefilled
from sdstudio.canvas.region_outcome import seam_between
from sdstudio.canvas.region_outpaint import Margins, OutpaintStep, extended, outpaint_frames, plan_outpaint
from sdstudio.canvas.region_proof import prove
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size, check_generated_size
from sdstudio.domain.image import Pixels

AMOUNTS = st.one_of(st.just(0), st.integers(1, 200))


def made_all(picture: Pixels, margins: Margins, steps: tuple[OutpaintStep, ...], seed: int) -> Pixels:
    """With noise for a model."""
    rng = np.random.default_rng(seed)
    canvas = extended(picture, margins)
    for step in steps:
        source = canvas[step.plan.frame.slices]
        made = rng.integers(0, 256, (step.plan.made.height, step.plan.made.width, 3), np.uint8)
        canvas = compose(source, step.region, step.plan, made, 16, seed % 2 == 0).placed(canvas)
    return canvas


@settings(max_examples=40)
@given(
    seed=st.integers(0, 9999),
    width=st.integers(1, 150),
    height=st.integers(1, 150),
    sides=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS).filter(any),
    opaque=st.booleans(),
    in_steps=st.sampled_from([None, True, False]),
)
def test_the_original_stays_and_all_else_is_made(
    seed: int, width: int, height: int, sides: tuple[int, int, int, int], opaque: bool, in_steps: bool | None
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if opaque:
        picture[..., 3] = 255
    margins = Margins(*sides)
    steps = plan_outpaint(Size(width, height), margins, 64, in_steps=in_steps)
    canvas = made_all(picture, margins, steps, seed)
    old = margins.place(Size(width, height))
    assert np.array_equal(canvas[old.slices], picture)
    outside = np.ones(canvas.shape[:2], np.bool_)
    outside[old.slices] = False
    assert (canvas[outside][:, 3] == 255).all()
    proof = prove(picture, canvas, [step.region for step in steps], old)
    assert (proof.pixels_outside, proof.changed_outside) == (width * height, 0)
    for step in steps:
        check_generated_size(step.plan.made)
        assert Rect.of(step.region.size).contains(step.plan.frame)
        assert in_steps is not True or max(step.plan.frame.width, step.plan.frame.height) <= 80


def test_a_small_extension_is_made_at_once() -> None:
    (step,) = plan_outpaint(Size(400, 400), Margins(right=200, top=100), 512)
    assert (step.plan.frame, step.plan.refined) == (Rect(0, 0, 600, 500), None)


def test_a_panorama_goes_on_in_steps_that_share_ground() -> None:
    steps = plan_outpaint(Size(512, 512), Margins(right=1200), 512)
    assert [step.plan.frame for step in steps] == [
        Rect(300, 0, 512, 512),
        Rect(600, 0, 512, 512),
        Rect(900, 0, 512, 512),
        Rect(1200, 0, 512, 512),
    ]
    assert all(step.plan.scale == 1 and step.plan.refined is None for step in steps)
    blended = steps[1].region.allowed_in(Rect(700, 0, 200, 1))[0]
    assert blended[80:].all() and not blended[:80].any()  # 32 pixels of what the first step has made
    assert not steps[0].region.allowed_in(Rect(400, 0, 112, 512)).any()  # none of the picture


def test_a_tall_side_is_made_in_frames_of_the_models_size() -> None:
    steps = plan_outpaint(Size(1000, 1300), Margins(left=200), 512)
    assert all(step.plan.frame.width == step.plan.frame.height == 512 for step in steps)
    assert [step.plan.frame.y for step in steps] == [0, 394, 788]


def test_the_overlap_is_for_the_model_only() -> None:
    picture = np.full((200, 200, 4), 255, np.uint8)
    margins = Margins(right=100)
    (step,) = plan_outpaint(Size(200, 200), margins, 256)
    source = extended(picture, margins)[step.plan.frame.slices]
    cut = cut_frame(source, step.region, step.plan)
    row = cut.when[100]
    assert (row[200:300] == 255).all() and 100 < row[199] < 140 and row[160] == 0
    assert (np.diff(row[:200].astype(int)) >= 0).all()
    assert np.array_equal(cut.allowed[100, :300], np.arange(300) >= 200)
    assert np.array_equal(cut.hole[100, :300], np.where(np.arange(300) >= 200, 255, 0))


def test_tones_meet_at_the_border() -> None:
    """A perfect model that goes on with the edges, all of it 20 levels too light."""
    y, x = np.mgrid[:200, :200]
    picture = np.dstack([60 + y * 0.4, 150 - y * 0.3, 90 + x * 0, np.full(x.shape, 255)]).astype(np.uint8)
    margins = Margins(right=56)
    (step,) = plan_outpaint(Size(200, 200), margins, 256)
    canvas = extended(picture, margins)
    source = canvas[step.plan.frame.slices]
    cut = cut_frame(source, step.region, step.plan)
    start = prefilled(cut.picture, cut.hole, cut.known, FillStyle.EDGES, seed=2)
    made = start.astype(np.float32) + 20
    result = compose(source, step.region, step.plan, made, 16).placed(canvas)
    colours = result[..., :3].astype(float)
    off = colours[:, 200:208].mean(axis=1) - colours[:, 192:200].mean(axis=1)
    assert np.abs(off).mean() < 3
    raw = compose(source, step.region, step.plan, made, 16, match_colours=False).placed(canvas)
    right = compose(source, step.region, step.plan, start, 16, match_colours=False).placed(canvas)
    figures = [seam_between(canvas, after, step.region).figure for after in (result, right, raw)]
    assert figures[0] == pytest.approx(figures[1], abs=0.1)
    assert figures[0] < 2.5 < 10 < figures[2]


def test_margins_that_cannot_be() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Margins(top=-3)
    assert caught.value.field == "top"
    with pytest.raises(InvalidRequest, match="Nothing is added"):
        Margins()
    with pytest.raises(InvalidRequest, match="too large"):
        plan_outpaint(Size(16000, 100), Margins(left=1000), 512)


@settings(max_examples=40)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    sides=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS).filter(any),
)
def test_frames_alone_are_those_of_the_steps(width: int, height: int, sides: tuple[int, int, int, int]) -> None:
    size, margins = Size(width, height), Margins(*sides)
    steps = [step.plan for step in plan_outpaint(size, margins, 64)]
    frames = outpaint_frames(size, margins, 64)
    assert [(plan.frame, plan.made, plan.refined) for plan in frames] == [
        (plan.frame, plan.made, plan.refined) for plan in steps
    ]
