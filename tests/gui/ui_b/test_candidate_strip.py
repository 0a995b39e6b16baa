"""Candidates in the window: previews in place, flipping by keys, the line between, the proof, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app import candidate_prepare
from sdstudio.app.candidates import BEFORE, Candidates
from sdstudio.domain.geometry import Rect, Size
from sdstudio.engine.fake import StepGate
from sdstudio.ui.canvas.candidate_strip import DoubtDialog
from sdstudio.ui.canvas.proof_badge import seam_words
from sdstudio.ui.main_window import MainWindow
from tests.helpers.app_fixtures import HeldFactory
from tests.helpers.candidate_desk import BOX, CandidateDesk
from tests.helpers.canvas_window import dialog_of

Shot = Callable[[], npt.NDArray[np.uint8]]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(window: MainWindow, qtbot: QtBot) -> CandidateDesk:
    """The picture as large on the screen as it is, the mask's box painted, the canvas in the focus."""
    window.resize(1300, 820)
    desk = CandidateDesk(window.context, qtbot)
    desk.open(Size(300, 280))
    desk.context.session.update(steps=1)
    view = window.canvas.page.view
    view.set_zoom(1.0)
    window.canvas.page.focus_view()
    qtbot.waitUntil(view.hasFocus)
    return desk


@pytest.fixture
def shot(window: MainWindow, desk: CandidateDesk) -> Iterator[Shot]:
    """The picture as it is seen: height x width x 3 of the document at 100 %."""
    view = window.canvas.page.view

    def take() -> npt.NDArray[np.uint8]:
        desk.wait(lambda: view.scene.sharp)
        QApplication.processEvents()
        view.repaint()
        image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
        return pixels[view.map.y : view.map.y + 280, view.map.x : view.map.x + 300].copy()

    yield take


def shown_of(candidates: Candidates, place: int) -> npt.NDArray[np.uint8]:
    """BOX of a candidate."""
    part = candidates.items[place].parts[0]
    return part.shown.pixels[BOX.moved(-part.shown_at.x, -part.shown_at.y).slices][..., :3]


INNER = Rect(BOX.x + 4, BOX.y + 30, BOX.width - 8, 12)
"""Below where words may stand."""


def inner(candidates: Candidates, place: int) -> npt.NDArray[np.uint8]:
    return shown_of(candidates, place)[INNER.moved(-BOX.x, -BOX.y).slices]


def release(widget: object, key: Qt.Key) -> None:
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyRelease, key, Qt.KeyboardModifier.NoModifier))  # type: ignore[arg-type]


def press(widget: object, key: Qt.Key) -> None:
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))  # type: ignore[arg-type]


def test_the_strip_is_there_only_while_there_are_candidates(window: MainWindow, desk: CandidateDesk) -> None:
    strip = window.canvas.page.candidates
    assert strip.isHidden()
    desk.made(2)
    assert strip.isVisible() and strip.height() == 124
    assert strip.list.model().rowCount() == 3
    assert strip.badge.words == f"0 of {300 * 280 - BOX.pixels:,} pixels outside the mask changed"
    assert not strip.badge.failed and strip.badge.isVisible()
    strip.discard.click()
    assert strip.isHidden()


def test_the_chosen_one_is_seen_in_its_place_and_no_mask_over_it(desk: CandidateDesk, shot: Shot) -> None:
    candidates = desk.made(2)
    desk.wait(lambda: np.array_equal(shot()[INNER.slices], inner(candidates, 1)))
    seen = shot()
    outside = np.ones(seen.shape[:2], np.bool_)
    outside[BOX.grown(12).slices] = False
    assert np.array_equal(seen[outside], desk.composite()[..., :3][outside])


def test_keys_flip_and_backslash_shows_before(
    window: MainWindow, desk: CandidateDesk, shot: Shot, qtbot: QtBot
) -> None:
    before = shot()
    candidates = desk.made(3)
    view = window.canvas.page.view
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert candidates.place == 0
    qtbot.keyClick(view, Qt.Key.Key_2)
    desk.wait(lambda: np.array_equal(shot()[INNER.slices], inner(candidates, 1)))
    press(view, Qt.Key.Key_Backslash)
    assert window.canvas.page.candidates.list.currentIndex().row() == 0
    assert np.array_equal(shot()[INNER.slices], before[INNER.slices])  # the mask is back, too
    release(view, Qt.Key.Key_Backslash)
    assert np.array_equal(shot()[INNER.slices], inner(candidates, 1))
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert candidates.place == 0
    press(view, Qt.Key.Key_Backslash)
    window.left.prompt.positive.setFocus()
    desk.wait(lambda: not candidates.before_shown)


