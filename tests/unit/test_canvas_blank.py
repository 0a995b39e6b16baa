"""Whether there is anything on a canvas."""

from __future__ import annotations

import numpy as np
import pytest

from sdstudio.canvas.blank import is_blank
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import MASK, PAINT, PICTURE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer

SIZES = [Size(1, 1), Size(256, 256), Size(300, 280), Size(512, 100), Size(1000, 1000)]


def drawn(document: CanvasDocument, layer: str, value: int | tuple[int, ...], rect: Rect) -> None:
    document.begin("Brush")
    document.grid(layer).fill(rect, value)
    document.commit()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colour", [None, (255, 255, 255, 255), (1, 2, 3, 255)])
def test_one_colour_is_blank_whatever_the_mask_says(size: Size, colour: tuple[int, int, int, int] | None) -> None:
    document = CanvasDocument.blank(size, colour)
    assert is_blank(document)
    drawn(document, MASK, 255, Rect.of(size))
    assert is_blank(document)


@pytest.mark.parametrize("size", SIZES[1:])
def test_one_pixel_is_enough(size: Size) -> None:
    for layer in (PICTURE, PAINT):
        for x, y in ((0, 0), (size.width - 1, size.height - 1), (size.width // 2, size.height // 2)):
            document = CanvasDocument.blank(size, (255, 255, 255, 255))
            drawn(document, layer, (255, 255, 254, 255), Rect(x, y, 1, 1))
            assert not is_blank(document)
            document.undo()
            assert is_blank(document)


def test_tiles_of_different_colours_are_a_picture() -> None:
    document = CanvasDocument.blank(Size(1024, 1024), (255, 255, 255, 255))
    drawn(document, PICTURE, (0, 0, 0, 255), Rect(256, 256, 256, 256))
    assert not is_blank(document)
    drawn(document, PICTURE, (0, 0, 0, 0), Rect(256, 256, 256, 256))
    assert not is_blank(document), "a hole is something, too"


def test_an_accepted_change_is_something() -> None:
    document = CanvasDocument.blank(Size(64, 64), None)
    document.accept_patch(ImageBuffer(np.full((8, 8, 4), 255, np.uint8)), 0, 0, "", None)
    assert not is_blank(document)


def test_a_plain_picture_from_a_file_is_blank() -> None:
    assert is_blank(CanvasDocument.from_image(ImageBuffer(np.full((300, 400, 4), 255, np.uint8))))
