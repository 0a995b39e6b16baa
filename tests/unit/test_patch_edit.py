"""Accepted results that stay editable, against full copies: accept, another edge, soften, remove, crop, undo, redo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.patch_edit import Blending, can_reblend, ground_layer, seen_below
from sdstudio.canvas.region_composite import compose
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_mask import region_of_mask
from sdstudio.domain.canvas_state import MASK, PAINT, PICTURE, CanvasState, LayerKind
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.patches import PatchRecord
from tests.helpers.canvas_moves import picture, state_values
from tests.helpers.patches import ALPHAS, MASKS, picture_of, record_of, records, same_record, slow_allowed

SIZE = Size(200, 140)
QUICK = settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def canvas(seed: int = 1, alpha: str = "opaque", size: Size = SIZE) -> CanvasDocument:
    return CanvasDocument.from_image(
        ImageBuffer(picture_of(np.random.default_rng(seed), size.height, size.width, alpha))
    )


def accept(document: CanvasDocument, record: PatchRecord, name: str = "apple", **how: Any) -> str:
    layer = Blending(document.state(), record, how.get("replaces")).layer()
    return document.accept_patch(layer.pixels, layer.x, layer.y, name, layer.record, **how)


def seen(document: CanvasDocument) -> Pixels:
    return document.composite(document.rect)


@dataclass(frozen=True)
class Move:
    name: str
    values: tuple[Any, ...] = ()


feathers = st.sampled_from([0, 1, 2, 7, 16, 40, 128])
moves = st.one_of(
    st.builds(lambda record: Move("accept", (record,)), records(SIZE)),
    st.builds(lambda index, feather: Move("edge", (index, feather)), st.integers(0, 3), feathers),
    st.builds(lambda index, feather: Move("edge", (index, feather)), st.integers(0, 3), feathers),
    st.builds(lambda index: Move("remove", (index,)), st.integers(0, 3)),
    st.builds(lambda index, how: Move("set", (index, *how)), st.integers(0, 3), st.sampled_from(
        [("visible", False), ("visible", True), ("opacity", 0.5), ("opacity", 1.0), ("name", "n")])),
    st.builds(lambda x, y, w, h: Move("crop", (Rect(x, y, w, h),)),
              st.integers(-60, 90), st.integers(-60, 90), st.integers(20, 260), st.integers(20, 200)),
    st.builds(lambda rect: Move("paint", (rect,)), st.builds(
        Rect, st.integers(0, 150), st.integers(0, 99), st.integers(1, 60), st.integers(1, 60))),
    st.just(Move("undo")),
    st.just(Move("undo")),
    st.just(Move("redo")),
)  # fmt: skip


def play(document: CanvasDocument, move: Move) -> None:
    """Moves that make no sense on this canvas do nothing."""
    patches = [info.id for info in document.layers if info.kind is LayerKind.PATCH]
    if move.name in ("edge", "remove", "set") and not patches:
        return
    if move.name == "accept":
        record = move.values[0]
        if document.rect.contains(record.frame):
            accept(document, record)
    elif move.name == "edge":
        chosen = patches[move.values[0] % len(patches)]
        if can_reblend(document.record(chosen)):
            document.refeather(chosen, move.values[1])
    elif move.name == "remove":
        document.remove_layer(patches[move.values[0] % len(patches)])
    elif move.name == "set":
        index, name, value = move.values
        document.set_layer(patches[index % len(patches)], **{name: value})
    elif move.name == "crop":
        document.resize_canvas(*move.values)
    elif move.name == "paint":
        document.begin("Brush")
        document.paint.fill(move.values[0], (250, 10, 20, 130))
        document.commit()
    else:
        getattr(document, move.name)()


def copy_of(document: CanvasDocument) -> tuple[Any, ...]:
    return state_values(document.state()), seen(document).tobytes()


@QUICK
@given(st.sampled_from(ALPHAS), st.lists(moves, min_size=1, max_size=10))
def test_undo_and_redo_of_anything_are_full_copies(alpha: str, played: list[Move]) -> None:
    document = canvas(2, alpha)
    copies = [copy_of(document)]
    for move in played:
        position = document.history.position
        play(document, move)
        if move.name == "undo" and position:
            assert copy_of(document) == copies[position - 1]
        elif document.history.position > position:
            assert document.history.position == position + 1, "one item each"
            if move.name == "redo":
                assert copy_of(document) == copies[position + 1]
            else:
                copies[position + 1 :] = [copy_of(document)]
    last = document.history.position
    while document.undo():
        assert copy_of(document) == copies[document.history.position]
    assert document.history.position == 0
    document.go_to(last)
    assert copy_of(document) == copies[last]


@QUICK
@given(st.sampled_from(ALPHAS), st.data(), st.lists(feathers, min_size=1, max_size=3))
def test_any_edge_is_as_if_it_had_been_accepted_so(alpha: str, data: st.DataObject, edges: list[int]) -> None:
    record = data.draw(records(SIZE))
    document, allowed = canvas(3, alpha), slow_allowed(record, SIZE)
    before = seen(document)
    layer_id = accept(document, record)
    for feather in edges:
        document.refeather(layer_id, feather)
        assert not (before != seen(document)).any(axis=2)[~allowed].any()
        other = canvas(3, alpha)
        accept(other, replace(record, feather=feather))
        assert np.array_equal(seen(document), seen(other))
        known = document.record(layer_id)
        assert same_record(known, replace(record, feather=feather))
        region = region_of_mask(slow_mask(record), record.grow)
        plan = Plan(record.frame, record.made.size, region.bounds.intersected(record.frame))
        patch = compose(
            before[record.frame.slices], region, plan, record.made.rgb, feather, match_colours=record.match_colours
        )
        sure = before[..., 3] % 255 == 0
        assert np.array_equal(seen(document)[sure], patch.placed(before)[sure])
    document.refeather(layer_id, edges[-1])
    assert document.history.position <= 1 + len(edges), "the same edge is no item"


def slow_mask(record: PatchRecord) -> Pixels:
    mask = np.zeros((SIZE.height, SIZE.width), np.uint8)
    assert record.mask is not None
    mask[record.frame.slices] = record.mask
    return mask


@QUICK
@given(st.data(), st.integers(0, 99))
def test_softened_it_changes_nothing_else_and_stays_editable(data: st.DataObject, seed: int) -> None:
    record = data.draw(records(SIZE))
    smooth = np.full((SIZE.height, SIZE.width, 4), (90, 120, 150, 255), np.uint8)
    smooth[..., 0] += np.arange(SIZE.width, dtype=np.uint8)[None] // 4
    made = ImageBuffer(np.full((64, 64, 4), (130, 120 + seed % 30, 140, 255), np.uint8))
    record = replace(record, made=made, match_colours=False)
    document, allowed = CanvasDocument.from_image(ImageBuffer(smooth)), slow_allowed(record, SIZE)
    layer_id = accept(document, record)
    plain = seen(document)
    if document.soften(layer_id).rect.empty:
        assert document.history.undo_labels == ("Accept result",)
        return
    assert document.history.undo_labels == ("Accept result", "Soften seam")
    soft = seen(document)
    assert not (smooth != soft).any(axis=2)[~allowed].any()
    known = document.record(layer_id)
    assert known is not None
    document.refeather(layer_id, known.feather + 3)
    document.refeather(layer_id, known.feather)
    assert np.abs(seen(document).astype(int) - soft).max() <= 1, "tones of a softened seam are kept, to half a level"
    assert not (smooth != seen(document)).any(axis=2)[~allowed].any()
    document.go_to(1)
    assert np.array_equal(seen(document), plain)


def test_hints_that_were_painted_for_it_are_kept_below_it() -> None:
    document = canvas()
    document.begin("Brush")
    document.paint.fill(Rect(10, 10, 120, 60), (200, 30, 10, 255))
    document.paint.fill(Rect(40, 40, 30, 20), (10, 200, 10, 120))
    document.commit()
    document.set_layer(PAINT, opacity=0.8)
    record = record_of(4, Rect(30, 20, 80, 64), "hard", feather=9, grow=2)
    before, allowed = seen(document), slow_allowed(record, SIZE)
    paint = document.paint.read(document.rect)
    blending = Blending(document.state(), record)
    layer_id = accept(document, record)
    assert [info.id for info in document.layers] == [PICTURE, "patch-1", "patch-2", PAINT, MASK]
    assert document.layer("patch-1").name == "Paint" and layer_id == "patch-2"
    assert document.history.undo_labels[-1] == "Accept result" and document.history.position == 3
    assert np.array_equal(seen(document), blending.patch.placed(before)), "the candidate, to the bit"
    assert np.array_equal(document.paint.read(document.rect), np.where(allowed[..., None], 0, paint))
    document.remove_layer(layer_id)
    assert np.array_equal(seen(document), before), "the hint is there again"
    document.go_to(2)
    assert np.array_equal(document.paint.read(document.rect), paint)
    document.set_layer(PAINT, visible=False)
    accept(document, record)
    assert np.array_equal(document.paint.read(document.rect), paint), "what is hidden was no hint"


def test_made_again_it_takes_the_place_of_the_old_one() -> None:
    document = canvas()
    first = accept(document, record_of(4, Rect(30, 20, 80, 64)))
    second = accept(document, record_of(5, Rect(60, 30, 64, 64)), "pear")
    document.set_layer(first, opacity=0.4, visible=False)
    again = record_of(6, Rect(30, 20, 80, 64), feather=5)
    below = seen_below(document.state(), document.rect, first)
    assert np.array_equal(below, document.picture.read(document.rect))
    assert accept(document, again, "plum", replaces=first) == first
    assert [info.name for info in document.layers] == ["", "plum", "pear", "", ""]
    info = document.layer(first)
    assert info.visible and info.opacity == 1 and same_record(document.record(first), again)
    document.remove_layer(second)
    assert np.array_equal(seen(document), Blending(document.state(), again, first).patch.placed(below))
    document.remove_layer(first)
    layer = Blending(document.state(), again).layer()
    fresh = document.accept_patch(layer.pixels, layer.x, layer.y, "plum", again, replaces="patch-9")
    assert fresh == "patch-1", "what is gone cannot be replaced: it is a new one"


def test_an_extended_canvas_and_its_new_ground_are_one_item() -> None:
    document = canvas()
    accept(document, record_of(4, Rect(30, 20, 80, 64)))
    before, frame = seen(document), document.record("patch-1").frame  # type: ignore[union-attr]
    result = picture(7, Size(260, 150), opaque=True).pixels
    kept = Rect(60, 10, SIZE.width, SIZE.height)
    pixels = ground_layer(result, kept)
    record = replace(record_of(4, Rect(0, 0, 260, 150)), mask=None)
    layer_id = document.accept_patch(pixels, 0, 0, "more", record, resize=Rect(-60, -10, 260, 150))
    assert document.size == Size(260, 150) and document.history.position == 2
    after = seen(document)
    assert np.array_equal(after[kept.slices], before)
    after[kept.slices] = result[kept.slices]
    assert np.array_equal(after, result)
    assert document.record("patch-1").frame == frame.moved(60, 10)  # type: ignore[union-attr]
    assert not can_reblend(document.record(layer_id))
    with pytest.raises(ValueError, match="no edge"):
        document.refeather(layer_id, 3)
    document.undo()
    assert np.array_equal(seen(document), before) and document.record("patch-1").frame == frame  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", MASKS)
def test_what_was_cut_off_never_comes_back(kind: str) -> None:
    document = canvas()
    accept(document, record_of(11, Rect(30, 20, 80, 64), kind, grow=0))
    document.resize_canvas(Rect(60, 40, 90, 60))
    cropped = document.record("patch-1")
    if cropped is None:
        return
    assert cropped.frame == Rect(-30, -20, 80, 64)
    document.refeather("patch-1", 3)
    part = seen(document)
    document.resize_canvas(Rect(-60, -40, 200, 140))
    document.refeather("patch-1", 0)
    wide = seen(document)
    inside = np.zeros((140, 200), np.bool_)
    inside[40:100, 60:150] = True
    assert not wide[~inside].any()
    assert part.shape == (60, 90, 4)


def test_what_lies_wholly_outside_is_no_result_any_more() -> None:
    document = canvas()
    accept(document, record_of(11, Rect(0, 0, 64, 64)))
    document.resize_canvas(Rect(100, 20, 90, 60))
    assert document.record("patch-1") is None
    document.undo()
    assert document.record("patch-1") is not None


def test_other_changes_of_a_layer_leave_its_record() -> None:
    document = canvas()
    layer_id = accept(document, record_of(4, Rect(30, 20, 80, 64)))
    known = document.record(layer_id)
    document.set_layer(layer_id, name="apple 2", opacity=0.5)
    document.set_layer(PICTURE, visible=False)
    document.begin("Brush")
    document.mask.fill(Rect(0, 0, 9, 9), 255)
    document.commit()
    assert document.record(layer_id) is known
    again = CanvasDocument.from_snapshot(document.snapshot())
    assert again.record(layer_id) is known
    document.scale(Size(100, 70))
    assert document.record(layer_id) is None, "what was made does not fit any more"
    document.undo()
    assert document.record(layer_id) is known


def test_layers_without_a_record_have_no_edge() -> None:
    document = canvas()
    layer_id = document.accept_patch(picture(3, Size(20, 20)), 5, 5, "", None)
    for attempt in (lambda: document.refeather(layer_id, 5), lambda: document.soften(layer_id)):
        with pytest.raises(ValueError, match="nothing is known"):
            attempt()
    with pytest.raises(KeyError):
        document.refeather("patch-9", 5)


def held_bytes(document: CanvasDocument) -> int:
    """Counted from scratch: what items hold and the canvas does not show."""
    history, found = document.history, {}
    for item in (*history.undo_items, *history.redo_items):
        for change in item.tiles:
            found |= {tile.serial: tile.nbytes for tile in (change.before, change.after) if tile is not None}
        for state in (item.before, item.after):
            found |= bytes_of(state)
    return sum(found[name] for name in found.keys() - bytes_of(document.state()).keys())


def bytes_of(state: CanvasState | None) -> dict[int, int]:
    found: dict[int, int] = {}
    for layer in state.layers if state is not None else ():
        found |= {tile.serial: tile.nbytes for tile in layer.tiles.values()}
        if layer.record is not None:
            found[-id(layer.record.made.pixels)] = layer.record.made.pixels.nbytes
            if layer.record.mask is not None:
                found[-id(layer.record.mask)] = layer.record.mask.nbytes
    return found


@QUICK
@given(st.lists(moves, min_size=1, max_size=10))
def test_the_history_counts_what_results_were_made_from(played: list[Move]) -> None:
    document = canvas(5)
    for move in played:
        play(document, move)
        assert document.history.nbytes == held_bytes(document)
    again = CanvasDocument.from_snapshot(document.snapshot())
    assert again.history.nbytes == held_bytes(again)
    document.go_to(0)
    assert document.history.nbytes == held_bytes(document)


def test_many_results_do_not_outgrow_the_budget() -> None:
    document = canvas(6)
    document.history.budget = 2_000_000
    for seed in range(20):
        accept(document, record_of(seed, Rect(0, 0, 96, 64), made=Size(256, 256)))
        document.remove_layer("patch-1")
    assert document.history.nbytes <= 2_000_000 and document.history.position < 20
