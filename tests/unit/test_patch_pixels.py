"""An accepted result as a layer: nothing outside, the candidate's bits inside, an honest layer afterwards."""

from __future__ import annotations

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.patch_edit import Blending
from sdstudio.canvas.patch_pixels import layer_of
from sdstudio.canvas.region_composite import Patch
from sdstudio.canvas.region_proof import prove_tiles
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from tests.helpers.patches import ALPHAS, picture_of, records, slow_allowed
from tests.helpers.slow_canvas import over_exactly

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Of noise nothing simpler can be shown."""
SIZES = st.builds(Size, st.integers(1, 300), st.integers(1, 150))


def blended(below: Pixels, made: np.ndarray, weights: np.ndarray) -> Patch:
    share = weights[..., None]
    mixed = np.clip(np.rint(below[..., :3] + share * (made - below[..., :3])), 0, 255).astype(np.uint8)
    after = np.where(share > 0, np.dstack([mixed, np.full(weights.shape, 255, np.uint8)]), below)
    return Patch(Rect(0, 0, *weights.shape[::-1]), after, made, weights)


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(SIZES, st.data())
def test_accepted_it_shows_the_candidate_and_changes_nothing_else(size: Size, data: st.DataObject) -> None:
    alpha = data.draw(st.sampled_from(ALPHAS))
    record = data.draw(records(size))
    before = picture_of(np.random.default_rng(data.draw(st.integers(0, 99))), size.height, size.width, alpha)
    document = CanvasDocument.from_image(ImageBuffer(before))
    blending = Blending(document.state(), record)
    layer = blending.layer()
    candidate = blending.patch.placed(before)
    document.accept_patch(layer.pixels, layer.x, layer.y, "apple", layer.record)
    after = document.composite(document.rect)

    allowed = slow_allowed(record, size)
    assert not (before != after).any(axis=2)[~allowed].any()
    assert not document.grid("patch-1").read(document.rect)[~allowed].any()
    proof = prove_tiles(
        CanvasDocument.from_image(ImageBuffer(before)).picture.freeze(),
        CanvasDocument.from_image(ImageBuffer(after)).picture.freeze(),
        size,
        [blending.region],
    )
    assert proof.changed_outside == 0

    sure = (before[..., 3] == 255) | (before[..., 3] == 0)
    assert np.array_equal(after[sure], candidate[sure])
    assert np.abs(after[..., 3].astype(int) - candidate[..., 3]).max() <= 1
    weighted = [pixels[..., :3] * (pixels[..., 3:] / 255.0) for pixels in (after, candidate)]
    assert np.abs(weighted[0] - weighted[1]).max() <= 2


@settings(max_examples=80, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 9999), st.floats(-60, 320), st.floats(-60, 320))
def test_every_mixture_over_an_opaque_picture_is_met_exactly(seed: int, low: float, high: float) -> None:
    """Colours beyond 0 and 255 too, as matching and resampling make them."""
    rng = np.random.default_rng(seed)
    below = picture_of(rng, 40, 50)
    below[::3] = rng.choice(np.array([0, 1, 127, 254, 255], np.uint8), (below[::3].shape[0], 50, 1))
    below[..., 3] = 255
    made = rng.uniform(min(low, high), max(low, high), (40, 50, 3)).astype(np.float32)
    weights = (rng.random((40, 50)) ** rng.integers(1, 7)).astype(np.float32)
    weights[rng.random((40, 50)) < 0.2] = 0
    patch = blended(below, made, weights)
    layer = layer_of(below, patch)
    document = CanvasDocument.from_image(ImageBuffer(below))
    document.accept_patch(ImageBuffer(layer), 0, 0, "", None)
    assert np.array_equal(document.composite(document.rect), patch.pixels)
    assert not layer[weights == 0].any()
    steps = np.rint(np.float32(255) * weights)
    raised = layer[..., 3].astype(int) - steps
    assert raised.min() >= 0
    inside = ((made >= 0) & (made <= 255)).all(axis=2)
    assert raised[inside].max(initial=0) <= 1


@settings(max_examples=40, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 9999), st.sampled_from([0.25, 0.5, 0.8, 1.0]))
def test_over_another_picture_and_with_less_opacity_it_blends_as_the_mask_says(seed: int, opacity: float) -> None:
    rng = np.random.default_rng(seed)
    below, other = picture_of(rng, 30, 40), picture_of(rng, 30, 40)
    made = rng.integers(0, 256, (30, 40, 3)).astype(np.float32)
    weights = rng.random((30, 40)).astype(np.float32)
    layer = layer_of(below, blended(below, made, weights))
    document = CanvasDocument.from_image(ImageBuffer(other))
    document.set_layer(document.accept_patch(ImageBuffer(layer), 0, 0, "", None), opacity=opacity)
    plain = np.dstack([made, weights * 255 * opacity])
    expected = over_exactly(other.astype(float), plain)
    seen = document.composite(document.rect).astype(float)
    assert np.abs(seen - expected)[..., :3].max() <= 2.5
