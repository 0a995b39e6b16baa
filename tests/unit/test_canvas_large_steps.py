"""What is made for large canvases gives the same as the plain way: areas elsewhere, many steps in one, late release."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.edits import differing_tiles, tiles_of
from sdstudio.canvas.layers import content_bounds
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tiles import TileGrid, uniform_value
from sdstudio.canvas.tool_area import AreaWork
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.canvas.tools import make_tool
from sdstudio.domain.canvas_state import MASK, PAINT, TILE, HistoryItem, let_go
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels

WIDE = Size(2 * TILE + 30, TILE + 50)


def document(seed: int = 1) -> CanvasDocument:
    rng = np.random.default_rng(seed)
    made = CanvasDocument.from_image(
        ImageBuffer(rng.integers(0, 256, (WIDE.height, WIDE.width, 4), dtype=np.uint8)), "wall"
    )
    made.begin("Mask")
    made.mask.fill(Rect(40, 30, 300, 200), 90)
    made.mask.write(Rect(5, 7, 20, 20), rng.integers(0, 256, (20, 20), dtype=np.uint8))
    made.commit()
    return made


def everything(made: CanvasDocument) -> dict[str, Pixels]:
    return {info.id: made.grid(info.id).read(made.rect) for info in made.layers}


def same(one: dict[str, Pixels], other: dict[str, Pixels]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def draw(made: CanvasDocument, settings: ToolSettings, at_once: int | None) -> AreaWork | None:
    tool = make_tool(made, settings, at_once=at_once)
    points = [(60 + 90 * math.cos(i), 100 + 80 * math.sin(i)) for i in (0.1, 1.3, 2.9, 4.0, 5.5)]
    tool.press(PointerEvent(*points[0]))
    if settings.tool == "polygon":
        for point in points[1:]:
            tool.press(PointerEvent(*point))
        tool.finish()
    else:
        tool.move([PointerEvent(*point) for point in points[1:]])
        tool.release(PointerEvent(300.2, 200.7))
    assert not tool.busy
    assert tool.work is None or isinstance(tool.work, AreaWork)
    return tool.work


@pytest.mark.parametrize("name", ["lasso", "polygon", "rectangle", "ellipse"])
@pytest.mark.parametrize("target", ["mask", "paint"])
@pytest.mark.parametrize("combine", ["add", "subtract", "replace"])
def test_an_area_that_is_laid_elsewhere_is_the_same(name: str, target: str, combine: str) -> None:
    settings = ToolSettings(tool=name, target=target, combine=combine, colour=(9, 90, 200))  # type: ignore[arg-type]
    plain, large = document(), document()
    assert draw(plain, settings, None) is None
    work = draw(large, settings, 100)
    assert work is not None and large.history.position == 1 and same(everything(large), everything(document()))
    trial = CanvasDocument.from_snapshot(large.snapshot())
    work.apply(trial, work.run(large.snapshot()))
    items = trial.history.undo_items[1:]
    for item in items:
        large.apply_tiles(work.label, item.tiles)
    assert same(everything(large), everything(plain))
    assert large.history.undo_labels == plain.history.undo_labels
    assert large.history.nbytes == plain.history.nbytes
    before = everything(document())
    if items:
        large.undo()
    assert same(everything(large), before)


def test_a_small_area_is_laid_at_once_whatever_the_canvas() -> None:
    made = document()
    assert draw(made, ToolSettings(tool="ellipse"), 1 << 18) is None
    assert made.history.position == 2


def test_replacing_looks_at_what_it_clears_too() -> None:
    made = document()
    settings = ToolSettings(tool="rectangle", combine="replace")
    tool = make_tool(made, settings, at_once=2000)
    tool.press(PointerEvent(3, 3))
    tool.release(PointerEvent(20, 20))
    assert tool.work is not None, "the old mask is larger than the shape"


def test_tiles_worked_out_elsewhere_are_one_item() -> None:
    made = document()
    before = made.state().layer(MASK).tiles
    rng = np.random.default_rng(5)
    wanted = made.mask.read(made.rect)
    wanted[50:90, 10:300] = rng.integers(0, 256, (40, 290), dtype=np.uint8)
    new = tiles_of(wanted)
    changes = differing_tiles(MASK, before, {key: new.get(key) for key in {*new, *before}})
    assert {change.key for change in changes} == {(0, 0), (1, 0)}
    change = made.apply_tiles("Feather mask", changes)
    assert np.array_equal(made.mask.read(made.rect), wanted)
    assert change.rect.contains(Rect(10, 50, 290, 40)) and change.layers == {MASK}
    assert made.history.undo_labels[-1] == "Feather mask" and made.modified
    revision = made.revision
    made.apply_tiles("Feather mask", ())
    assert made.history.position == 2 and made.revision > revision and made.last_change.rect == NO_PIXELS
    made.begin("Brush")
    with pytest.raises(RuntimeError, match="under way"):
        made.apply_tiles("Feather mask", changes)


steps = st.lists(
    st.tuples(st.sampled_from(["mask", "paint", "resize", "hide", "patch"]), st.integers(0, 400)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25)
@given(steps, st.lists(st.integers(0, 8), min_size=1, max_size=5))
def test_going_far_in_one_go_is_the_same_as_step_by_step(work: list[tuple[str, int]], stops: list[int]) -> None:
    made = document()
    for what, number in work:
        if what == "resize":
            made.resize_canvas(Rect(-number % 60, 0, made.size.width, made.size.height + number % 40))
        elif what == "hide":
            made.set_layer(PAINT, visible=not made.layer(PAINT).visible)
        elif what == "patch":
            result = ImageBuffer(np.full((60, 60, 4), number % 256, np.uint8))
            made.accept_patch(result, number, number // 2, "", None)
        else:
            made.begin("Brush")
            grid = made.grid(MASK if what == "mask" else PAINT)
            grid.fill(Rect(number, number // 3, 90, 60), number % 256 if what == "mask" else (number % 256, 1, 2, 255))
            made.commit()
    plain = CanvasDocument.from_snapshot(made.snapshot())
    count = made.history.position
    for stop in stops:
        position = stop % (count + 1)
        earlier = everything(made), made.size
        change = made.go_to(position)
        while plain.history.position != position:
            plain.undo() if plain.history.position > position else plain.redo()
        assert same(everything(made), everything(plain)) and made.layers == plain.layers
        assert made.history.undo_labels == plain.history.undo_labels
        assert made.history.redo_labels == plain.history.redo_labels
        assert made.history.nbytes == plain.history.nbytes
        if change is not None and earlier[1] == made.size:
            for name in everything(made).keys() & earlier[0].keys():
                differs = np.argwhere(
                    (everything(made)[name] != earlier[0][name]).reshape(*earlier[0][name].shape[:2], -1)
                )
                for row, column, _ in differs[:: max(1, len(differs) // 50)]:
                    assert change.rect.contains(Rect(int(column), int(row), 1, 1)) and name in change.layers
        assert made.last_change == (change or made.last_change.__class__())


def test_what_the_history_forgets_is_counted_down_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.canvas.history.RELEASED_AT_ONCE", 4)
    made = document()
    rng = np.random.default_rng(2)
    for _ in range(4):
        made.begin("Noise")
        made.mask.write(made.rect, rng.integers(0, 256, (WIDE.height, WIDE.width), dtype=np.uint8))
        made.commit()
    told: list[int] = []
    made.go_to(1)
    made.history.on_forgotten = lambda items: told.append(len(items)) or items.clear()  # type: ignore[func-returns-value]
    made.begin("Brush")
    made.mask.fill(Rect(0, 0, 9, 9), 3)
    made.commit()
    assert told == [1] and made.history.release()
    plain = CanvasDocument.from_snapshot(made.snapshot())
    assert made.history.nbytes == plain.history.nbytes and sum(told) == 4 and not made.history.release()


def test_the_budget_does_not_drop_what_could_stay_for_what_is_forgotten_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.canvas.history.RELEASED_AT_ONCE", 1)
    made = document()
    rng = np.random.default_rng(2)
    for _ in range(4):
        made.begin("Noise")
        made.mask.write(made.rect, rng.integers(0, 256, (WIDE.height, WIDE.width), dtype=np.uint8))
        made.commit()
    made.go_to(1)
    made.history.budget = 4 * TILE * TILE
    made.begin("Brush")
    made.mask.fill(Rect(0, 0, 9, 9), 3)
    made.commit()
    assert made.history.undo_labels == ("Mask", "Brush") and made.history.nbytes <= made.history.budget


def test_letting_go_frees_tiles_and_states() -> None:
    made = document()
    made.resize_canvas(Rect(-3, 0, 300, 300))
    items: list[HistoryItem] = list(made.history.undo_items)
    let_go(items)
    assert items == [] and made.undo() is not None


@settings(max_examples=60)
@given(
    st.integers(1, 2 * TILE + 9),
    st.integers(1, TILE + 9),
    st.lists(st.tuples(st.integers(0, 530), st.integers(0, 270), st.integers(1, 300), st.integers(1, 300)), max_size=3),
    st.booleans(),
)
def test_bounds_are_those_of_every_pixel(
    width: int, height: int, boxes: list[tuple[int, int, int, int]], colour: bool
) -> None:
    grid = TileGrid(Size(width, height), 4 if colour else 1)
    for box in boxes:
        grid.fill(Rect(*box), (0, 0, 7, 0) if colour else 7)
    grid.freeze()
    lit = grid.read(Rect(0, 0, width, height)).reshape(height, width, -1).any(axis=2)
    if not lit.any():
        assert content_bounds(grid) == NO_PIXELS
        return
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    expected = Rect.between(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    assert content_bounds(grid) == expected


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("width", [TILE, 100])
def test_one_value_is_told_from_nearly_one(channels: int, width: int) -> None:
    shape = (TILE, TILE) if channels == 1 else (TILE, TILE, 4)
    value = np.uint8(200) if channels == 1 else np.array([1, 2, 3, 250], np.uint8)
    pixels = np.zeros(shape, np.uint8)
    pixels[:90, :width] = value
    expected = (200,) if channels == 1 else (1, 2, 3, 250)
    assert uniform_value(pixels, width, 90) == expected
    for row, column in ((0, 1), (1, 0), (40, width - 1), (89, 3)):
        other = pixels.copy()
        other[row, column] = 0
        assert uniform_value(other, width, 90) is None
    assert uniform_value(np.broadcast_to(value, shape)) == expected
    alternating = pixels.copy()
    alternating[:90, 1:width:2] = 7
    assert uniform_value(alternating, width, 90) is None
