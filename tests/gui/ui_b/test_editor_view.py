"""The canvas on the screen: zoom, pan, what is painted, and how little of it is painted again."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QRegion
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.canvas import editor_scene
from sdstudio.ui.canvas.picture_frame import PictureFrame
from sdstudio.ui.theme import Theme
from tests.helpers.canvas_checks import Different, check_view
from tests.helpers.canvas_desk import CanvasDesk
from tests.helpers.editor_board import LEFT, MIDDLE, MOVE, PRESS, RELEASE, EditorBoard, bounds, coordinates, flat
from tests.helpers.screen_checks import check_screen


@pytest.fixture
def board(io: IoWorker, theme: Theme, qtbot: QtBot) -> EditorBoard:
    return EditorBoard(CanvasDesk.make(io, qtbot), theme)


def test_without_a_document_it_says_what_to_do(board: EditorBoard, qtbot: QtBot) -> None:
    empty, view = board.view.empty, board.view
    assert empty.isVisible()
    assert "Open a picture" in empty.words.text()
    for button, signal in (
        (empty.open, view.open_asked),
        (empty.new, view.new_asked),
        (empty.paste, view.paste_asked),
    ):
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, LEFT)
    board.drag((10, 10), (50, 50))
    board.open(coordinates(64, 48))
    assert not empty.isVisible()
    assert view.accessibleDescription() == "apple, 64 by 48 pixels."
    board.close()
    assert empty.isVisible()


def test_a_new_document_is_fitted_with_air(board: EditorBoard) -> None:
    board.session.open_image(coordinates(800, 300), "wide")
    board.desk.wait(lambda: board.session.document is not None)
    place = board.view.picture_rect()
    assert (place.left(), place.right()) == (16, 384)


def test_pixels_are_exact_at_100_percent(board: EditorBoard) -> None:
    board.open(coordinates(200, 100))
    shot, corner = board.shot(), board.view.map
    assert np.array_equal(shot[corner.y : corner.y + 100, corner.x : corner.x + 200], coordinates(200, 100).rgb)


def test_pixels_are_squares_from_300_percent_and_parted_by_lines_from_800(board: EditorBoard) -> None:
    board.open(coordinates(200, 100), 4.0)
    row = board.shot()[150]
    assert (row[:, 2] == 7).all()
    assert np.array_equal(np.unique(np.diff(np.flatnonzero(np.diff(row[:, 0])))), [4])
    board.view.set_zoom(8.0)
    assert 1 / 9 < (board.shot()[151, :, 2] != 7).mean() < 1 / 7


def test_between_the_steps_it_is_smooth(board: EditorBoard) -> None:
    image = np.zeros((64, 64, 4), np.uint8)
    image[..., 3] = 255
    image[:, 32:, :3] = 255
    board.open(ImageBuffer(image), 2.5)
    values = set(board.shot()[150, 120:280, 0].tolist())
    assert len(values) > 2 and {0, 255} <= values


def test_transparency_shows_checks(board: EditorBoard) -> None:
    board.open(flat(64, 64, (90, 10, 10, 0)))
    shot, corner = board.shot(), board.view.map
    assert shot[corner.y + 2, corner.x + 2].tolist() == [0x4A] * 3
    assert shot[corner.y + 2, corner.x + 10].tolist() == [0x55] * 3
    assert shot[2, 2].tolist() == [0x3E] * 3


@pytest.mark.parametrize("zoom", [0.4, 1.0, 3.3])
def test_the_wheel_keeps_the_pixel_under_the_pointer(board: EditorBoard, zoom: float) -> None:
    board.open(coordinates(800, 600), zoom)
    at = (210, 140)
    before = board.view.map.to_document(*at)
    board.wheel(at, angle=240)
    after = board.view.map.to_document(*at)
    assert board.view.viewport.zoom == pytest.approx(zoom * 2**0.5)
    assert after == pytest.approx(before, abs=1 / zoom)


def test_keys_zoom_at_the_pointer_and_in_the_middle_without_one(board: EditorBoard) -> None:
    board.open(coordinates(800, 600), 1.0)
    board.hover((50, 60))
    before = board.view.map.to_document(50, 60)
    board.view.zoom_step(1)
    assert board.view.map.to_document(50, 60) == pytest.approx(before, abs=1)
    board.view.hand.leave()
    middle = board.view.map.to_document(200, 150)
    board.view.set_zoom(3.0)
    assert board.view.map.to_document(200, 150) == pytest.approx(middle, abs=1)


def test_zoom_stays_between_1_and_6400_percent(board: EditorBoard) -> None:
    board.open(coordinates(64, 64))
    for _ in range(60):
        board.wheel((200, 150), angle=120)
    assert board.view.viewport.zoom == 64.0
    for _ in range(90):
        board.wheel((200, 150), angle=-120)
    assert board.view.viewport.zoom == 0.01
    board.settle()


@pytest.mark.parametrize("way", ["touchpad", "middle", "space", "hand", "arrow"])
def test_every_way_to_move_the_picture(board: EditorBoard, qtbot: QtBot, way: str) -> None:
    board.open(coordinates(2000, 2000), 1.0)
    view = board.view
    x, y, moved = view.map.x, view.map.y, (24, -10)
    if way == "touchpad":
        board.wheel((100, 100), pixels=QPoint(24, -10))
    elif way == "middle":
        board.drag((100, 100), (124, 90), button=MIDDLE)
    elif way == "space":
        qtbot.keyPress(view, Qt.Key.Key_Space)
        board.drag((100, 100), (124, 90))
        qtbot.keyRelease(view, Qt.Key.Key_Space)
    elif way == "hand":
        view.set_view_tool("hand")
        board.drag((100, 100), (124, 90))
    else:
        qtbot.keyClick(view, Qt.Key.Key_Left)
        moved = (64, 0)
    assert (view.map.x - x, view.map.y - y) == moved
    assert not board.mask().any()
    corner = view.map
    view.hand.leave()
    assert np.array_equal(board.shot()[100, 100, :2], [(100 - corner.x) % 256, (100 - corner.y) % 256])


def test_the_zoom_tool_comes_closer_and_goes_back(board: EditorBoard) -> None:
    board.open(coordinates(800, 600), 1.0)
    board.view.set_view_tool("zoom")
    board.drag((100, 100))
    assert board.view.viewport.zoom == 1.25
    board.drag((100, 100), keys=Qt.KeyboardModifier.AltModifier)
    assert board.view.viewport.zoom == 1.0


def test_after_moving_everything_is_as_painted_anew(board: EditorBoard) -> None:
    board.open(coordinates(1500, 1500), 0.7)
    board.mask_box(Rect(300, 300, 500, 400))
    board.session.update_settings(target="paint")  # so that the mask's edge stands still
    for moved in ((31, 17), (-90, 44), (7, -120)):
        board.mouse(PRESS, (150, 150), MIDDLE)
        board.mouse(MOVE, (150 + moved[0], 150 + moved[1]), buttons=MIDDLE)
        board.mouse(RELEASE, (150 + moved[0], 150 + moved[1]), MIDDLE)
        board.settle()
    board.view.hand.leave()
    moved_along = board.shot().astype(int)
    board.view.resize(board.view.size() + QSize(1, 0))
    board.view.resize(board.view.size() - QSize(1, 0))
    # Qt's smooth scaling rounds by one step, depending on where a span begins.
    assert abs(moved_along - board.shot()).max() <= 2


def test_a_change_paints_only_its_own_place_again(board: EditorBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    board.open(coordinates(300, 250))
    painted: list[Rect] = []
    render = PictureFrame._render

    def noted(frame: PictureFrame, rect: Rect) -> None:
        painted.append(rect)
        render(frame, rect)

    regions: list[QRegion] = []
    board.view.scene.stale.connect(regions.append)
    monkeypatch.setattr(PictureFrame, "_render", noted)
    board.session.update_settings(target="paint", colour=(255, 255, 255))
    board.session.update_brush(size=20)
    before = board.shot()
    painted.clear()
    at = board.where(100, 100)
    board.drag(at, (at[0] + 10, at[1]))
    board.view.hand.leave()
    changed = bounds((board.shot() != before).any(axis=2))
    stale = QRegion()
    for region in regions:
        stale = stale.united(region)
    assert stale.boundingRect().contains(changed)
    assert stale.boundingRect().width() <= changed.width() + 8
    assert painted and all(
        rect.width <= changed.width() + 8 and rect.height <= changed.height() + 8 for rect in painted
    )


def test_a_mask_stroke_and_a_moving_ring_leave_the_picture_as_painted(
    board: EditorBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.open(coordinates(300, 250))
    board.shot()

    def never(frame: PictureFrame, rect: Rect) -> None:
        raise AssertionError(f"the picture was painted again: {rect}")

    monkeypatch.setattr(PictureFrame, "_render", never)
    board.hover((150, 150))
    board.settle()
    board.hover((190, 150))
    board.settle()
    board.drag((150, 150), (190, 150))
    board.settle()
    assert board.mask().any()


def test_the_ring_has_the_brushs_true_size(board: EditorBoard) -> None:
    board.open(flat(300, 250, (200, 200, 200, 255)), 2.0)
    board.session.update_brush(size=40.0)
    before = board.shot()
    board.hover((200, 150))
    ring = bounds((board.shot() != before).any(axis=2))
    assert abs(ring.width() - (2 * 40 + 3.25)) <= 2
    assert abs(ring.center().x() - 200) <= 1
    assert board.view.cursor().shape() == Qt.CursorShape.BlankCursor
    board.session.update_settings(tool="lasso")
    board.view.hand.leave()
    assert np.array_equal(board.shot(), before)
    assert board.view.cursor().shape() == Qt.CursorShape.BitmapCursor


def test_a_document_of_another_size_stays_in_its_place(board: EditorBoard) -> None:
    board.open(coordinates(300, 250), 2.0)
    board.session.resize_canvas(Rect(0, 0, 200, 250))
    board.desk.wait(lambda: board.desk.document.size == Size(200, 250))
    assert board.view.viewport.zoom == 2.0
    assert board.view.map.document == Size(200, 250)
    board.shot()


def test_long_work_is_told_in_words_and_shown_as_busy(board: EditorBoard) -> None:
    board.open(coordinates(1300, 1100))
    board.session.mask_all()
    board.session.mask_grow(40)
    assert board.session.work is not None
    assert board.view.cursor().shape() == Qt.CursorShape.BusyCursor
    before = board.mask().copy()
    board.drag((150, 150), (190, 150))
    assert np.array_equal(board.mask(), before)
    board.desk.settle()
    assert board.view.cursor().shape() == Qt.CursorShape.BlankCursor


def test_the_ring_of_the_focus_is_painted_for_the_keyboard(board: EditorBoard) -> None:
    board.open(coordinates(300, 250))
    before = board.shot()
    board.view.clearFocus()
    board.view.setFocus(Qt.FocusReason.TabFocusReason)
    assert board.shot()[1, 200].tolist() != before[1, 200].tolist()
    assert QRect(0, 0, 400, 300).contains(bounds((board.shot() != before).any(axis=2)))


@pytest.mark.parametrize("zoom", [1.0, 0.7, 0.21])
def test_at_rest_the_screen_equals_one_painted_anew(zoom: float, io: IoWorker, theme: Theme, qtbot: QtBot) -> None:
    board = EditorBoard(CanvasDesk.make(io, qtbot), theme, (800, 600))
    board.open(coordinates(2100, 1500), zoom)
    for target, size in (("mask", 300.0), ("paint", 200.0), ("paint", 30.0), ("mask", 20.0)):
        board.session.update_settings(tool="brush", target=target)
        board.session.update_brush(size=size, hardness=0.4)
        board.drag((150, 120), (400, 200), (420, 480), (180, 470), (160, 130))
        check_view(board.view, board.session, theme)
    board.session.undo()
    check_view(board.view, board.session, theme)
    for angle in (120, 120, -240, -120, 60):
        board.wheel((300, 200), angle)
        board.view.repaint()
    assert board.view.scene.sharp is (zoom < 0.5), "large parts are painted plainly first"
    check_view(board.view, board.session, theme)


@pytest.mark.parametrize("zoom", [0.4825, 0.6])
def test_tiles_of_a_mask_that_come_one_by_one_leave_no_trace_at_their_borders(
    zoom: float, io: IoWorker, theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line round the mask looks some pixels beyond a tile's border, where another was shown before."""
    board = EditorBoard(CanvasDesk.make(io, qtbot), theme, (800, 600))
    board.open(coordinates(1200, 800), zoom)
    board.mask_box(Rect(40, 40, 1000, 600))
    for name in ("SLICE_S", "DRAWN_S", "WORK_S"):
        monkeypatch.setattr(editor_scene, name, 0.0)  # one tile a slice, none in a repaint
    for change in (lambda: board.desk.mask_box(Rect(9, 7, 1180, 780)), board.session.undo, board.session.redo):
        change()
        board.view.repaint()
        slices = 0
        while not board.view.scene.sharp:
            board.view.scene._work()
            board.view.repaint()
            slices += 1
        assert slices >= 4, "each tile came on its own"
        check_view(board.view, board.session, theme)


