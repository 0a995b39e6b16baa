"""The part of the left dock that the canvas brings: what it shows for each task, and what hands do there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.fold_box import FoldBox
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show
from tests.gui.ui_a.test_dock import type_into
from tests.helpers.edit_desk import EditDesk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(context: AppContext, dock: LeftDock, theme: Theme, qtbot: QtBot) -> EditDesk:
    theme.reduce_motion = True
    return EditDesk(context, qtbot)


@pytest.fixture(autouse=True)
def moving_again(theme: Theme) -> object:
    yield
    theme.reduce_motion = False


def settled(desk: EditDesk) -> None:
    """What the canvas says has been told."""
    desk.qtbot.waitUntil(lambda: bool(desk.plans) and desk.plans[-1] == desk.plan)


def masked(desk: EditDesk, *boxes: Rect) -> None:
    desk.open(Size(128, 96))
    desk.mask(*boxes or (Rect(40, 30, 20, 20),))
    settled(desk)


def shown(dock: LeftDock) -> set[str]:
    """Names of the panel's parts that can be seen."""
    panel = dock.edit
    parts: dict[str, QWidget] = {
        "modes": panel.modes,
        "strength": panel.strength,
        "feather": panel.feather,
        "grow": panel.grow,
        "context": panel.context,
        "match": panel.match_colours,
        "islands": panel.islands,
    }
    return {name for name, part in parts.items() if part.isVisible()}


def test_the_panel_comes_with_the_canvas_and_the_size_goes(dock: LeftDock, desk: EditDesk) -> None:
    assert not dock.edit_fold.open and not dock.edit.isVisible() and dock.edit_fold.height() == 0
    assert dock.settings.size_fields.isVisible() and dock.settings.chips.isVisible()
    desk.open(Size(128, 96))
    settled(desk)
    assert dock.edit.isVisible() and dock.edit.title.text() == "Redraw"
    assert shown(dock) == {"strength"}
    assert not dock.settings.size_fields.isVisible() and not dock.settings.chips.isVisible()
    desk.planner.set_canvas_active(False)
    settled(desk)
    assert not dock.edit.isVisible() and dock.edit_fold.height() == 0
    assert dock.settings.size_fields.isVisible()


def test_a_blank_canvas_asks_nothing_more(dock: LeftDock, desk: EditDesk) -> None:
    desk.blank(Size(64, 64), (255, 255, 255))
    settled(desk)
    assert not dock.edit.isVisible() and not dock.settings.size_fields.isVisible()


def test_a_mask_shows_modes_and_numbers(dock: LeftDock, desk: EditDesk) -> None:
    masked(desk)
    panel = dock.edit
    assert panel.title.text() == "Inpaint"
    desk.qtbot.waitUntil(lambda: panel.fact.text() == "mask covers 3 %")
    assert shown(dock) == {"modes", "strength", "feather", "grow", "context", "match"}
    assert [button.text() for button in panel.modes.buttons.values()] == ["Fill", "Keep shape", "Replace", "Remove"]
    assert panel.seen.text().startswith("Sees ")
    assert (panel.strength.value(), panel.feather.value(), panel.grow.value(), panel.context.value()) == (90, 4, 0, 64)
    desk.mask(Rect(0, 0, 128, 96))
    desk.qtbot.waitUntil(lambda: panel.fact.text() == "mask covers 100 %")


def test_each_mode_says_what_it_does_in_the_same_room(dock: LeftDock, desk: EditDesk) -> None:
    masked(desk)
    panel = dock.edit
    seen = []
    for value, button in panel.modes.buttons.items():
        QTest.mouseClick(button, LEFT)
        assert desk.settings.mode is FillMode(value)
        assert [other.isChecked() for other in panel.modes.buttons.values()].count(True) == 1
        seen.append((panel.says.text(), panel.says.height(), dock.edit_fold.height()))
    assert len({words for words, _, _ in seen}) == 4
    assert len({(height, fold) for _, height, fold in seen}) == 1, "nothing below moves"
    QTest.mouseClick(panel.modes.buttons["remove"], LEFT)
    assert panel.modes.buttons["remove"].isChecked(), "a second click leaves it chosen"


