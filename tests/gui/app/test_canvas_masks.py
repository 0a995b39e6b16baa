"""Commands for the whole mask, and their live preview."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_questions import MaskSizeQuestion
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from tests.helpers.canvas_desk import LARGE, SMALL, CanvasDesk

BOX = Rect(100, 90, 60, 50)
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["here", "in the thread"])


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk.make(io, qtbot)


def boxed(size: Size, box: Rect) -> Pixels:
    mask = np.zeros((size.height, size.width), np.uint8)
    mask[box.slices] = 255
    return mask


@SIZES
def test_each_command_is_one_item_and_can_be_undone(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    session = desk.session
    desk.mask_box(BOX)
    start = desk.mask()
    assert np.array_equal(start, boxed(size, BOX))

    def result(count: int) -> Pixels:
        desk.settle()
        assert len(document.history.undo_items) == count + 1 and not desk.problems
        return desk.mask()

    session.mask_invert()
    assert np.array_equal(result(1), 255 - start)
    session.mask_invert()
    assert np.array_equal(result(2), start)
    session.mask_grow(4)
    grown = result(3)
    assert grown[BOX.y - 4, 130] == 255 and grown[BOX.y - 6, 130] == 0
    session.mask_shrink(4)
    shrunk = result(4)
    assert shrunk[BOX.y, 130] == 255 and shrunk[BOX.y - 2, 130] == 0
    session.mask_feather(6)
    assert 0 < result(5)[BOX.y, 130] < 255
    session.mask_all()
    assert (result(6) == 255).all() and session.mask_coverage == 1
    session.mask_clear()
    assert not result(7).any() and session.mask_empty
    session.go_to(1)
    assert np.array_equal(desk.mask(), start)


def test_holes_specks_and_alpha(desk: CanvasDesk) -> None:
    document = desk.open()
    session = desk.session
    desk.mask_box(BOX)
    session.update_settings(combine="subtract")
    desk.mask_box(Rect(120, 110, 8, 8))
    session.update_settings(combine="add")
    desk.mask_box(Rect(10, 10, 3, 3))
    session.mask_fill_holes()
    desk.settle()
    session.mask_remove_specks(20)
    desk.settle()
    assert np.array_equal(desk.mask(), boxed(document.size, BOX))
    pixels = np.full((280, 300, 4), 255, np.uint8)
    pixels[50:60, 70:90, 3] = 0
    session.ask_unsaved.connect(lambda question: question.discard())
    session.open_image(ImageBuffer(pixels))
    desk.wait(lambda: session.document is not document)
    session.mask_from_alpha()
    desk.settle()
    assert np.array_equal(desk.mask(), boxed(SMALL, Rect(70, 50, 20, 10)))


@SIZES
def test_a_preview_shows_and_leaves_no_trace_when_cancelled(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    session = desk.session
    desk.mask_box(BOX)
    start, tiles, items = desk.mask(), dict(document.mask.freeze()), document.history.undo_items
    session.mask_feather(10, preview=True)
    desk.settle()
    assert session.preview and not np.array_equal(desk.mask(), start)
    assert document.history.undo_items == items and not session.can_undo
    session.mask_feather(3, preview=True)
    desk.settle()
    desk.stroke()
    session.undo()
    assert len(desk.notes) == 2
    assert session.cancel() and not session.preview
    assert np.array_equal(desk.mask(), start) and dict(document.mask.freeze()) == tiles
    assert document.history.undo_items == items and session.can_undo


@SIZES
def test_a_preview_that_is_accepted_is_what_the_command_alone_would_do(desk: CanvasDesk, size: Size) -> None:
    document = desk.open(size)
    session = desk.session
    desk.mask_box(BOX)
    for pixels in (2, 5, 9):
        session.mask_grow(pixels, preview=True)
    session.mask_grow(7, preview=True)
    session.accept_preview()
    desk.settle()
    accepted = desk.mask()
    assert not session.preview and len(document.history.undo_items) == 2
    session.undo()
    assert np.array_equal(desk.mask(), boxed(size, BOX))
    session.mask_grow(7)
    desk.settle()
    assert np.array_equal(desk.mask(), accepted)
    session.undo()
    session.mask_grow(3, preview=True)
    session.mask_grow(7)
    desk.settle()
    assert np.array_equal(desk.mask(), accepted) and len(document.history.undo_items) == 2


def test_a_preview_cancelled_before_it_was_there(desk: CanvasDesk) -> None:
    desk.open(LARGE)
    desk.mask_box(BOX)
    desk.session.mask_feather(20, preview=True)
    assert desk.session.cancel()
    desk.session.mask_clear()
    desk.settle()
    assert desk.session.mask_empty and not desk.notes


def write_mask(path: Path, mask: Pixels) -> Path:
    Image.fromarray(mask).save(path)
    return path


@SIZES
def test_a_mask_from_a_file_and_to_a_file(desk: CanvasDesk, size: Size, tmp_path: Path) -> None:
    document = desk.open(size)
    desk.session.mask_from_file(write_mask(tmp_path / "mask.png", boxed(size, BOX)))
    desk.wait(lambda: not desk.session.mask_empty)
    desk.settle()
    assert np.array_equal(desk.mask(), boxed(size, BOX)) and document.history.undo_labels == ("Mask from file",)
    with desk.qtbot.waitSignal(desk.session.saved) as saved:
        desk.session.mask_to_file(tmp_path / "out.png")
    assert saved.args == [str(tmp_path / "out.png")]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), boxed(size, BOX))


@pytest.mark.parametrize("answer", ["scale", "centre", "cancel"])
def test_a_mask_of_another_size_is_asked_about(desk: CanvasDesk, tmp_path: Path, answer: str) -> None:
    desk.open()
    path = write_mask(tmp_path / "mask.png", boxed(Size(150, 140), Rect(0, 0, 150, 70)))
    with desk.qtbot.waitSignal(desk.session.ask_mask_size) as asked:
        desk.session.mask_from_file(path)
    question: MaskSizeQuestion = asked.args[0]  # type: ignore[index]
    assert (question.name, question.mask, question.canvas) == ("mask.png", Size(150, 140), SMALL)
    getattr(question, answer)()
    question.scale()
    desk.settle()
    wanted = {"scale": Rect(0, 0, 300, 140), "centre": Rect(75, 70, 150, 70), "cancel": Rect(0, 0, 0, 0)}[answer]
    difference = desk.mask().astype(int) - boxed(SMALL, wanted)
    assert (difference != 0).sum() <= 2 * 300, "only the scaled edge is soft"
    assert len(desk.document.history.undo_items) == (answer != "cancel"), "it is answered once"


def test_a_mask_larger_than_the_canvas_is_cut_around_its_middle(desk: CanvasDesk, tmp_path: Path) -> None:
    desk.open()
    path = write_mask(tmp_path / "mask.png", boxed(Size(400, 400), Rect(50, 60, 20, 20)))
    desk.session.mask_from_file(path, fit="centre")
    desk.wait(lambda: not desk.session.mask_empty)
    assert np.array_equal(desk.mask(), boxed(SMALL, Rect(0, 0, 20, 20)))


def test_a_mask_that_cannot_be_read_is_a_problem(desk: CanvasDesk, tmp_path: Path) -> None:
    desk.open()
    desk.mask_box(BOX)
    (tmp_path / "mask.png").write_bytes(b"<html>")
    with desk.qtbot.waitSignal(desk.session.problem) as problem:
        desk.session.mask_from_file(tmp_path / "mask.png")
    assert "mask.png" in str(problem.args[0])  # type: ignore[index]
    assert np.array_equal(desk.mask(), boxed(SMALL, BOX))
