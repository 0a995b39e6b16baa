"""Tools on a document: what they change, what they report, and that everything can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.blend import over
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_base import TOOL_LABELS
from sdstudio.canvas.tool_ink import MaskAdd, MaskRemove, PaintAdd, PaintRemove
from sdstudio.canvas.tool_mask import MASK_LABELS
from sdstudio.canvas.tool_settings import BrushSettings, ToolSettings
from sdstudio.canvas.tools import make_tool
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import Pixels
from tests.helpers.canvas_hand import SIZE, changed, drag, fresh

POINT = st.tuples(st.floats(-40, SIZE.width + 40), st.floats(-40, SIZE.height + 40))
STROKE = st.lists(st.tuples(POINT, st.floats(0.05, 1)), min_size=1, max_size=12)
BRUSH = st.builds(
    BrushSettings,
    size=st.sampled_from([1.0, 2.0, 9.5, 40.0]),
    hardness=st.sampled_from([0.0, 0.6, 1.0]),
    opacity=st.sampled_from([0.3, 1.0]),
    flow=st.sampled_from([0.2, 1.0]),
    spacing=st.sampled_from([0.1, 0.6]),
    opacity_by_pressure=st.booleans(),
)


def pixels_of(document: CanvasDocument) -> dict[str, Pixels]:
    return {layer.id: document.grid(layer.id).read(document.rect) for layer in document.layers}


def events(stroke: list[tuple[tuple[float, float], float]]) -> list[PointerEvent]:
    return [PointerEvent(x, y, pressure) for (x, y), pressure in stroke]


def stroke_settings(tool: str, target: str, brush: BrushSettings) -> ToolSettings:
    settings = ToolSettings(tool=tool, target=target, colour=(10, 120, 240))
    return settings.with_changes(**{settings.brush_name(): brush})


@settings(max_examples=50)
@given(tool=st.sampled_from(["brush", "eraser"]), target=st.sampled_from(["mask", "paint"]), brush=BRUSH, stroke=STROKE)
def test_a_stroke_reports_every_pixel_and_can_be_undone(
    tool: str, target: str, brush: BrushSettings, stroke: list[tuple[tuple[float, float], float]]
) -> None:
    document = fresh()
    before = pixels_of(document)
    rect = drag(make_tool(document, stroke_settings(tool, target, brush)), events(stroke))
    after = pixels_of(document)
    for layer, pixels in before.items():
        differs = changed(pixels, after[layer])
        assert layer == target or not differs.any()
        differs[rect.slices] = False
        assert not differs.any()
    if len(document.history.undo_labels) > 1:
        document.undo()
    assert all(np.array_equal(pixels, before[layer]) for layer, pixels in pixels_of(document).items())


@settings(max_examples=40)
@given(target=st.sampled_from(["mask", "paint"]), brush=BRUSH, stroke=STROKE, frames=st.integers(1, 8))
def test_cancel_restores_and_frames_do_not_matter(
    target: str, brush: BrushSettings, stroke: list[tuple[tuple[float, float], float]], frames: int
) -> None:
    document, settings = fresh(), stroke_settings("brush", target, brush)
    before = pixels_of(document)
    tool = make_tool(document, settings)
    tool.press(events(stroke)[0])
    tool.move(events(stroke))
    tool.cancel()
    assert not document.in_gesture and not tool.busy
    assert all(np.array_equal(pixels, before[layer]) for layer, pixels in pixels_of(document).items())
    drag(make_tool(document, settings), events(stroke))
    other = fresh()
    tool = make_tool(other, settings)
    tool.press(events(stroke)[0])
    for first in range(1, len(stroke), frames):
        tool.move(events(stroke)[first : first + frames])
    tool.release(events(stroke)[-1])
    assert np.array_equal(document.grid(target).read(document.rect), other.grid(target).read(other.rect))


@settings(max_examples=40)
@given(brush=BRUSH, stroke=STROKE)
def test_the_mask_brush_never_lowers_and_the_eraser_never_raises(
    brush: BrushSettings, stroke: list[tuple[tuple[float, float], float]]
) -> None:
    document = fresh()
    before = document.mask.read(document.rect)
    drag(make_tool(document, stroke_settings("brush", "mask", brush)), events(stroke))
    raised = document.mask.read(document.rect)
    assert (raised >= before).all()
    assert (raised <= np.maximum(before, round(255 * brush.opacity))).all()
    drag(make_tool(document, stroke_settings("eraser", "mask", brush)), events(stroke))
    assert (document.mask.read(document.rect) <= raised).all()


def test_a_stroke_to_and_fro_stays_at_its_opacity() -> None:
    there_and_back = [PointerEvent(20 + abs(40 - i % 80) * 3, 60) for i in range(300)]
    brush = BrushSettings(size=30, hardness=1, opacity=0.5, flow=0.3)
    document = CanvasDocument.blank(SIZE)
    drag(make_tool(document, stroke_settings("brush", "mask", brush)), there_and_back)
    assert document.mask.read(document.rect).max() == 128
    drag(make_tool(document, stroke_settings("brush", "paint", brush)), there_and_back)
    assert document.paint.read(document.rect)[..., 3].max() == 128


@pytest.mark.parametrize("size", [1.0, 2.0])
@pytest.mark.parametrize("place", [(5.0, 7.0), (5.99, 7.99), (5.5, 7.49), (0.0, 0.0), (SIZE.width - 0.01, 9.0)])
def test_a_click_hits_the_very_pixel(size: float, place: tuple[float, float]) -> None:
    document = CanvasDocument.blank(SIZE)
    drag(
        make_tool(document, stroke_settings("brush", "mask", BrushSettings(size=size, hardness=1))),
        [PointerEvent(*place)],
    )
    mask = document.mask.read(document.rect)
    assert mask[int(place[1]), int(place[0])] == 255
    assert np.count_nonzero(mask) <= size * size


def test_a_fine_line_has_no_gaps() -> None:
    document = CanvasDocument.blank(SIZE)
    brush = BrushSettings(size=1, hardness=1, smoothing=0)
    drag(
        make_tool(document, stroke_settings("brush", "mask", brush)),
        [PointerEvent(3.5, 3.5), PointerEvent(203.5, 103.5)],
    )
    mask = document.mask.read(document.rect)
    assert (mask[:, 3:204].max(axis=0) == 255).all()


def test_the_last_segment_is_taken_back_when_the_path_bends() -> None:
    """What was drawn at once, before the next point was known, leaves nothing behind."""
    brush = BrushSettings(size=3, hardness=1, smoothing=1)
    corner = [PointerEvent(20, 20), PointerEvent(120, 20), PointerEvent(120, 120)]
    bundled, single = CanvasDocument.blank(SIZE), CanvasDocument.blank(SIZE)
    for document, frames in ((bundled, [corner[1:]]), (single, [[corner[1]], [corner[2]]])):
        tool = make_tool(document, stroke_settings("brush", "paint", brush))
        tool.press(corner[0])
        for frame in frames:
            tool.move(frame)
        tool.release(corner[2])
    assert np.array_equal(bundled.paint.read(bundled.rect), single.paint.read(single.rect))
    assert bundled.paint.read(bundled.rect)[20, 120, 3] == 0  # the corner is cut


def test_the_eraser_keeps_the_colour_of_what_it_makes_transparent() -> None:
    document = fresh()
    before = document.paint.read(document.rect)
    drag(
        make_tool(document, stroke_settings("eraser", "paint", BrushSettings(size=60, hardness=1))),
        [PointerEvent(120, 110)],
    )
    after = document.paint.read(document.rect)
    assert after[110, 120, 3] == 0
    assert np.array_equal(after[..., :3], before[..., :3])


@given(seed=st.integers(0, 999), opacity=st.floats(0, 1))
def test_inks_against_their_formulas(seed: int, opacity: float) -> None:
    rng = np.random.default_rng(seed)
    mask, cover = rng.integers(0, 256, (8, 9), np.uint8), rng.integers(0, 256, (8, 9), np.uint8)
    cover[0] = 0
    top, share = round(255 * opacity), cover / 255
    raised, lowered = np.empty_like(mask), np.empty_like(mask)
    MaskAdd(opacity).lay(raised, mask, cover)
    MaskRemove(opacity).lay(lowered, mask, cover)
    assert np.abs(raised - (mask + share * np.maximum(top - mask.astype(int), 0))).max() <= 0.51
    assert np.abs(lowered - mask * (1 - share * top / 255)).max() <= 1
    pixels = rng.integers(0, 256, (8, 9, 4), np.uint8)
    pixels[:, 3, 3], pixels[:, 4, 3] = 0, 255
    painted, erased = np.empty_like(pixels), np.empty_like(pixels)
    PaintAdd((9, 99, 199), opacity).lay(painted, pixels, cover)
    PaintRemove(opacity).lay(erased, pixels, cover)
    alpha, below = np.floor(cover * (top / 255) + 0.5) / 255, pixels[..., 3] / 255
    total = alpha + below * (1 - alpha)
    assert np.abs(painted[..., 3] - total * 255).max() <= 1.01
    with np.errstate(invalid="ignore"):
        weight = np.where(total > 0, alpha / total, 0)[..., None]
    colour = pixels[..., :3] * (1 - weight) + np.array((9, 99, 199)) * weight
    assert np.abs(painted[..., :3] - colour).max() <= 1.01
    assert np.array_equal(painted[0], pixels[0]) and np.array_equal(erased[0], pixels[0])
    for ink, empty in (
        (PaintAdd((9, 99, 199), opacity), np.zeros_like(pixels)),
        (MaskAdd(opacity), np.zeros_like(mask)),
    ):
        one, other = np.empty_like(empty), np.empty_like(empty)
        ink.lay(one, None, cover)
        ink.lay(other, empty, cover)
        assert np.array_equal(one, other)


def test_shift_draws_a_straight_line_from_the_last_point() -> None:
    document = CanvasDocument.blank(SIZE)
    settings = stroke_settings("brush", "mask", BrushSettings(size=5, hardness=1))
    tool = make_tool(document, settings)
    drag(tool, [PointerEvent(20.5, 20.5)])
    assert tool.last_point == (20.5, 20.5)
    drag(make_tool(document, settings, tool.last_point), [PointerEvent(200.5, 20.5, shift=True)])
    assert (document.mask.read(Rect(20, 20, 181, 1)) == 255).all()
    assert document.history.undo_labels == ("Brush", "Straight line")


@pytest.mark.parametrize("tool", ["brush", "lasso", "fill", "picker"])
def test_the_pens_other_end_erases_whatever_is_chosen(tool: str) -> None:
    document = fresh()
    chosen = ToolSettings(tool=tool, eraser=BrushSettings(size=20, hardness=1))
    drag(make_tool(document, chosen), [PointerEvent(240, 30, eraser=True)])
    assert document.mask.read(Rect(240, 30, 1, 1))[0, 0] == 0
    assert document.history.undo_labels[-1] == "Eraser"


def test_fill_and_wand_are_work_for_another_thread() -> None:
    document = fresh()
    tool = make_tool(document, ToolSettings(tool="fill", target="paint", colour=(9, 8, 7), tolerance=0))
    assert tool.press(PointerEvent(3.5, 3.5)) == NO_PIXELS
    assert tool.work is not None and not tool.busy
    rect = tool.work.apply(document, tool.work.run(document.snapshot()))
    assert document.paint.read(Rect(3, 3, 1, 1))[0, 0].tolist() == [9, 8, 7, 255]
    assert rect.contains(Rect(3, 3, 1, 1)) and document.history.undo_labels[-1] == "Fill"
    wand = make_tool(document, ToolSettings(tool="wand", tolerance=0, contiguous=False))
    wand.press(PointerEvent(3.5, 3.5, alt=True))
    assert wand.work is not None
    wand.work.apply(document, wand.work.run(document.snapshot()))
    assert document.mask.read(Rect(250, 20, 1, 1))[0, 0] == 0
    wand.press(PointerEvent(-3, 3))
    assert wand.work is None


def test_the_picker_takes_what_is_seen() -> None:
    document = fresh()
    picker = make_tool(document, ToolSettings(tool="picker"))
    drag(picker, [PointerEvent(3, 3)])
    assert picker.picked == (250, 240, 230)
    brush = make_tool(document, ToolSettings(target="paint"))
    drag(brush, [PointerEvent(100, 100, ctrl=True)])
    assert brush.picked == tuple(document.composite(Rect(100, 100, 1, 1))[0, 0, :3])
    drag(brush, [PointerEvent(-100, 100, ctrl=True)])
    assert brush.picked is None
    assert document.history.undo_labels == ("before",)


def test_every_label_is_in_the_table() -> None:
    labels = (*TOOL_LABELS, *MASK_LABELS.values())
    assert len(set(labels)) == len(labels)
    assert {"Brush", "Paint", "Erase paint", "Straight line", "Grow mask", "Magic wand"} <= set(labels)


def test_events_without_a_press_do_nothing() -> None:
    document = CanvasDocument.blank(SIZE)
    for name in ("brush", "lasso", "polygon", "rectangle", "fill", "picker"):
        tool = make_tool(document, ToolSettings(tool=name))
        assert tool.move([PointerEvent(5, 5)]) == tool.release(PointerEvent(5, 5)) == NO_PIXELS
        assert tool.cancel() == tool.finish() == tool.step_back() == NO_PIXELS


@pytest.mark.parametrize("below", ["nothing", "itself", "part", "seen through", "another", "any"])
def test_paint_is_what_over_says_whatever_lies_below(below: str) -> None:
    """The quick ways where there is nothing to mix change no pixel."""
    random, colour = np.random.default_rng(5), (9, 99, 199)
    before = random.integers(0, 256, (40, 50, 4), np.uint8)
    if below == "nothing":
        before[:] = 0
    elif below == "itself":
        before[:] = (*colour, 255)
    elif below == "part":
        before[:, :30] = 0
        before[:, 30:40] = (*colour, 255)
    elif below == "seen through":
        before[..., 3] = 0
    elif below == "another":
        before[..., 3] = 255
    cover = random.choice(np.array([0, 0, 1, 100, 254, 255, 255], np.uint8), (40, 50))
    source = np.zeros_like(before)
    source[cover > 0, :3] = colour
    source[..., 3] = cover
    target = np.empty_like(before)
    PaintAdd(colour).lay(target, before, cover)
    assert np.array_equal(target, over(before, source))