def test_replacing_has_no_strength_and_says_why(dock: LeftDock, desk: EditDesk) -> None:
    masked(desk)
    panel = dock.edit
    desk.settings.update(strength=0.7)
    desk.settings.mode = FillMode.REPLACE
    assert not panel.strength.isEnabled() and panel.strength.value() == 100
    assert panel.says.text() == "Something new. What was there is ignored."
    assert panel.strength.number.toolTip() == "Replacing leaves nothing of what was there."
    desk.settings.mode = FillMode.FILL
    assert panel.strength.isEnabled() and panel.strength.value() == 70


def test_numbers_typed_reach_the_mode_in_use(dock: LeftDock, desk: EditDesk) -> None:
    masked(desk)
    panel, settings = dock.edit, desk.settings
    for field, text in ((panel.strength, "45"), (panel.feather, "40"), (panel.grow, "7"), (panel.context, "300")):
        type_into(field.number, text)
    QTest.mouseClick(panel.match_colours, LEFT)
    values = settings.values
    assert (values.strength, values.feather, values.grow, values.context) == (0.45, 40, 7, 300)
    assert not values.match_colours
    settings.mode = FillMode.CHANGE
    assert (panel.strength.value(), panel.feather.value(), panel.match_colours.isChecked()) == (60, 4, True)
    settings.mode = FillMode.FILL
    assert (panel.strength.value(), panel.feather.value(), panel.match_colours.isChecked()) == (45, 40, False)


