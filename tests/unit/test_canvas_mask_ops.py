"""Operations on whole masks, against definitions written out pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas import mask_ops
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.tool_mask import MASK_LABELS, STRIP, MaskWork
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels


def slow_grow(mask: Pixels, radius: int) -> Pixels:
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    result = np.zeros_like(mask)
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            result[row, column] = mask[(y - row) ** 2 + (x - column) ** 2 <= radius * radius].max()
    return result


def random_mask(seed: int, height: int, width: int, share: float = 0.1) -> Pixels:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((height, width)) < share, rng.integers(1, 256, (height, width)), 0).astype(np.uint8)


SHAPES = {"seed": st.integers(0, 9999), "height": st.integers(1, 24), "width": st.integers(1, 24)}


@settings(max_examples=60)
@given(**SHAPES, radius=st.integers(0, 14))
def test_grow_is_a_true_disc(seed: int, height: int, width: int, radius: int) -> None:
    mask = random_mask(seed, height, width)
    assert np.array_equal(mask_ops.grow(mask, radius), slow_grow(mask, radius))


def test_grow_of_one_pixel_by_64() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[90, 100] = 7
    y, x = np.mgrid[:200, :200]
    assert np.array_equal(mask_ops.grow(mask, 64), np.where((y - 90) ** 2 + (x - 100) ** 2 <= 4096, 7, 0))


@settings(max_examples=40)
@given(**SHAPES, radius=st.integers(0, 9))
def test_shrink_is_grow_of_the_rest(seed: int, height: int, width: int, radius: int) -> None:
    mask = random_mask(seed, height, width, 0.9)
    assert np.array_equal(mask_ops.shrink(mask, radius), 255 - slow_grow(255 - mask, radius))


def test_a_mask_does_not_come_off_the_edge() -> None:
    full = np.full((20, 20), 255, np.uint8)
    for operation in (mask_ops.grow, mask_ops.shrink, mask_ops.feather):
        assert np.array_equal(operation(full, 5), full)


@pytest.mark.parametrize("radius", [1, 2, 5, 16, 64, 256])
def test_feather_is_a_gaussian_of_half_the_radius(radius: int) -> None:
    half = 3 * radius + 8
    mask = np.zeros((5, 2 * half), np.uint8)
    mask[:, half:] = 255
    row = mask_ops.feather(mask, radius)[2].astype(float)
    assert np.all(np.diff(row) >= 0)
    slope = np.diff(row) / 255
    places = np.arange(len(slope)) - half + 1.0
    sigma = float(np.sqrt((slope * places**2).sum() - (slope * places).sum() ** 2))
    assert sigma == pytest.approx(radius / 2, rel=0.12, abs=0.12)
    assert half - np.flatnonzero(row)[0] <= mask_ops.feather_reach(radius)


def test_holes_are_filled_to_the_value_around_them() -> None:
    mask = np.zeros((30, 60), np.uint8)
    mask[2:22, 2:22] = 255
    mask[8:16, 8:16] = 0
    mask[9, 9] = 40  # an island in the hole
    mask[2:22, 30:50] = 120
    mask[8:12, 35:40] = 0
    mask[25:29, 3:9] = 200
    mask[26:29, 5:7] = 0  # open below: a bay only once the next row is there
    mask[28, 5:7] = 0
    expected = mask.copy()
    expected[8:16, 8:16] = 255
    expected[8:12, 35:40] = 120
    assert np.array_equal(mask_ops.fill_holes(mask)[:25], expected[:25])
    assert np.array_equal(mask_ops.fill_holes(mask[:29])[25:], mask[25:29])


def test_a_soft_rimmed_hole_leaves_no_rim() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[10:50, 10:50] = 255
    mask[25:35, 25:35] = 0
    soft = mask_ops.feather(mask, 4)
    filled = mask_ops.fill_holes(soft)
    assert (filled[20:40, 20:40] == 255).all()
    assert np.array_equal(filled[:15], soft[:15])


def test_fill_holes_lowers_nothing() -> None:
    mask = random_mask(3, 40, 50, 0.6)
    assert (mask_ops.fill_holes(mask) >= mask).all()


def test_specks_go_by_their_area() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[1, 1] = 9
    mask[4:6, 4:6] = 1
    mask[6, 6] = 1  # corner to corner: five pixels
    mask[10:14, 10:14] = 200
    kept = mask_ops.remove_specks(mask, 5)
    assert kept[1, 1] == 0
    assert kept.sum() == mask.sum() - 9
    assert mask_ops.remove_specks(mask, 6).sum() == 16 * 200


def test_from_alpha_transparent_may_change() -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = (0, 100, 255)
    assert mask_ops.from_alpha(pixels).tolist() == [[255, 155, 0]]


def document_with(mask: Pixels, x: int, y: int, size: Size) -> CanvasDocument:
    document = CanvasDocument.blank(size, (1, 2, 3, 255))
    document.begin("mask")
    document.mask.write(Rect(x, y, mask.shape[1], mask.shape[0]), mask)
    document.commit()
    return document


CANVAS = Size(620, STRIP + 170)
EXPECTED = {
    "invert": lambda m: 255 - m,
    "clear": np.zeros_like,
    "all": lambda m: np.full_like(m, 255),
    "grow": lambda m: mask_ops.grow(m, 20),
    "shrink": lambda m: mask_ops.shrink(m, 20),
    "feather": lambda m: mask_ops.feather(m, 20),
    "fill_holes": mask_ops.fill_holes,
    "remove_specks": lambda m: mask_ops.remove_specks(m, 20),
    "from_alpha": np.zeros_like,
}


@pytest.mark.parametrize("name", MASK_LABELS)
@pytest.mark.parametrize(("x", "y"), [(0, 0), (200, 300), (470, 480)])
def test_in_strips_within_the_mask_it_is_the_same_as_at_once(name: str, x: int, y: int) -> None:
    mask = mask_ops.grow(random_mask(5, 200, 150, 0.003), 17)
    mask[::90, ::70] |= 3  # specks
    document = document_with(mask, x, y, CANVAS)
    before = document.mask.read(document.rect)
    steps: list[float] = []
    patch = MaskWork(name, 20).run(document.snapshot(), steps.append)
    changed = patch.apply(document)
    after = document.mask.read(document.rect)
    assert np.array_equal(after, EXPECTED[name](before))
    differs = before != after
    differs[changed.slices] = False
    assert not differs.any()
    assert steps == sorted(steps)
    assert document.history.undo_labels[-1] == MASK_LABELS[name]
    document.undo()
    assert np.array_equal(document.mask.read(document.rect), before)


@pytest.mark.parametrize("name", ["grow", "shrink", "feather", "fill_holes", "remove_specks", "clear"])
def test_an_empty_mask_stays_empty_without_an_item(name: str) -> None:
    document = CanvasDocument.blank(Size(300, 300))
    assert MaskWork(name, 8).run(document.snapshot()).apply(document).empty
    assert document.history.undo_labels == ()


def test_a_preview_can_be_rolled_back() -> None:
    document = document_with(np.full((40, 40), 255, np.uint8), 10, 10, Size(300, 300))
    before = document.mask.read(document.rect)
    document.begin("preview")
    MaskWork("feather", 9).run(document.snapshot()).lay(document)
    assert not np.array_equal(document.mask.read(document.rect), before)
    document.rollback()
    assert np.array_equal(document.mask.read(document.rect), before)


def test_from_alpha_of_what_is_seen() -> None:
    pixels = np.zeros((300, 280, 4), np.uint8)
    pixels[:, :100, 3] = 255
    document = CanvasDocument.from_image(ImageBuffer(pixels))
    MaskWork("from_alpha").run(document.snapshot()).apply(document)
    assert document.mask_bounds() == Rect(100, 0, 180, 300)


def test_cancel_and_unknown_names() -> None:
    document = document_with(np.full((40, 40), 255, np.uint8), 10, 10, Size(300, 300))
    with pytest.raises(CancelledByUser):
        MaskWork("grow", 5).run(document.snapshot(), None, lambda: True)
    with pytest.raises(ValueError, match="melt"):
        MaskWork("melt")
