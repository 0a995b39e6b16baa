"""Accepted results in the session: taken over, their edge followed live, softened; always one item each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app import patch_words
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.patch_edit import Blending
from sdstudio.domain.canvas_state import MASK, PAINT, PICTURE
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from tests.helpers.canvas_desk import LARGE, SMALL, CanvasDesk
from tests.helpers.patches import inpainting, record_of
from tests.helpers.requests import generation

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
FRAME = Rect(100, 90, 128, 96)


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk.make(io, qtbot)


def accept(desk: CanvasDesk, seed: int = 3, **how: int) -> str:
    layer = Blending(desk.document.state(), record_of(seed, FRAME, **how)).layer()
    found: list[str] = []
    assert desk.session.accept_patch(layer.pixels, layer.x, layer.y, "apple", layer.record, done=found.append)
    desk.wait(lambda: bool(found))
    return found[0]


def seen(desk: CanvasDesk) -> Pixels:
    return desk.document.composite(desk.document.rect)


@SIZES
def test_a_result_is_taken_over_as_one_item_and_told(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    before = seen(desk)
    assert accept(desk) == "patch-1"
    assert [info.id for info in document.layers] == [PICTURE, "patch-1", PAINT, MASK]
    assert document.history.undo_labels == ("Accept result",) and "layers_changed" in desk.told
    assert desk.changes[-1].rect.contains(Rect(110, 100, 10, 10)) and not np.array_equal(seen(desk), before)
    desk.session.undo()
    assert np.array_equal(seen(desk), before)


@SIZES
def test_with_new_ground_the_canvas_has_another_size(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    before = seen(desk)
    ground = np.zeros((size.height, size.width + 100, 4), np.uint8)
    ground[:, size.width :] = (9, 8, 7, 255)
    wide = Rect(0, 0, size.width + 100, size.height)
    found: list[str] = []
    desk.session.accept_patch(ImageBuffer(ground), 0, 0, "more", None, resize=wide, done=found.append)
    desk.wait(lambda: bool(found))
    assert document.size == Size(wide.width, wide.height) and "document_changed" in desk.told
    assert np.array_equal(seen(desk)[:, : size.width], before) and (seen(desk)[:, size.width :] == (9, 8, 7, 255)).all()
    desk.session.undo()
    assert document.size == size and np.array_equal(seen(desk), before)


@SIZES
def test_an_edge_is_one_item(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    layer_id = accept(desk)
    sharp = seen(desk)
    desk.session.refeather(layer_id, 40)
    desk.settle()
    record = document.record(layer_id)
    assert record is not None and record.feather == 40 and not desk.session.preview
    assert document.history.undo_labels == ("Accept result", "Change edge")
    soft = seen(desk)
    desk.session.undo()
    assert np.array_equal(seen(desk), sharp)
    document.refeather(layer_id, 40)
    assert np.array_equal(seen(desk), soft)
    desk.session.refeather(layer_id, 40)
    desk.settle()
    assert document.history.position == 2 and not desk.problems


def test_the_canvas_follows_the_slider_and_holds_one_item_at_the_end(desk: CanvasDesk) -> None:
    document = desk.open(SMALL)
    layer_id = accept(desk)
    before, items = seen(desk), document.history.undo_items
    for pixels in range(20, 60, 5):
        desk.session.refeather(layer_id, pixels, preview=True)
    desk.settle()
    assert desk.session.preview and not np.array_equal(seen(desk), before)
    assert document.history.undo_items == items
    shown = seen(desk)
    desk.stroke()
    desk.session.remove_layer(layer_id)
    assert len(desk.notes) == 2 and np.array_equal(seen(desk), shown), "nothing else changes it meanwhile"
    desk.session.refeather(layer_id, 55)
    desk.settle()
    assert not desk.session.preview
    assert document.history.undo_labels == ("Accept result", "Change edge")
    assert np.array_equal(seen(desk), shown)
    desk.session.undo()
    assert np.array_equal(seen(desk), before)


def test_a_preview_of_an_edge_leaves_no_trace(desk: CanvasDesk) -> None:
    document = desk.open(SMALL)
    layer_id = accept(desk)
    before, tiles = seen(desk), dict(document.grid(layer_id).freeze())
    desk.session.refeather(layer_id, 30, preview=True)
    desk.settle()
    assert desk.session.cancel() and not desk.session.preview
    assert np.array_equal(seen(desk), before) and dict(document.grid(layer_id).freeze()) == tiles
    desk.session.refeather(layer_id, 30, preview=True)
    assert desk.session.cancel(), "still computing"
    desk.settle()
    assert np.array_equal(seen(desk), before) and document.history.position == 1
    desk.session.refeather(layer_id, 30, preview=True)
    desk.settle()
    desk.session.refeather(layer_id, 16)
    desk.settle()
    assert document.history.position == 1 and np.array_equal(seen(desk), before), "back where it was: no item"
    desk.stroke()
    assert document.history.position == 2


def test_another_canvas_ends_the_preview(desk: CanvasDesk) -> None:
    desk.open(SMALL)
    layer_id = accept(desk)
    desk.session.refeather(layer_id, 30, preview=True)
    other = desk.open(Size(80, 70))
    desk.settle()
    assert not desk.session.preview and other.history.position == 0
    desk.stroke()
    assert other.history.position == 1


def test_softening_is_one_item_or_said_to_be_useless(desk: CanvasDesk) -> None:
    document = desk.open(SMALL)
    layer_id = accept(desk)
    desk.session.soften(layer_id)
    desk.settle()
    assert document.history.undo_labels == ("Accept result", "Soften seam") and not desk.notes
    desk.session.go_to(0)
    same = ImageBuffer(document.picture.read(FRAME))
    record = replace(record_of(3, FRAME), made=same, match_colours=False)
    layer = Blending(document.state(), record).layer()
    desk.session.accept_patch(layer.pixels, layer.x, layer.y, "", layer.record)
    desk.session.soften("patch-1")
    desk.settle()
    assert document.history.undo_labels == ("Accept result",)
    assert len(desk.notes) == 1 and "as soft as it can be" in desk.notes[0]


def test_without_an_edge_it_is_an_error_of_the_program(desk: CanvasDesk) -> None:
    desk.open(SMALL)
    for attempt in (desk.session.soften, lambda layer: desk.session.refeather(layer, 3)):
        with pytest.raises(ValueError, match="nothing is known"):
            attempt(PICTURE)
    desk.stroke()
    assert not desk.session.preview and desk.document.history.position == 1


def test_a_busy_canvas_says_so(desk: CanvasDesk) -> None:
    desk.open(SMALL)
    layer = Blending(desk.document.state(), record_of(3, FRAME)).layer()
    desk.session.mask_grow(3, preview=True)
    assert not desk.session.accept_patch(layer.pixels, layer.x, layer.y, "apple", layer.record)
    assert len(desk.notes) == 1 and len(desk.document.layers) == 3


def test_words() -> None:
    assert patch_words.name_of(generation("a red apple, gouache, soft morning light")) == "a red apple, gouache, soft"
    assert patch_words.name_of(generation("a red apple on an extraordinarily long table")) == "a red apple on an"
    assert patch_words.name_of(generation("x" * 90)) == "x" * 28
    assert patch_words.name_of(generation(" , ")) == patch_words.name_of(generation("")) == ""
    record = record_of(1, FRAME, feather=16)
    assert patch_words.second_line(record, True) == "fill · edge 16 px"
    assert patch_words.second_line(record, False) == "hidden · fill · edge 16 px"
    modes = {FillMode.CHANGE: "keep shape", FillMode.REPLACE: "replace", FillMode.REMOVE: "remove"}
    for mode, words in modes.items():
        object.__setattr__(record, "request", inpainting(mode=mode))
        assert patch_words.how_made(record) == words
