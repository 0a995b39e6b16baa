"""The document against the slow reference: any moves, undo, redo, snapshots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.canvas import scaling
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.errors import CancelledByUser, InvalidRequest
from sdstudio.domain.geometry import NO_PIXELS, Rect, Size
from tests.helpers.canvas_moves import (
    Move,
    assert_equal,
    edit,
    moves,
    picture,
    pixels_of,
    play,
    sizes,
    snapshot_values,
    state_values,
    strokes,
)
from tests.helpers.slow_canvas import SlowCanvas, changed_rect

some = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def both(seed: int, size: Size) -> tuple[CanvasDocument, SlowCanvas]:
    image = picture(seed, size)
    return CanvasDocument.from_image(image), SlowCanvas(image.pixels.copy())


@some
@given(sizes, st.lists(moves, max_size=8))
def test_any_moves_equal_the_slow_reference(size: Size, played: list[Move]) -> None:
    document, slow = both(1, size)
    for move in played:
        play(document, move)
        play(slow, move)
        assert_equal(document, slow)


@some
@given(sizes, st.lists(moves, max_size=6))
def test_undo_of_everything_is_the_beginning_and_redo_the_first_time(size: Size, played: list[Move]) -> None:
    document = CanvasDocument.from_image(picture(2, size))
    first = state_values(document.state())
    for move in played:
        play(document, move)
    document.go_to(document.history.position)
    states = [state_values(document.state())]
    while document.undo():
        states.append(state_values(document.state()))
    assert states[-1] == first
    for expected in reversed(states[:-1]):
        assert document.redo()
        assert state_values(document.state()) == expected


@some
@given(sizes, strokes(), strokes())
def test_the_dirty_rectangle_holds_every_changed_pixel(size: Size, first: Move, second: Move) -> None:
    document, slow = both(3, size)
    for canvas in (document, slow):
        play(canvas, Move("stroke", (*first.values[:2], True)))
        canvas.begin("second")
        edit(canvas, *second.values[:2])
    if second.values[2]:
        dirty = document.commit()
        needed = slow.commit()
    else:
        dirty = document.rollback()
        needed = slow.rollback()
    assert dirty.contains(needed)
    assert document.rect.contains(dirty)
    if not needed.empty and second.values[2]:
        undone = document.undo()
        assert undone is not None and undone.rect.contains(needed) and not undone.structure
        assert undone == document.last_change


@some
@given(sizes, st.lists(moves, max_size=5))
def test_changes_of_whole_states_hold_every_changed_pixel(size: Size, played: list[Move]) -> None:
    document = CanvasDocument.from_image(picture(4, size))
    for move in played:
        before = document.composite(document.rect), document.mask.read(document.rect), document.revision
        play(document, move)
        after = document.composite(document.rect), document.mask.read(document.rect)
        change = document.last_change
        if before[0].shape != after[0].shape:
            assert change.structure and change.rect == document.rect
        elif document.revision != before[2]:
            differs = (before[0] != after[0]).any(axis=2) | (before[1] != after[1])
            differs[change.rect.slices] = False
            assert not differs.any(), move


@some
@given(sizes, st.lists(moves, max_size=4), strokes())
def test_a_snapshot_stays_as_it_was_and_makes_the_same_document(size: Size, played: list[Move], late: Move) -> None:
    document = CanvasDocument.from_image(picture(5, size), "name", "a.png")
    for move in played:
        play(document, move)
    document.begin("under way")
    edit(document, *late.values[:2])
    snapshot = document.snapshot()
    values = snapshot_values(snapshot)
    pixels = pixels_of(document)
    edit(document, (("mask", document.rect, "fill"), ("picture", document.rect, "noise")), 9)
    document.commit()
    document.go_to(0)
    assert snapshot_values(snapshot) == values

    again = CanvasDocument.from_snapshot(snapshot)
    assert again.in_gesture
    assert snapshot_values(again.snapshot()) == values
    assert all(np.array_equal(part, pixels[name]) for name, part in pixels_of(again).items())
    again.rollback()
    assert again.history.position == len(snapshot.undo)
    again.go_to(0)
    assert state_values(again.state()) == state_values(document.state())


def test_a_gesture_restored_from_a_snapshot_is_committed_as_one_item() -> None:
    document = CanvasDocument.blank(Size(300, 300), (9, 9, 9, 255))
    document.begin("stroke")
    document.mask.fill(Rect(0, 0, 20, 20), 100)
    again = CanvasDocument.from_snapshot(document.snapshot())
    again.mask.fill(Rect(10, 10, 280, 20), 200)
    assert again.commit().contains(Rect(0, 0, 290, 30))
    assert again.history.undo_labels == ("stroke",)
    again.undo()
    assert again.mask_empty


@some
@given(sizes, st.lists(moves, max_size=6))
def test_composite_is_the_exact_one_rounded(size: Size, played: list[Move]) -> None:
    document, slow = both(6, size)
    for move in played:
        play(document, move)
        play(slow, move)
    exact = slow.exact_composite()
    seen = document.composite(document.rect)
    layers = len(document.layers)
    assert np.abs(seen[..., 3] - exact[..., 3]).max() <= layers
    weighted = seen[..., :3] * (seen[..., 3:] / 255.0) - exact[..., :3] * (exact[..., 3:] / 255.0)
    assert np.abs(weighted).max() <= 2 * layers
    part = Rect(-5, 7, 300, 120)
    inside = part.intersected(document.rect)
    assert np.array_equal(document.composite(part)[inside.moved(5, -7).slices], seen[inside.slices])


def test_where_nothing_lies_above_the_picture_keeps_its_bits() -> None:
    document, _slow = both(7, Size(400, 300))
    document.begin("dot")
    document.paint.fill(Rect(100, 100, 10, 10), (255, 0, 0, 255))
    document.commit()
    document.accept_patch(picture(8, Size(20, 20), opaque=True), 200, 50, "", None)
    seen = document.composite(document.rect)
    expected = document.picture.read(document.rect)
    expected[100:110, 100:110] = (255, 0, 0, 255)
    expected[50:70, 200:220] = picture(8, Size(20, 20), opaque=True).pixels
    assert np.array_equal(seen, expected)


def test_edits_outside_a_gesture_and_steps_inside_one_are_errors() -> None:
    document = CanvasDocument.blank(Size(300, 300))
    for attempt in (
        lambda: document.mask.fill(document.rect, 5),
        lambda: document.mask.replace({(0, 0): None}),
        lambda: next(document.paint.edit(document.rect)),
        document.commit,
        document.rollback,
    ):
        with pytest.raises(RuntimeError):
            attempt()
    document.begin("one")
    for attempt in (document.undo, document.redo, lambda: document.begin("two"), lambda: document.scale(Size(9, 9))):
        with pytest.raises(RuntimeError):
            attempt()
    assert document.commit() == NO_PIXELS and document.history.position == 0


def test_the_layers_of_every_canvas_stay_and_a_mask_cannot_hide() -> None:
    document = CanvasDocument.blank(Size(30, 30))
    for layer in ("picture", "paint", "mask"):
        with pytest.raises(ValueError):
            document.remove_layer(layer)
    for change in ({"visible": False}, {"opacity": 0.5}):
        with pytest.raises(ValueError):
            document.set_layer("mask", **change)
    with pytest.raises(ValueError):
        document.set_layer("paint", kind=LayerKind.PATCH)
    with pytest.raises(KeyError):
        document.set_layer("patch-1", visible=True)
    assert document.history.position == 0


def test_a_size_beyond_all_bounds_is_refused_in_words() -> None:
    document = CanvasDocument.blank(Size(30, 30))
    for attempt in (
        lambda: document.scale(Size(20000, 10)),
        lambda: document.resize_canvas(Rect(0, 0, 10, 16385)),
        lambda: CanvasDocument.blank(Size(20000, 20000)),
    ):
        with pytest.raises(InvalidRequest, match="too large"):
            attempt()


def test_scaling_says_how_far_it_is_and_can_be_stopped() -> None:
    document = CanvasDocument.from_image(picture(1, Size(600, 500)))
    document.begin("mask")
    document.mask.fill(Rect(100, 100, 300, 300), 255)
    document.commit()
    told: list[float] = []
    state = scaling.scaled(document.state(), Size(300, 700), told.append)
    assert told == sorted(told) and told[0] >= 0 and told[-1] == 1
    with pytest.raises(CancelledByUser):
        document.scale(Size(300, 700), cancel=lambda: True)
    assert document.history.undo_labels == ("mask",)
    change = document.apply_state("Scale", state)
    assert change.structure and change.rect == Rect(0, 0, 300, 700)
    document.undo()
    assert document.size == Size(600, 500) and document.mask_bounds() == Rect(100, 100, 300, 300)


def test_a_canvas_moved_by_whole_tiles_shares_them() -> None:
    document = CanvasDocument.from_image(picture(1, Size(768, 512)))
    before = {tile.serial for tile in document.picture.freeze().values()}
    document.resize_canvas(Rect(256, 0, 512, 700))
    after = {key: tile.serial for key, tile in document.picture.freeze().items()}
    assert len(after) == 4 and set(after.values()) <= before


def test_modified_follows_the_saved_position_through_undo_and_redo() -> None:
    document = CanvasDocument.blank(Size(100, 100))
    assert not document.modified

    def paint(value: int) -> None:
        document.begin("stroke")
        document.mask.fill(Rect(0, 0, 10, 10), value)
        document.commit()

    paint(1)
    assert document.modified
    snapshot = document.snapshot()
    paint(2)
    document.saved("a.ora", snapshot)
    assert document.modified and document.source == "a.ora"
    document.undo()
    assert not document.modified
    document.undo()
    assert document.modified
    paint(3)  # what was saved cannot be reached any more
    document.undo()
    assert document.modified
    document.saved("a.ora", snapshot)
    assert document.modified
    document.saved("b.ora")
    assert not document.modified


def test_whatever_changed_is_found_in_full_copies() -> None:
    """The reference itself."""
    slow = SlowCanvas(picture(1, Size(40, 30)).pixels.copy())
    before = slow._copy()
    slow.begin("x")
    slow.mask.fill(Rect(3, 4, 5, 6), 1)
    assert changed_rect(before, slow._copy()) == Rect(3, 4, 5, 6) == slow.commit() == slow.mask_bounds()
