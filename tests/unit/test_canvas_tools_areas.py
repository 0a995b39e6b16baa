"""Lasso, polygon, rectangle and ellipse on a document."""

from __future__ import annotations

import numpy as np
import pytest

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.canvas.tools import make_tool
from sdstudio.domain.geometry import NO_PIXELS, Rect
from tests.helpers.canvas_hand import SIZE, changed, drag, fresh


@pytest.mark.parametrize("tool", ["lasso", "rectangle", "ellipse"])
@pytest.mark.parametrize(("keys", "label"), [({}, "add"), ({"alt": True}, "subtract")])
def test_areas_add_and_subtract(tool: str, keys: dict[str, bool], label: str) -> None:
    document = fresh()
    before = document.mask.read(document.rect)
    corners = [(40, 30), (120, 32), (118, 90), (42, 88)]
    samples = [PointerEvent(x, y, **keys) for x, y in corners[: None if tool == "lasso" else 3]]
    rect = drag(make_tool(document, ToolSettings(tool=tool)), samples)
    after = document.mask.read(document.rect)
    assert after[60, 80] == (255 if label == "add" else 0)
    assert ((after >= before) if label == "add" else (after <= before)).all()
    outside = changed(before, after)
    outside[rect.slices] = False
    assert not outside.any()
    assert document.history.undo_labels[-1] == tool.capitalize()


def test_replace_takes_the_old_mask_away_in_the_same_item() -> None:
    document = fresh()
    before = document.mask.read(document.rect)
    drag(
        make_tool(document, ToolSettings(tool="rectangle", combine="replace")),
        [PointerEvent(5, 5), PointerEvent(14, 14)],
    )
    assert document.mask_bounds() == Rect(5, 5, 10, 10)
    document.undo()
    assert np.array_equal(document.mask.read(document.rect), before)


def test_shift_and_alt_shape_the_box() -> None:
    document = CanvasDocument.blank(SIZE)
    tool = make_tool(document, ToolSettings(tool="rectangle"))
    tool.press(PointerEvent(100.5, 100.5))
    tool.move([PointerEvent(130.5, 110.5, shift=True)])
    assert tool.outline is not None
    assert tool.outline.points == ((100, 100), (131, 131))
    tool.move([PointerEvent(130.5, 110.5, alt=True)])
    assert tool.outline.points == ((70, 90), (131, 111))
    tool.release(PointerEvent(130.5, 110.5, shift=True, alt=True))
    assert document.mask_bounds() == Rect(70, 70, 61, 61)


def test_a_key_that_meant_subtract_shapes_only_after_it_was_let_go() -> None:
    tool = make_tool(fresh(), ToolSettings(tool="ellipse"))
    tool.press(PointerEvent(100, 100, alt=True))
    tool.move([PointerEvent(120, 110, alt=True)])
    assert tool.outline is not None and tool.outline.points[0] == (100, 100)
    tool.move([PointerEvent(120, 110), PointerEvent(120, 110, alt=True)])
    assert tool.outline is not None and tool.outline.points[0] == (80, 90)


def test_areas_on_the_paint_layer_colour_and_erase() -> None:
    document = fresh()
    chosen = ToolSettings(tool="rectangle", target="paint", colour=(1, 2, 3), combine="replace")
    drag(make_tool(document, chosen), [PointerEvent(0, 0), PointerEvent(300, 60)])
    assert document.paint.read(Rect(30, 30, 1, 1))[0, 0].tolist() == [1, 2, 3, 255]
    assert document.paint.read(Rect(100, 120, 1, 1)).any()  # nobody's paint is thrown away
    drag(make_tool(document, chosen), [PointerEvent(0, 0, alt=True), PointerEvent(300, 60)])
    assert document.paint.read(Rect(30, 30, 1, 1))[0, 0].tolist() == [1, 2, 3, 0]


def test_a_polygon_grows_corner_by_corner() -> None:
    document = CanvasDocument.blank(SIZE)
    tool = make_tool(document, ToolSettings(tool="polygon"))
    for x, y in ((10, 10), (100, 10), (150, 80), (100, 90), (100, 90)):  # a double click is one corner
        tool.press(PointerEvent(x, y))
        tool.release(PointerEvent(x, y))
        assert tool.busy
    tool.step_back()
    tool.step_back()
    tool.move([PointerEvent(90, 90)])
    assert tool.outline is not None
    assert tool.outline.points == ((10, 10), (100, 10), (90, 90))
    tool.press(PointerEvent(100, 90))
    assert not document.history.undo_labels
    tool.press(PointerEvent(12, 13))  # near the first corner: closes
    assert not tool.busy and tool.outline is None
    assert document.history.undo_labels == ("Polygon",)
    assert document.mask_bounds() == Rect(10, 10, 90, 80)


def test_a_polygon_can_be_finished_given_up_and_taken_back_whole() -> None:
    document = CanvasDocument.blank(SIZE)
    tool = make_tool(document, ToolSettings(tool="polygon"))
    for _ in range(2):
        tool.press(PointerEvent(10, 10))
        tool.press(PointerEvent(60, 10))
        assert tool.finish() == NO_PIXELS  # no area
        assert not tool.busy
    for x, y in ((10, 10), (60, 10), (60, 60)):
        tool.press(PointerEvent(x, y))
    tool.cancel()
    assert not tool.busy and document.mask_empty
    tool.press(PointerEvent(10, 10))
    tool.step_back()
    assert not tool.busy
    for x, y in ((10, 10), (60, 10), (60, 60)):
        tool.press(PointerEvent(x, y))
    assert tool.finish() == Rect(10, 10, 50, 50)


@pytest.mark.parametrize("tool", ["lasso", "rectangle", "ellipse"])
def test_a_click_or_escape_makes_no_item(tool: str) -> None:
    document = CanvasDocument.blank(SIZE)
    shape = make_tool(document, ToolSettings(tool=tool, combine="replace"))
    assert drag(shape, [PointerEvent(20, 20)]) == NO_PIXELS
    shape.press(PointerEvent(20, 20))
    shape.move([PointerEvent(90, 90), PointerEvent(20, 90)])
    assert shape.outline is not None
    shape.cancel()
    assert shape.release(PointerEvent(90, 90)) == NO_PIXELS
    assert shape.outline is None and document.history.undo_labels == ()