def test_enter_accepts_and_the_layer_is_chosen(window: MainWindow, desk: CandidateDesk, qtbot: QtBot) -> None:
    desk.made(2)
    view = window.canvas.page.view
    qtbot.keyClick(view, Qt.Key.Key_1)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    desk.wait(lambda: bool(desk.accepted))
    assert window.right.layers.list.chosen == desk.accepted[0]
    assert window.canvas.page.candidates.isHidden()
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.viewport.zoom == 1.0


def test_the_numbers_are_zoom_keys_where_there_are_no_candidates(
    window: MainWindow, desk: CandidateDesk, qtbot: QtBot
) -> None:
    view = window.canvas.page.view
    view.set_zoom(2.0)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.viewport.zoom == 1.0
    desk.made(1)
    view.set_zoom(2.0)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.viewport.zoom == 2.0


def test_the_strip_has_the_same_keys(window: MainWindow, desk: CandidateDesk, qtbot: QtBot) -> None:
    candidates = desk.made(3)
    strip = window.canvas.page.candidates
    index = strip.list.model().index(2, 0)
    qtbot.mouseClick(strip.list.viewport(), LEFT, pos=strip.list.visualRect(index).center())
    assert candidates.place == 1
    qtbot.keyClick(strip.list, Qt.Key.Key_Right)
    assert candidates.place == 2
    strip.difference.setFocus()
    qtbot.keyClick(strip.difference, Qt.Key.Key_1)
    assert candidates.place == 0 and window.canvas.page.view.viewport.zoom == 1.0
    qtbot.keyClick(strip.difference, Qt.Key.Key_Space)
    assert candidates.difference
    qtbot.keyClick(strip.difference, Qt.Key.Key_Escape)
    assert not candidates.difference
    qtbot.keyClick(strip.difference, Qt.Key.Key_Escape)
    assert not candidates.open
    qtbot.waitUntil(window.canvas.page.view.hasFocus)


def test_escape_in_a_text_field_leaves_the_candidates(window: MainWindow, desk: CandidateDesk, qtbot: QtBot) -> None:
    desk.made()
    field = window.left.prompt.positive
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert desk.candidates.open
    window.commands.run("candidate_discard")
    assert not desk.candidates.open


def test_the_line_is_dragged_between_before_and_after(
    window: MainWindow, desk: CandidateDesk, shot: Shot, qtbot: QtBot
) -> None:
    candidates = desk.made()
    desk.wait(lambda: np.array_equal(shot()[INNER.slices], inner(candidates, 0)))
    view, overlay = window.canvas.page.view, window.canvas.page.overlay
    qtbot.keyClick(view, Qt.Key.Key_C)
    seen = overlay.seen
    assert candidates.compare == 0.5 and overlay.comparing
    line = seen.x + seen.width // 2
    masked = desk.canvas.mask().copy()

    def at(x: float, y: float) -> QPoint:
        return view.to_logical(*view.map.to_device(x, y)).toPoint()

    middle = seen.y + seen.height // 2
    assert overlay.over_line(at(line, middle).toPointF()) and not overlay.over_line(at(line + 30, middle).toPointF())
    qtbot.mousePress(view, LEFT, pos=at(line, middle))
    qtbot.mouseMove(view, at(line - 12, middle))
    qtbot.mouseMove(view, at(BOX.x + 20, middle))
    qtbot.mouseRelease(view, LEFT, pos=at(BOX.x + 20, middle))
    assert candidates.compare == pytest.approx((BOX.x + 20 - seen.x) / seen.width, abs=0.02)
    assert np.array_equal(desk.canvas.mask(), masked)
    picture = shot()
    row = INNER.y + 8
    original = desk.composite()[..., :3]
    assert np.array_equal(picture[row, BOX.x : BOX.x + 5], original[row, BOX.x : BOX.x + 5])
    assert np.array_equal(picture[row, BOX.right - 8 : BOX.right - 4], inner(candidates, 0)[8, -4:])
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert candidates.compare == pytest.approx((BOX.x + 20 - seen.x) / seen.width + 0.05, abs=0.02)