def test_redrawing_has_its_own_strength(dock: LeftDock, desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    settled(desk)
    assert dock.edit.strength.value() == 75 and dock.edit.strength.isEnabled()
    desk.settings.mode = FillMode.REPLACE
    assert dock.edit.strength.isEnabled(), "the mode is about masks"
    type_into(dock.edit.strength.number, "30")
    QTest.keyClick(dock.edit.strength.number, Qt.Key.Key_Return)
    assert desk.settings.image_strength == 0.3
    assert desk.settings.values.strength == 1.0
    desk.settings.frame = Rect(16, 16, 64, 64)
    settled(desk)
    assert shown(dock) == {"strength", "match"}


def test_extending_says_how_far(dock: LeftDock, desk: EditDesk) -> None:
    desk.open(Size(128, 96))
    desk.settings.extend_by = 320
    desk.settings.extend("right", Size(128, 96))
    settled(desk)
    panel = dock.edit
    assert (panel.title.text(), panel.fact.text()) == ("Extend", "320 px to the right")
    assert shown(dock) == {"match"}
    desk.settings.extend("top", Size(128, 96))
    settled(desk)
    assert panel.fact.text() == "top 320, right 320"
    QTest.mouseClick(panel.match_colours, LEFT)
    assert not desk.settings.values_of(FillMode.FILL).match_colours


def test_one_frame_each_is_offered_for_several_islands_only(dock: LeftDock, desk: EditDesk) -> None:
    desk.settings.update(context=8)
    desk.open(Size(400, 96))
    desk.mask(Rect(10, 30, 20, 20))
    desk.islands_counted()
    settled(desk)
    assert "islands" not in shown(dock)
    height = dock.edit_fold.height()
    desk.mask(Rect(370, 30, 20, 20))
    desk.qtbot.waitUntil(lambda: desk.plan.islands == 2)
    settled(desk)
    assert dock.edit.islands.isVisible() and dock.edit.islands.text() == "One frame each (2)"
    assert dock.edit_fold.height() == height, "beside what was there: nothing moves"
    QTest.mouseClick(dock.edit.islands, LEFT)
    assert desk.settings.islands
    settled(desk)
    assert dock.edit.seen.text() == "2 frames, made at up to 64 × 64"


def test_modes_are_one_stop_with_arrows_inside(dock: LeftDock, desk: EditDesk) -> None:
    masked(desk)
    buttons = dock.edit.modes.buttons
    dock.loras.add.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(dock.loras.add, Qt.Key.Key_Tab)
    assert buttons["fill"].hasFocus()
    QTest.keyClick(buttons["fill"], Qt.Key.Key_Right)
    assert buttons["change"].hasFocus() and desk.settings.mode is FillMode.CHANGE
    QTest.keyClick(buttons["change"], Qt.Key.Key_Left)
    QTest.keyClick(buttons["fill"], Qt.Key.Key_Left)
    assert buttons["remove"].hasFocus() and desk.settings.mode is FillMode.REMOVE
    QTest.keyClick(buttons["remove"], Qt.Key.Key_Tab)
    assert dock.edit.strength.slider.hasFocus()
    QTest.keyClick(dock.edit.strength.slider, Qt.Key.Key_Backtab)
    assert buttons["remove"].hasFocus()


@pytest.mark.parametrize("width", [288, 320, 400])
def test_nothing_is_cut_off(dock: LeftDock, desk: EditDesk, width: int) -> None:
    dock.resize(width, 840)
    desk.settings.islands = True
    masked(desk, Rect(2, 2, 20, 20), Rect(100, 70, 20, 20))
    for button in dock.edit.modes.buttons.values():
        words = button.fontMetrics().horizontalAdvance(button.text())
        assert button.width() >= words + 6
    panel = dock.edit
    assert panel.width() <= width
    for part in (panel.modes, panel.says, panel.strength, panel.context, panel.match_colours, panel.seen):
        right = part.mapTo(dock, part.rect().bottomRight()).x()
        assert right < width - 3
    assert panel.geometry().bottom() <= dock.edit_fold.height()


def test_it_unfolds_and_folds_again(theme: Theme, qtbot: QtBot) -> None:
    theme.reduce_motion = False
    content = QWidget()
    content.setFixedHeight(80)
    holder = QWidget()
    holder.resize(200, 200)
    fold = FoldBox(theme, content, holder)
    fold.resize(200, 0)
    show(holder, qtbot)
    heights: list[int] = []
    fold._moving.valueChanged.connect(lambda value: heights.append(int(value)))
    fold.set_open(True)
    assert fold.height() < 80, "it has only begun"
    qtbot.waitUntil(lambda: fold.height() == 80)
    assert heights == sorted(heights)
    assert content.isVisible() and content.height() == 80
    content.setFixedHeight(120)
    fold._go()
    qtbot.waitUntil(lambda: fold.height() == 120)
    fold.set_open(False)
    assert content.isVisible(), "until it is covered"
    qtbot.waitUntil(lambda: fold.height() == 0)
    qtbot.waitUntil(lambda: not content.isVisible())
    theme.reduce_motion = True
    fold.set_open(True)
    assert fold.height() == 120


def test_the_button_and_its_tooltip_say_what_comes(dock: LeftDock) -> None:
    dock.bar.set_words("Fill the mask", "sees 64 × 64, about 3 s")
    assert dock.bar.button.text() == dock.bar.button.accessibleName() == "Fill the mask"
    assert "Sees 64 × 64, about 3 s" in dock.bar.button.toolTip()
    dock.bar.set_problem("The frame shows nothing of what is masked.")
    assert dock.bar.blocked and not dock.bar.button.isEnabled()
    assert dock.bar.cost.text() == "The frame shows nothing of what is masked."
    dock.bar.set_blocked("Change the size to go on")
    assert dock.bar.cost.text() == "Change the size to go on"
    dock.bar.set_blocked("")
    assert dock.bar.blocked
    dock.bar.set_problem("")
    assert not dock.bar.blocked and dock.bar.button.isEnabled()
