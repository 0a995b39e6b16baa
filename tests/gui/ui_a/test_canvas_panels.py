"""The canvas's controls by themselves: tools, options, pressure curve, lists, thumbnails."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.canvas.tool_settings import TOOLS as SESSION_TOOLS
from sdstudio.canvas.tool_settings import BrushSettings, ToolSettings
from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas.option_bar import OptionBar
from sdstudio.ui.canvas.option_groups import NumberGroup
from sdstudio.ui.canvas.pressure_curve import POINTS_MOST, STRAIGHT, CurveEditor, moved, with_point, without_point
from sdstudio.ui.canvas.tool_strip import LEAVE_FIRST, TOOL_SIDE, TOOLS, ToolStrip
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def actions(qapp: QObject) -> Actions:
    return Actions(qapp)


@pytest.fixture
def strip(actions: Actions, theme: Theme, qtbot: QtBot) -> ToolStrip:
    strip = ToolStrip(theme, actions)
    strip.show_target("mask")
    strip.show_tool("brush")
    strip.resize(44, 760)
    show(strip, qtbot)
    return strip


@pytest.fixture
def bar(actions: Actions, theme: Theme, qtbot: QtBot) -> OptionBar:
    bar = OptionBar(theme, actions)
    bar.resize(960, 40)
    bar.show_settings(ToolSettings(), "brush")
    show(bar, qtbot)
    return bar


# Tools


def test_every_tool_of_the_canvas_has_a_button_and_its_key(strip: ToolStrip) -> None:
    assert [name for name, _, _ in TOOLS] == [*SESSION_TOOLS, "frame", "hand", "zoom"]
    assert strip.buttons["brush"].toolTip() == "Brush  B"
    assert strip.buttons["zoom"].toolTip() == "Zoom  Z"


def test_a_click_asks_for_a_tool_and_what_is_chosen_is_marked(strip: ToolStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.tool_chosen) as asked:
        qtbot.mouseClick(strip.buttons["lasso"], LEFT)
    assert asked.args == ["lasso"]
    assert strip.buttons["brush"].isChecked(), "the session decides"
    strip.show_tool("lasso")
    assert [name for name, button in strip.buttons.items() if button.isChecked()] == ["lasso"]


def test_a_click_on_a_tool_leaves_the_focus_where_it_is(strip: ToolStrip, qtbot: QtBot) -> None:
    qtbot.mouseClick(strip.buttons["lasso"], LEFT)
    assert QApplication.focusWidget() is not strip.buttons["lasso"]


def test_the_arrow_keys_go_through_the_strip(strip: ToolStrip, qtbot: QtBot) -> None:
    strip.buttons["brush"].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(strip.buttons["brush"], Qt.Key.Key_Down)
    assert QApplication.focusWidget() is strip.buttons["eraser"]
    with qtbot.waitSignal(strip.tool_chosen) as asked:
        qtbot.keyClick(strip.buttons["eraser"], Qt.Key.Key_Space)
    assert asked.args == ["eraser"]
    stops = [stop for stop in strip.tab_stops() if stop.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert stops == [strip.buttons["eraser"]] or stops == [strip.buttons["brush"]]


@pytest.mark.parametrize("height", [760, 600, 560, 480, 400])
def test_nothing_of_the_strip_is_clipped(strip: ToolStrip, height: int, qtbot: QtBot) -> None:
    strip.show_target("paint")
    strip.show_tool("ellipse")
    strip.resize(44, height)
    qtbot.waitUntil(lambda: strip.height() == height)
    shown = [stop for stop in strip.tab_stops() if stop.isVisible()]
    edges = sorted((stop.y(), stop.y() + stop.height()) for stop in shown)
    assert edges[0][0] >= 0 and edges[-1][1] <= height
    assert all(upper[1] <= lower[0] for upper, lower in pairwise(edges)), edges
    assert all(stop.height() == TOOL_SIDE for stop in shown)
    assert strip.buttons["ellipse"].isVisible(), "the tool in the hand is never in the menu"
    there = {name for name, button in strip.buttons.items() if button.isVisible()}
    assert there | set(strip.folded) == {name for name, _, _ in TOOLS}
    assert strip.more.isVisible() is bool(strip.folded)


def test_folded_tools_are_in_the_menu(strip: ToolStrip, qtbot: QtBot) -> None:
    strip.resize(44, 480)
    qtbot.waitUntil(lambda: bool(strip.folded))
    assert set(strip.folded) <= set(LEAVE_FIRST)
    menu = strip.more_menu()
    assert len(menu.actions()) == len(strip.folded)
    with qtbot.waitSignal(strip.tool_chosen) as asked:
        menu.actions()[0].trigger()
    assert asked.args[0] in strip.folded
    menu.deleteLater()


def test_the_colour_is_there_for_paint_only(strip: ToolStrip) -> None:
    assert not strip.colour.isVisible()
    strip.show_target("paint")
    assert strip.colour.isVisible() and strip.targets["paint"].isChecked()


# Options


def values(bar: OptionBar) -> dict[str, float]:
    groups = {name: group for name, group in bar.groups.items() if isinstance(group, NumberGroup)}
    return {name: group.field.value() for name, group in groups.items()}


def test_the_bar_shows_the_brush_in_hand(bar: OptionBar) -> None:
    brush = BrushSettings(size=96, hardness=0.5, opacity=0.25)
    bar.show_settings(ToolSettings(paint_brush=brush, target="paint"), "brush")
    assert values(bar) == {"size": 96, "hardness": 50, "strength": 25, "tolerance": 32}


@pytest.mark.parametrize(
    ("tool", "target", "parts"),
    [
        ("brush", "mask", ["size", "hardness", "strength", "pressure", "invert"]),
        ("eraser", "paint", ["size", "hardness", "strength", "pressure"]),
        ("lasso", "mask", ["combine", "antialias", "invert"]),
        ("ellipse", "paint", ["antialias"]),
        ("wand", "mask", ["tolerance", "contiguous", "combine", "invert"]),
        ("fill", "paint", ["tolerance", "contiguous"]),
        ("picker", "paint", ["hint"]),
        ("hand", "mask", ["hint"]),
    ],
)
def test_each_tool_has_its_own_options(bar: OptionBar, tool: str, target: str, parts: list[str]) -> None:
    settings = ToolSettings(target=target)
    bar.show_settings(settings, tool)
    assert [name for name, group in bar.groups.items() if group.isVisible()] == sorted(
        parts, key=list(bar.groups).index
    )
    assert bar.away == ()


def test_what_a_hand_changes_is_told_by_name(bar: OptionBar, qtbot: QtBot) -> None:
    told: list[tuple[str, Any]] = []
    bar.brush_changed.connect(lambda name, value: told.append((name, value)))
    bar.setting_changed.connect(lambda name, value: told.append((name, value)))
    size, strength = bar.groups["size"], bar.groups["strength"]
    assert isinstance(size, NumberGroup) and isinstance(strength, NumberGroup)
    size.field.number.setValue(200)  # type: ignore[arg-type]
    strength.field.number.setValue(40)  # type: ignore[arg-type]
    qtbot.mouseClick(bar.groups["pressure"].stops()[1], LEFT)
    bar.show_settings(ToolSettings(), "wand")
    qtbot.mouseClick(bar.groups["combine"].stops()[2], LEFT)
    bar.groups["contiguous"].stops()[0].click()  # type: ignore[attr-defined]
    assert told == [
        ("size", 200), ("opacity", pytest.approx(0.4)), ("opacity_by_pressure", True), ("combine", "subtract"),
        ("contiguous", False),
    ]  # fmt: skip


def test_showing_settings_tells_nothing(bar: OptionBar, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(bar.brush_changed), qtbot.assertNotEmitted(bar.setting_changed):
        bar.show_settings(ToolSettings(tolerance=77, combine="replace").with_brush(size=7), "wand")


@pytest.mark.parametrize("width", [960, 766, 640, 488, 400, 360])
@pytest.mark.parametrize("tool", ["brush", "wand", "lasso"])
def test_nothing_of_the_bar_is_clipped(bar: OptionBar, tool: str, width: int, qtbot: QtBot) -> None:
    bar.resize(width, 40)
    qtbot.waitUntil(lambda: bar.width() == width)
    bar.show_settings(ToolSettings(), tool)
    QApplication.processEvents()
    shown = [bar.groups[name] for name in bar.groups if bar.groups[name].isVisible() and name not in bar.away]
    shown = [group for group in shown if group.parentWidget() is bar]
    for group in shown:
        assert group.width() >= group.sizeHint().width()
        assert group.geometry().right() < width
    right = max(group.geometry().right() for group in shown) if shown else 0
    assert not bar.more.isVisible() or bar.more.x() > right
    assert all(bar.groups[name].parentWidget() is bar.popover for name in bar.away)
    assert bar.more.isVisible() or not bar.away


def test_what_was_away_comes_back_when_there_is_room(bar: OptionBar, qtbot: QtBot) -> None:
    bar.resize(400, 40)
    qtbot.waitUntil(lambda: bool(bar.away))
    bar.resize(960, 40)
    qtbot.waitUntil(lambda: bar.away == ())
    assert all(bar.groups[name].isVisible() for name in ("size", "hardness", "strength", "pressure"))


def test_enter_in_a_number_gives_the_canvas_back(bar: OptionBar, qtbot: QtBot) -> None:
    size = bar.groups["size"]
    assert isinstance(size, NumberGroup)
    size.field.number.setFocus()
    with qtbot.waitSignal(bar.left):
        qtbot.keyClick(size.field.number, Qt.Key.Key_Return)


# The pressure curve


def test_points_of_the_curve_never_cross() -> None:
    curve = ((0.0, 0.0), (0.5, 0.4), (1.0, 1.0))
    assert moved(curve, 1, 5.0, 9.0) == ((0.0, 0.0), (0.98, 1.0), (1.0, 1.0))
    assert moved(curve, 1, -1.0, -1.0) == ((0.0, 0.0), (0.02, 0.0), (1.0, 1.0))
    assert moved(curve, 0, 0.4, 0.9) == ((0.0, 0.4), (0.5, 0.4), (1.0, 1.0))
    assert without_point(curve, 0) == curve and without_point(curve, 1) == STRAIGHT
    grown, place = with_point(STRAIGHT, 0.25)
    assert (grown[place], place) == ((0.25, 0.25), 1)
    for part in range(1, 30):
        grown, _ = with_point(grown, part / 30)
    assert len(grown) == POINTS_MOST


def test_the_curve_is_drawn_by_hand(theme: Theme, qtbot: QtBot) -> None:
    editor = CurveEditor(theme)
    show(editor, qtbot)
    field = editor.field
    with qtbot.waitSignal(editor.changed) as told:
        qtbot.mouseClick(field, LEFT, pos=field.place_of((0.5, 0.8)).toPoint())
    (curve,) = told.args
    assert len(curve) == 3 and curve[1] == (pytest.approx(0.5, abs=0.01), pytest.approx(0.8, abs=0.01))
    with qtbot.waitSignal(editor.changed):
        qtbot.mouseDClick(field, LEFT, pos=field.place_of(curve[1]).toPoint())
    assert field.curve == STRAIGHT
    with qtbot.waitSignal(editor.changed):
        qtbot.mouseClick(next(iter(editor.chips.values())), LEFT)
    assert [chip.isChecked() for chip in editor.chips.values()] == [True, False, False]
