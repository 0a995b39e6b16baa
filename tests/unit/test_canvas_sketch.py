"""What is shown of a coarse level while the hand draws: nearly the level, and where that cannot be, nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pyramid import Pyramid
from sdstudio.canvas.sketch import SKETCH_FROM, sampled, sketched
from sdstudio.domain.canvas_state import PAINT, PICTURE, TILE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels

LEVEL, SIDE = SKETCH_FROM, 2 * TILE << SKETCH_FROM
PART = Rect(10, 20, 200, 150)
GRAIN = 40


def grainy(side: int = SIDE, alpha: int = 255) -> CanvasDocument:
    rng = np.random.default_rng(7)
    pixels = np.full((side, side, 4), alpha, np.uint8)
    pixels[..., :3] = rng.integers(100, 100 + GRAIN, (side, side, 3), np.uint8)
    return CanvasDocument.from_image(ImageBuffer(pixels))


def painted(document: CanvasDocument) -> CanvasDocument:
    document.begin("Paint")
    document.paint.fill(Rect(300, 400, 500, 300), (200, 10, 30, 255))
    document.paint.fill(Rect(700, 600, 600, 500), (0, 250, 90, 120))
    document.commit()
    return document


def exact(document: CanvasDocument, level: int, part: Rect) -> Pixels:
    tile = Pyramid(document).picture_tile(level, (0, 0))
    return np.zeros((part.height, part.width, 4), np.uint8) if tile is None else tile[part.slices]


def off(document: CanvasDocument, part: Rect = PART) -> tuple[float, int]:
    """The mean and the largest difference from the level."""
    found = sketched(document, LEVEL, part)
    assert found is not None
    difference = np.abs(found.astype(int) - exact(document, LEVEL, part))
    return float(difference.mean()), int(difference.max())


def test_a_sketch_is_nearly_the_level() -> None:
    for alpha in (255, 130):
        document = painted(grainy(alpha=alpha))
        mean, largest = off(document)
        assert 0 < mean < 2 and largest < GRAIN // 2
        document.set_layer(PAINT, opacity=0.5)
        assert off(document)[0] < 2
        document.set_layer(PICTURE, opacity=0.3)
        assert off(document)[0] < 2


def test_without_grain_it_is_the_level_but_for_edges_that_cut_through_its_pixels() -> None:
    document = painted(CanvasDocument.blank(Size(SIDE, SIDE), (9, 99, 199, 255)))
    found = sketched(document, LEVEL, PART)
    assert found is not None
    differs = (found != exact(document, LEVEL, PART)).any(axis=2)
    assert differs.mean() < 0.02
    document.set_layer(PICTURE, visible=False)
    document.set_layer(PAINT, visible=False)
    nothing = sketched(document, LEVEL, PART)
    assert nothing is not None and not nothing.any()


def test_what_was_erased_is_gone_in_the_sketch_too() -> None:
    document = painted(grainy())
    document.begin("Erase")
    document.paint.fill(document.rect, (0, 0, 0, 0))
    document.commit()
    assert off(document)[1] < GRAIN // 2


def test_nothing_is_sketched_where_it_spares_nothing_or_the_last_pixels_are_cut() -> None:
    side = (TILE << LEVEL) - 3
    document = grainy(side)
    last = side >> LEVEL
    assert sketched(document, LEVEL, Rect(0, 0, last, last)) is not None
    assert sketched(document, LEVEL, Rect(0, 0, last + 1, 5)) is None
    assert sketched(document, LEVEL, Rect(0, 0, 5, last + 1)) is None
    assert all(sketched(document, level, Rect(0, 0, 5, 5)) is None for level in range(SKETCH_FROM))


@pytest.mark.parametrize("stride", [2, 8])
def test_samples_are_pixels_from_the_middle_of_their_squares(stride: int) -> None:
    document = grainy(2 * TILE)
    rect = Rect(TILE - 16, 32, 64, TILE)
    whole = document.picture.read(rect)
    assert np.array_equal(sampled(document.picture, rect, stride), whole[stride // 2 :: stride, stride // 2 :: stride])
    assert not sampled(document.paint, rect, stride).any()