def test_the_screen_follows_every_change_and_it_is_seen_when_it_does_not(board: EditorBoard) -> None:
    board.open(coordinates(300, 250), 1.3)
    board.session.update_settings(tool="brush", target="paint", colour=(255, 255, 255))
    board.drag(board.where(40, 40), board.where(200, 150))
    board.mask_box(Rect(60, 50, 120, 90))
    check_screen(board.view)
    board.view.scene.blockSignals(True)
    board.desk.stroke([(20, 200), (250, 220)])
    with pytest.raises(Different, match="the screen"):
        check_screen(board.view)


@pytest.mark.parametrize("work_s", [0.0, 60.0], ids=["slowly", "at once"])
def test_far_away_a_stroke_is_sketched_and_exact_when_the_hand_is_done(
    board: EditorBoard, theme: Theme, monkeypatch: pytest.MonkeyPatch, work_s: float
) -> None:
    monkeypatch.setattr(editor_scene, "WORK_S", work_s)
    rng = np.random.default_rng(3)
    pixels = np.full((1100, 1500, 4), 255, np.uint8)
    pixels[..., :3] = rng.integers(60, 160, (1100, 1500, 3), np.uint8)
    board.open(ImageBuffer(pixels), zoom=1 / 8)
    scene = board.view.scene
    board.session.update_settings(tool="brush", target="paint")
    board.session.update_brush(size=90.0, hardness=0.5)
    for number, cancelled in enumerate((False, True)):
        for kind, place in ((PRESS, (150, 120 + 20 * number)), (MOVE, (220, 150)), (MOVE, (240, 150))):
            board.mouse(kind, place)
            board.desk.qtbot.waitUntil(lambda: scene.up_to_date)
        assert not scene.sharp, "the stroke under way is a sketch"
        if cancelled:
            board.session.cancel_gesture()
        else:
            board.mouse(RELEASE, (240, 170))
        board.desk.wait(lambda: scene.sharp)
        check_view(board.view, board.session, theme)