def test_what_changed_is_black_elsewhere(window: MainWindow, desk: CandidateDesk, shot: Shot) -> None:
    candidates = desk.made()
    window.commands.run("candidate_difference")
    desk.wait(lambda: not shot()[230:270, 240:290].any())
    assert shot()[INNER.slices].any()
    window.commands.run("candidate_difference")
    desk.wait(lambda: np.array_equal(shot()[INNER.slices], inner(candidates, 0)))


def test_a_preview_is_shown_in_place_as_far_as_its_result_will_be(
    window: MainWindow, desk: CandidateDesk, engine: HeldFactory, shot: Shot
) -> None:
    window.theme.reduce_motion = True
    before = shot()
    engine.script.gate = gate = StepGate()
    desk.generate(1, steps=3)
    desk.wait(lambda: bool(desk.candidates.items) and desk.candidates.ground(*desk.context.edit_jobs._jobs) is not None)
    gate.allow(2)
    desk.wait(lambda: bool(desk.candidates.items[0].previews))
    seen = desk.candidates.items[0].previews[0].image.rgb.reshape(-1, 3)
    desk.wait(lambda: not np.array_equal(shot()[INNER.slices], before[INNER.slices]))
    middle = shot()[BOX.y + BOX.height // 2, BOX.x + BOX.width // 2].astype(int)
    assert (np.abs(middle - seen.astype(int)).max(axis=1) < 60).any()
    outside = np.ones(before.shape[:2], np.bool_)
    outside[BOX.grown(12).slices] = False
    assert np.array_equal(shot()[outside], desk.composite()[..., :3][outside])
    gate.open()
    desk.settle()


def test_pixels_outside_are_an_error_that_is_shown_and_asked_about(
    window: MainWindow, desk: CandidateDesk, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, shot: Shot
) -> None:
    honest = candidate_prepare._layer
    monkeypatch.setattr(candidate_prepare, "_layer", lambda ground, saved: replace(honest(ground, saved), y=BOX.y + 3))
    desk.made()
    strip = window.canvas.page.candidates
    assert strip.badge.failed and not strip.badge.words.startswith("0 of")
    assert strip.link.isVisible() and strip.link.text() == "Show them"
    plain = shot()
    strip.link.click()
    assert desk.candidates.stray
    desk.wait(lambda: not np.array_equal(shot(), plain))
    strip.accept.click()
    dialog = dialog_of(window, DoubtDialog, qtbot)
    dialog.reject()
    assert desk.candidates.open and not desk.accepted
    strip.accept.click()
    dialog = dialog_of(window, DoubtDialog, qtbot)
    dialog.accept()
    desk.wait(lambda: bool(desk.accepted))


def test_waiting_and_forming_ones_have_their_words(
    window: MainWindow, desk: CandidateDesk, engine: HeldFactory
) -> None:
    engine.script.gate = gate = StepGate()
    desk.generate(2)
    strip = window.canvas.page.candidates
    model = strip.list.model()
    desk.wait(lambda: model.rowCount() == 3)
    words = [model.data(model.index(row, 0), Qt.ItemDataRole.AccessibleTextRole) for row in range(3)]
    assert "as it was" in words[0] and words[2] == "Candidate 2, not begun"
    assert not strip.accept.isEnabled() and not strip.badge.isVisible()
    gate.open()
    desk.settle()
    assert "seed 8" in model.data(model.index(2, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert strip.accept.isEnabled()


def test_before_can_be_chosen_too(window: MainWindow, desk: CandidateDesk, qtbot: QtBot) -> None:
    desk.made()
    strip = window.canvas.page.candidates
    rect = strip.list.visualRect(strip.list.model().index(0, 0))
    qtbot.mouseClick(strip.list.viewport(), LEFT, pos=rect.center())
    assert desk.candidates.place == BEFORE and not strip.accept.isEnabled()


@pytest.mark.parametrize(
    ("seam", "words"),
    [
        (0.8, "Seam 0.8: not to be seen"),
        (1.5, "Seam 1.5: hardly to be seen"),
        (2.6, "Seam 2.6: stands out"),
    ],
)
def test_the_seam_in_words(seam: float, words: str) -> None:
    assert seam_words(seam) == words


def test_the_strip_needs_no_more_room_than_there_is(window: MainWindow, desk: CandidateDesk) -> None:
    window.resize(1024, 640)
    desk.made(4)
    QApplication.processEvents()
    strip = window.canvas.page.candidates
    assert window.width() == 1024
    assert strip.badge.width() >= strip.badge.sizeHint().width()
    assert strip.accept.geometry().right() < strip.width()
