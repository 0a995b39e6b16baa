"""The canvas in the hand: tools, undo, layers, and what is told of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.domain.canvas_state import MASK, PAINT, PICTURE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.storage.settings import Settings
from tests.helpers.canvas_desk import LARGE, CanvasDesk, picture


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk.make(io, qtbot)


def test_without_a_canvas_nothing_can_go_wrong(desk: CanvasDesk) -> None:
    session = desk.session
    desk.stroke()
    session.undo()
    session.redo()
    session.go_to(3)
    session.mask_invert()
    session.mask_feather(5, preview=True)
    session.clear_paint()
    session.resize_canvas(Rect(0, 0, 5, 5))
    session.export("nowhere.png")
    assert not session.cancel() and session.save()
    assert (session.document, session.pyramid, session.mask_coverage, session.modified) == (None, None, 0.0, False)
    assert not session.can_undo and not session.can_redo and not desk.problems and not desk.notes


def test_a_stroke_is_told_once_a_call_and_is_one_item(desk: CanvasDesk) -> None:
    document = desk.open()
    session = desk.session
    session.press(PointerEvent(50, 50))
    assert session.busy and session.can_undo
    session.move([PointerEvent(50 + step, 60) for step in range(40)])
    assert len(desk.changes) <= 2 and desk.changes[-1].layers == frozenset({MASK})
    session.release(PointerEvent(90, 60))
    assert not session.busy and len(document.history.undo_items) == 1
    painted = np.flatnonzero(desk.mask().any(0))
    seen = desk.changes[0].rect
    for change in desk.changes:
        seen = seen.united(change.rect)
    assert seen.x <= painted[0] and seen.right > painted[-1]
    assert "history_changed" in desk.told and "document_changed" not in desk.told


def test_the_display_follows_before_anybody_is_told(desk: CanvasDesk) -> None:
    desk.open()
    seen: list[int] = []

    def look(change: object) -> None:
        assert desk.session.pyramid is not None
        tile = desk.session.pyramid.mask_tile(1, (0, 0))
        seen.append(0 if tile is None else int(np.count_nonzero(tile)))

    desk.session.pixels_changed.connect(look)
    desk.stroke()
    assert seen[-1] > 100
    desk.session.undo()
    assert seen[-1] == 0


def test_undo_and_redo(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    empty = desk.mask()
    desk.stroke()
    painted = desk.mask()
    assert painted.any() and session.can_undo and not session.can_redo and session.modified
    session.undo()
    assert np.array_equal(desk.mask(), empty) and session.can_redo and not session.can_undo
    session.redo()
    assert np.array_equal(desk.mask(), painted)
    session.go_to(0)
    assert np.array_equal(desk.mask(), empty)
    assert desk.session.mask_empty


def test_undo_in_mid_stroke_takes_the_stroke_back(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    desk.stroke()
    painted = desk.mask()
    session.press(PointerEvent(200, 200))
    session.move([PointerEvent(250, 200), PointerEvent(250, 250)])
    session.undo()
    assert np.array_equal(desk.mask(), painted) and not session.busy
    assert session.can_undo and not session.can_redo
    session.move([PointerEvent(10, 10)])
    session.release(PointerEvent(10, 10))
    assert np.array_equal(desk.mask(), painted), "what follows of the same stroke does nothing"


def test_a_stroke_goes_on_with_the_tool_it_began_with(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    session.press(PointerEvent(100, 100))
    session.update_settings(tool="eraser", target="paint")
    session.move([PointerEvent(150, 100), PointerEvent(200, 100)])
    session.release(PointerEvent(200, 100))
    assert desk.mask()[100, 180] > 0
    assert all(change.layers == frozenset({MASK}) for change in desk.changes)


def test_another_tool_gives_a_polygon_up(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    session.choose_tool("polygon")
    for point in ((10, 10), (100, 10), (60, 80)):
        session.press(PointerEvent(*point))
        session.release(PointerEvent(*point))
    assert session.busy and session.outline is not None
    session.choose_tool("brush")
    assert not session.busy and session.outline is None and not desk.mask().any()


def test_a_polygon_is_closed_by_finish(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    session.choose_tool("polygon")
    with desk.qtbot.waitSignal(session.outline_changed):
        session.press(PointerEvent(10, 10))
    for point in ((10, 10), (100, 10), (60, 80)):
        session.press(PointerEvent(*point))
        session.release(PointerEvent(*point))
    session.finish_gesture()
    assert desk.mask()[30, 55] == 255 and not session.busy
    assert len(desk.document.history.undo_items) == 1


def test_shift_click_draws_from_the_end_of_the_last_stroke(desk: CanvasDesk) -> None:
    desk.open()
    session = desk.session
    session.update_brush(size=10)
    desk.stroke([(20, 20), (30, 20)])
    session.press(PointerEvent(30, 200, shift=True))
    session.release(PointerEvent(30, 200, shift=True))
    assert desk.mask()[110, 30] > 0


def test_the_picker_brings_its_colour(desk: CanvasDesk) -> None:
    document = desk.open()
    session = desk.session
    session.update_settings(tool="picker", target="paint")
    session.press(PointerEvent(40.5, 70.5))
    session.release(PointerEvent(40.5, 70.5))
    assert session.settings.colour == tuple(int(part) for part in document.picture.read(Rect(40, 70, 1, 1))[0, 0, :3])
    assert not document.history.undo_items


@pytest.mark.parametrize("size", [Size(300, 280), LARGE])
def test_fill_and_wand(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    session = desk.session
    session.update_settings(tool="wand", tolerance=0)
    session.press(PointerEvent(40, 40))
    session.release(PointerEvent(40, 40))
    desk.settle()
    assert desk.mask()[40, 40] == 255 and document.history.undo_labels == ("Magic wand",)
    session.update_settings(tool="fill", target="paint", colour=(1, 2, 3))
    session.press(PointerEvent(100, 100))
    session.release(PointerEvent(100, 100))
    desk.settle()
    assert tuple(document.paint.read(Rect(100, 100, 1, 1))[0, 0]) == (1, 2, 3, 255)
    assert desk.changes[-1].layers == frozenset({PAINT})
    session.undo()
    session.undo()
    assert not desk.mask().any() and not document.paint.read(document.rect).any()


def test_while_a_large_fill_goes_on_the_canvas_waits_and_escape_stops_it(desk: CanvasDesk) -> None:
    document = desk.open(LARGE)
    session = desk.session
    session.update_settings(tool="wand")
    session.press(PointerEvent(40, 40))
    assert session.work is not None and session.work.can_cancel
    desk.stroke()
    session.undo()
    assert len(desk.notes) == 2 and "waits" in desk.notes[0]
    assert session.cancel() and session.work is None
    session.choose_tool("brush")
    desk.stroke()
    assert desk.mask().any()
    desk.settle()
    assert len(document.history.undo_items) == 1


@pytest.mark.parametrize("change", [{"visible": False}, {"opacity": 0.0}, {"visible": False, "opacity": 0.3}])
def test_nobody_paints_on_hidden_paint(desk: CanvasDesk, change: dict[str, object]) -> None:
    document = desk.open()
    session = desk.session
    session.set_layer(PAINT, **change)
    session.update_settings(tool="picker", target="paint")
    desk.stroke()
    session.update_settings(tool="brush", target="mask")
    desk.stroke()
    assert not desk.notes and document.layer(PAINT).with_changes(**change) == document.layer(PAINT)
    session.update_settings(target="paint")
    desk.stroke()
    desk.stroke()
    shown = document.layer(PAINT)
    assert shown.visible and shown.opacity == (change.get("opacity") or 1.0)
    assert desk.notes == ["The paint was hidden: it is shown again."]
    assert document.paint.read(document.rect).any()


def test_settings_come_back_and_are_told_once(desk: CanvasDesk) -> None:
    session = desk.session
    told: list[ToolSettings] = []
    session.settings_changed.connect(told.append)
    session.update_settings(tool="lasso")
    session.update_settings(tool="lasso")
    session.update_brush(size=12)
    assert len(told) == 2 and session.settings.brush.size == 12
    session.restore_settings({"tool": 7, "brush": "nonsense"})
    assert session.settings == ToolSettings()
    session.restore_settings(told[-1].to_dict())
    assert session.settings == told[-1]


def test_swapping(desk: CanvasDesk) -> None:
    session = desk.session
    session.swap_paint_and_erase()
    assert session.settings.tool == "eraser"
    session.swap_paint_and_erase()
    assert session.settings.tool == "brush"
    session.choose_tool("lasso")
    session.swap_paint_and_erase()
    assert (session.settings.tool, session.settings.combine) == ("lasso", "subtract")
    session.toggle_target()
    assert session.settings.target == "paint"


def test_bracket_keys_go_by_tenths_in_whole_pixels(desk: CanvasDesk) -> None:
    session = desk.session
    session.update_brush(size=1)
    sizes = []
    for _ in range(200):
        session.change_size(1)
        sizes.append(session.settings.brush.size)
    assert sizes[:3] == [2, 3, 4] and sizes[-1] == 2048
    assert all(size == int(size) for size in sizes)
    steps = [after / before for before, after in pairwise(sizes) if 20 < before < 1800]
    assert min(steps) > 1.05 and max(steps) < 1.15
    session.change_size(-500)
    assert session.settings.brush.size == 1
    session.update_brush(size=10.6)
    session.change_size(-1)
    assert session.settings.brush.size == 10
    session.change_hardness(5)
    assert session.settings.brush.hardness == 1
    session.change_hardness(-3)
    assert session.settings.brush.hardness == pytest.approx(0.7)


def test_the_mask_is_told_when_its_bounds_change(desk: CanvasDesk) -> None:
    document = desk.open()
    assert desk.session.mask_empty and desk.session.mask_coverage == 0
    desk.mask_box(Rect(10, 20, 100, 70))
    assert desk.told.count("mask_changed") >= 1 and desk.session.mask_bounds == Rect(10, 20, 100, 70)
    assert desk.session.mask_coverage == pytest.approx(7000 / document.size.pixels)
    desk.told.clear()
    desk.mask_box(Rect(20, 30, 10, 10))
    assert "mask_changed" not in desk.told
    desk.session.undo()
    desk.session.undo()
    assert desk.session.mask_empty and desk.session.mask_coverage == 0


def test_layers(desk: CanvasDesk) -> None:
    document = desk.open()
    session = desk.session
    session.accept_patch(picture(Size(64, 64), seed=5), 100, 90, "Result 1", None)
    assert "layers_changed" in desk.told and [info.id for info in document.layers] == [PICTURE, "patch-1", PAINT, MASK]
    session.set_layer("patch-1", visible=False)
    assert not document.layer("patch-1").visible
    with pytest.raises(ValueError, match="mask"):
        session.set_layer(MASK, visible=False)
    session.remove_layer("patch-1")
    session.undo()
    session.undo()
    assert document.layer("patch-1").visible
    session.set_layer("patch-1", visible=True)
    assert len(document.history.undo_items) == 1, "nothing changed"


def test_clearing_the_paint(desk: CanvasDesk) -> None:
    document = desk.open()
    desk.session.toggle_target()
    desk.stroke()
    assert document.paint.read(document.rect).any()
    desk.session.clear_paint()
    assert not document.paint.read(document.rect).any()
    desk.session.clear_paint()
    assert document.history.undo_labels[-1] == "Clear paint" and len(document.history.undo_items) == 2


@pytest.mark.parametrize("size", [Size(300, 280), LARGE])
def test_resizing_and_scaling(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    session = desk.session
    session.resize_canvas(Rect(-20, -10, size.width + 40, size.height + 10))
    desk.settle()
    assert document.size == Size(size.width + 40, size.height + 10) and "document_changed" in desk.told
    session.scale_picture(Size(size.width // 2, size.height // 2))
    desk.settle()
    assert document.size == Size(size.width // 2, size.height // 2)
    assert session.pyramid is not None and session.pyramid.size == document.size
    session.undo()
    session.undo()
    assert document.size == size and session.pyramid.size == size
    assert np.array_equal(document.composite(document.rect), picture(size).pixels)


def test_a_canvas_too_large_to_be_is_a_problem(desk: CanvasDesk) -> None:
    desk.open()
    desk.session.scale_picture(Size(20000, 10))
    assert len(desk.problems) == 1 and desk.document.size == Size(300, 280)


def test_the_undo_budget_follows_the_settings(desk: CanvasDesk) -> None:
    desk.session.follow(Settings(undo_megabytes=64))
    assert desk.open().history.budget == 64 * 2**20
    desk.session.follow(Settings(undo_megabytes=128))
    assert desk.document.history.budget == 128 * 2**20
