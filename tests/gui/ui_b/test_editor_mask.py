"""The mask over the picture: on every picture there is something to see, and it can never count unseen."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.mask_edge import DISTANCES, STEPS, edge_codes, edge_colours, reach
from sdstudio.ui.canvas.mask_look import BLACK_LINE, LEVELS, WHITE_LINE, MaskLook, tint_colours
from sdstudio.ui.canvas.mask_overlay import BLOCK, hatch, occupied
from sdstudio.ui.theme import Theme
from tests.helpers.canvas_desk import CanvasDesk
from tests.helpers.editor_board import EditorBoard, bounds, coordinates, flat

PICTURES = {
    "black": (0, 0, 0, 255),
    "white": (255, 255, 255, 255),
    "magenta": (255, 43, 214, 255),
    "grey": (128, 128, 128, 255),
    "transparent": (0, 0, 0, 0),
}
BOX = Rect(60, 50, 120, 90)


@pytest.fixture
def board(io: IoWorker, theme: Theme, qtbot: QtBot) -> EditorBoard:
    return EditorBoard(CanvasDesk.make(io, qtbot), theme)


def differences(board: EditorBoard, change: object) -> np.ndarray:
    """How far each pixel of the view moves, as the largest of its channels, by a call."""
    board.view.hand.leave()
    before = board.shot().astype(int)
    change()  # type: ignore[operator]
    return abs(board.shot().astype(int) - before).max(axis=2)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("look", ["tint", "edge", "greys"])
def test_the_mask_is_seen_on_every_picture(board: EditorBoard, name: str, look: str) -> None:
    board.open(flat(240, 200, PICTURES[name]))
    board.view.set_mask_look(QColor("#ff2bd6"), 0.38, look == "edge")
    board.session.update_settings(quick_mask=look == "greys")
    moved = differences(board, lambda: board.mask_box(BOX))
    corner = board.view.map
    inside = moved[corner.y + 60 : corner.y + 130, corner.x + 70 : corner.x + 170]
    edge = moved[corner.y + 50, corner.x + 60 : corner.x + 180]
    assert (edge > 60).mean() > 0.3, "the edge has dashes that differ from the picture"
    if look == "tint":
        assert (inside > 25).mean() > 0.08, "the hatch is seen, whatever the tint does"
    elif look == "edge":
        assert not inside.any()
    else:
        assert (inside == 255).all()
    outside = moved.copy()
    outside[:30] = 0  # where the view says that a hidden mask counts
    outside[corner.y + 46 : corner.y + 144, corner.x + 56 : corner.x + 184] = 0
    assert not outside.any()


def test_the_tint_follows_the_masks_value(board: EditorBoard) -> None:
    board.open(flat(240, 200, PICTURES["grey"]))
    board.session.update_brush(size=120.0, hardness=0.0)
    at = board.where(120, 100)
    moved = differences(board, lambda: board.drag(at))
    corner = board.view.map
    row = moved[corner.y + 100, corner.x : corner.x + 240]
    near, far = row[110:130], row[72:80]
    assert np.median(near) > 2 * np.median(far) > 0


def test_colour_and_opacity_can_be_chosen(board: EditorBoard) -> None:
    board.open(flat(240, 200, PICTURES["white"]))
    board.mask_box(BOX)
    place = board.view.map
    colours = []
    for colour, opacity in (("#ff2bd6", 0.38), ("#1e9bff", 0.38), ("#1e9bff", 0.8), ("#000000", 0.5)):
        board.view.set_mask_look(QColor(colour), opacity)
        part = board.shot()[place.y + 70 : place.y + 120, place.x + 80 : place.x + 160].reshape(-1, 3)
        colours.append(np.median(part, axis=0).tolist())
    for colour, (name, opacity) in zip(
        colours, (("#ff2bd6", 0.38), ("#1e9bff", 0.38), ("#1e9bff", 0.8), ("#000000", 0.5)), strict=True
    ):
        tint = QColor(name)
        expected = [255 + (part - 255) * opacity for part in (tint.red(), tint.green(), tint.blue())]
        assert colour == pytest.approx(expected, abs=2)


def test_a_hidden_mask_keeps_its_edge_and_the_view_says_that_it_counts(board: EditorBoard) -> None:
    board.open(flat(240, 200, PICTURES["white"]))
    board.view.set_mask_look(QColor("#ff2bd6"), 0.38, True)
    overlay = board.view.overlay
    assert overlay is not None and overlay.mask_words(board.view.mask_look) == ""
    assert (board.shot()[8:28, 8:60] != 0x14).any()
    board.mask_box(BOX)
    assert "it still counts" in overlay.mask_words(board.view.mask_look)
    assert (board.shot()[12:24, 10:13] == 0x14).all(), "the pill in the corner"
    board.session.mask_clear()
    board.desk.settle()
    assert overlay.mask_words(board.view.mask_look) == ""


def test_faint_parts_are_seen_even_with_the_edge_alone(board: EditorBoard) -> None:
    board.open(flat(240, 200, PICTURES["grey"]))
    board.view.set_mask_look(QColor("#ff2bd6"), 0.38, True)
    board.session.update_brush(size=80.0, opacity=0.05)
    at = board.where(120, 100)
    moved = differences(board, lambda: board.drag(at))
    assert 0 < board.mask().max() < 20
    place = bounds(moved[40:] > 60)
    assert abs(place.width() - 81) <= 6


def test_the_edge_moves_only_where_it_is_and_rests_on_demand(board: EditorBoard, theme: Theme) -> None:
    board.open(coordinates(240, 200))
    board.mask_box(BOX)
    board.view._dashes.stop()
    moved = differences(board, board.view._move_dashes)
    corner = board.view.map
    assert (moved > 60).any()
    assert not moved[corner.y + 60 : corner.y + 130, corner.x + 70 : corner.x + 170].any()
    theme.reduce_motion = True
    try:
        assert not differences(board, board.view._move_dashes).any()
    finally:
        theme.reduce_motion = False
    for target in ("paint", "mask", "paint"):
        board.session.update_settings(target=target)
        assert board.view._dashes.isActive() == (target == "mask")


def test_the_edge_rests_while_the_hand_draws(board: EditorBoard) -> None:
    board.open(coordinates(240, 200))
    board.mask_box(BOX)
    board.view._dashes.stop()
    board.session.press(PointerEvent(30, 30))
    board.session.move([PointerEvent(60, 40)])
    board.settle()
    assert not differences(board, board.view._move_dashes).any()
    assert differences(board, board.view._move_dashes).any(), "the hand has stopped"
    board.session.move([PointerEvent(90, 50)])
    board.session.release(PointerEvent(90, 50))
    board.settle()
    assert differences(board, board.view._move_dashes).any(), "the stroke is over"


def test_small_zooms_show_small_masks(board: EditorBoard) -> None:
    board.open(flat(2000, 1600, PICTURES["white"]), 0.1)
    moved = differences(board, lambda: board.mask_box(Rect(1000, 800, 12, 12)))
    assert (moved > 60).any()


def test_the_edge_at_the_canvas_border_is_seen(board: EditorBoard) -> None:
    board.open(flat(240, 200, PICTURES["grey"]))
    moved = differences(board, lambda: (board.session.mask_all(), board.desk.settle()))
    corner = board.view.map
    for row in (corner.y, corner.y + 199):
        assert (moved[row, corner.x : corner.x + 240] > 60).mean() > 0.3


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_dashes_are_as_long_as_gaps_in_every_direction(ratio: float) -> None:
    side = 200
    y, x = np.mgrid[:side, :side]
    air = reach(ratio)
    table = np.array(edge_colours(ratio), np.int64)
    for angle in np.radians([0, 10, 33, 45, 70, 90, 135, 200, 290]):
        inside = ((x - 100) * np.cos(angle) + (y - 100) * np.sin(angle) > 0).astype(np.uint8)
        codes = edge_codes(inside, ratio, 0, 0)
        assert codes.shape == (side - 2 * air, side - 2 * air)
        colours = table[codes]
        line = (colours >> 24) > 200
        white = line & ((colours & 0xFF) > 128)
        assert 0.12 < white.sum() / line.sum() < 0.6
        width = line.sum() / (side - 2 * air) * max(abs(np.cos(angle)), abs(np.sin(angle)))
        assert 1.3 * ratio < width < 3.6 * ratio


def test_an_edge_is_only_where_the_mask_has_one() -> None:
    air = reach(1.0)
    assert not edge_codes(np.ones((60, 60), np.uint8), 1.0, 0, 0).any()
    assert not edge_codes(np.zeros((60, 60), np.uint8), 1.0, 0, 0).any()
    speck = np.zeros((60, 60), np.uint8)
    speck[30, 30] = 1
    codes = edge_codes(speck, 1.0, 0, 0)
    assert codes[30 - air, 30 - air] and (codes > 0).sum() < 50
    assert codes.max() <= DISTANCES * STEPS


def test_parts_of_an_edge_fit_together() -> None:
    rng = np.random.default_rng(3)
    inside = rng.integers(0, 2, (8, 8)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    air = reach(1.0)
    whole = edge_codes(inside, 1.0, 5, 9)
    part = edge_codes(inside[30 : 90 + 2 * air, 20 : 70 + 2 * air], 1.0, 25, 39)
    assert np.array_equal(part, whole[30:90, 20:70])


def test_the_hatch_stays_on_the_picture() -> None:
    whole = hatch(Rect(0, 0, 100, 80), 1.0)
    assert np.array_equal(hatch(Rect(30, 20, 40, 30), 1.0), whole[20:50, 30:70])
    assert np.array_equal(hatch(Rect(-13, -40, 20, 50), 1.0)[40:, 13:], whole[:10, :7])
    assert set(np.unique(whole)) == {0, WHITE_LINE, BLACK_LINE}


def test_tables_hold_a_colour_for_every_code() -> None:
    for mode in ("tint", "edge", "greys"):
        assert len(tint_colours(MaskLook(mode=mode))) == 256  # type: ignore[arg-type]
    table = tint_colours(MaskLook())
    assert table[0] == table[WHITE_LINE] == table[BLACK_LINE] == 0
    assert all(table[line + 1] >> 24 > 10 for line in (WHITE_LINE, BLACK_LINE)), "even a faint mask has its hatch"
    assert table[LEVELS - 1] == 0x61FF2BD6
    assert len(edge_colours(2.0, 3.0)) == 256


def test_occupied_squares() -> None:
    codes = np.zeros((3 * BLOCK, 4 * BLOCK), np.uint8)
    codes[BLOCK, 2 * BLOCK - 1] = 1
    codes[3 * BLOCK - 1, 3 * BLOCK] = 7
    assert np.argwhere(occupied(codes)).tolist() == [[1, 1], [2, 3]]
