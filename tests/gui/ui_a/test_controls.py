"""The controls by themselves."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import SIDE_MAX, SIDE_MIN, snap_side
from sdstudio.ui.controls import (
    Button,
    Chip,
    ComboField,
    DecimalField,
    ElidedLabel,
    ErrorLine,
    FlatButton,
    IconButton,
    LinkButton,
    NumberField,
    PrimaryButton,
    ToggleButton,
    ValueSlider,
)
from sdstudio.ui.focus_ring import FocusRing
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show


def wheel(widget: QWidget, notches: int = 1) -> bool:
    """Turns the wheel over a widget; True where it took the event."""
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre,
        QPointF(widget.mapToGlobal(centre.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def in_window(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    window = QWidget()
    column = QVBoxLayout(window)
    for widget in widgets:
        column.addWidget(widget)
    show(window, qtbot)
    return window


def test_heights(theme: Theme, qtbot: QtBot) -> None:
    controls = [
        Button(theme, "Discard"),
        FlatButton(theme, "Discard"),
        ToggleButton(theme, "Lock"),
        PrimaryButton(theme, "Accept"),
        NumberField(1, 10),
        DecimalField(0, 10),
        ComboField(theme),
        ValueSlider(theme, 1, 100),
        IconButton(theme, "dice", "Random seed"),
    ]
    chip, generate = Chip(theme, "512 × 512"), PrimaryButton(theme, "Generate", "Ctrl+Enter")
    _window = in_window(qtbot, *controls, chip, generate)
    assert {control.height() for control in controls} == {28}
    assert (chip.height(), generate.height()) == (24, 40)


def test_the_number_is_there_in_spite_of_the_border(theme: Theme, qtbot: QtBot) -> None:
    """A spin box with a styled border and no buttons has an edit 1 px wide; ours keeps its room, with focus too."""
    field, other = NumberField(1, 4096), NumberField(1, 4096)
    field.setFixedWidth(64)
    _window = in_window(qtbot, field, other)
    other.setFocus()
    resting = field.lineEdit().geometry()
    assert resting.width() > 40
    field.setFocus()
    assert field.lineEdit().geometry() == resting


def test_numbers_out_of_range_cannot_be_typed(theme: Theme, qtbot: QtBot) -> None:
    field = NumberField(1, 150)
    _window = in_window(qtbot, field)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "15x-2")
    assert field.text() == "15", "a third digit would be more than 150"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == 15


def test_a_size_snaps_when_the_field_is_left(theme: Theme, qtbot: QtBot) -> None:
    field, other = NumberField(SIDE_MIN, SIDE_MAX, step=8, snap=snap_side), QLineEdit()
    _window = in_window(qtbot, field, other)
    field.setValue(512)
    told: list[int] = []
    field.valueChanged.connect(told.append)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "701")
    assert told == []
    other.setFocus()
    assert told == [704]
    assert field.text() == "704"
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "3")
    other.setFocus()
    assert field.value() == SIDE_MIN


def test_ctrl_enter_takes_what_is_half_typed(theme: Theme, qtbot: QtBot) -> None:
    field = NumberField(1, 1000)
    _window = in_window(qtbot, field)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "37")
    assert field.value() == 1
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert field.value() == 37


@pytest.mark.parametrize(("value", "text"), [(7.5, "7.5"), (7.0, "7.0"), (7.25, "7.25"), (100.0, "100.0")])
def test_decimals_are_as_few_as_needed(theme: Theme, qtbot: QtBot, value: float, text: str) -> None:
    field = DecimalField(0, 100)
    qtbot.addWidget(field)
    field.setValue(value)
    assert field.text().replace(field.locale().decimalPoint(), ".") == text


def test_the_wheel_needs_focus(theme: Theme, qtbot: QtBot) -> None:
    slider = ValueSlider(theme, 0, 100)
    combo = ComboField(theme)
    combo.addItems(["one", "two", "three"])
    other = QLineEdit()
    _window = in_window(qtbot, slider, combo, other)
    slider.set_value(50)
    combo.setCurrentIndex(1)
    other.setFocus()
    for target in (slider.slider, slider.number, combo):
        assert not wheel(target)
    assert (slider.value(), combo.currentIndex()) == (50, 1)
    for target in (slider.slider, slider.number):
        before = slider.value()
        target.setFocus()
        assert wheel(target)
        assert slider.value() > before
    combo.setFocus()
    wheel(combo)
    assert combo.currentIndex() == 0


def test_slider_and_number_are_one_value(theme: Theme, qtbot: QtBot) -> None:
    slider = ValueSlider(theme, 0, 100, slider_high=15, step=0.5, decimals=True)
    window = in_window(qtbot, slider)
    window.resize(300, 60)
    told: list[float] = []
    slider.value_changed.connect(told.append)
    slider.set_value(7.5)
    assert told == []
    assert slider.slider.value() == 15
    middle = QPoint(round(slider.slider.width() * 0.999), 14)
    QTest.mouseClick(slider.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert told[-1] == slider.value() == 15
    slider.slider.setFocus()
    QTest.keyClick(slider.slider, Qt.Key.Key_Left)
    assert told[-1] == slider.value() == 14.5
    slider.number.setFocus()
    slider.number.selectAll()
    QTest.keyClicks(slider.number, "30")
    QTest.keyClick(slider.number, Qt.Key.Key_Return)
    assert told[-1] == 30
    assert slider.slider.value() == slider.slider.maximum()
    assert slider.value() == 30


def rings(window: QWidget) -> list[FocusRing]:
    return [ring for ring in window.findChildren(FocusRing) if ring.isVisible()]


def test_the_ring_is_for_the_keyboard_only(theme: Theme, qtbot: QtBot) -> None:
    first, second = Button(theme, "One"), Button(theme, "Two")
    window = in_window(qtbot, first, second)
    first.setFocus(Qt.FocusReason.MouseFocusReason)
    assert rings(window) == []
    second.setFocus(Qt.FocusReason.TabFocusReason)
    (ring,) = rings(window)
    assert ring.geometry() == second.geometry().adjusted(-4, -4, 4, 4)
    assert ring.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    second.move(second.pos() + QPoint(0, 10))
    assert ring.geometry() == second.geometry().adjusted(-4, -4, 4, 4)
    image = window.grab().toImage()
    outside = second.geometry().center().x(), second.geometry().top() - 2
    assert image.pixelColor(*outside).name().upper() == theme.tokens.focus
    first.setFocus(Qt.FocusReason.TabFocusReason)
    assert len(rings(window)) == 1
    first.clearFocus()
    assert rings(window) == []


def test_primary_button_shows_its_key(theme: Theme, qtbot: QtBot) -> None:
    with_key, without = PrimaryButton(theme, "Generate", "Ctrl+Enter"), PrimaryButton(theme, "Generate")
    window = in_window(qtbot, with_key, without)
    window.resize(320, 120)
    right = window.grab(with_key.geometry().adjusted(with_key.width() // 2 + 40, 0, 0, 0)).toImage()
    colours = {right.pixelColor(x, y).name().upper() for x in range(right.width()) for y in range(right.height())}
    assert theme.tokens.fill in colours
    assert len(colours) > 5, "only the fill: the hint is not painted"


def test_error_line_says_message_hint_and_remedy(theme: Theme, qtbot: QtBot) -> None:
    line = ErrorLine(theme)
    window = QWidget()
    QHBoxLayout(window).addWidget(line)
    show(window, qtbot)
    assert not line.isVisible()
    line.show_error(InvalidRequest("width", "Too large.", hint="Choose a smaller size."), "Use 512 × 512")
    assert line.isVisible()
    assert line.text == "Too large. Choose a smaller size."
    with qtbot.waitSignal(line.remedy.clicked):
        QTest.mouseClick(line.remedy, Qt.MouseButton.LeftButton)
    line.clear()
    assert not line.isVisible()


def test_elided_label_keeps_the_whole_text(theme: Theme, qtbot: QtBot) -> None:
    label = ElidedLabel(theme, "a very long description of a picture that does not fit")
    label.setFixedWidth(80)
    window = in_window(qtbot, label)
    window.grab()
    assert label.toolTip() == label.text()
    label.setText("short")
    window.grab()
    assert label.toolTip() == ""


def test_link_is_underlined_while_pointed_at(theme: Theme, qtbot: QtBot) -> None:
    link = LinkButton(theme, "Use last")
    window = in_window(qtbot, link)
    QTest.mouseMove(window, QPoint(1, 1))
    QTest.mouseMove(link, QPoint(5, 5))
    qtbot.waitUntil(lambda: link.font().underline())
    QTest.mouseMove(window, QPoint(1, 1))
    qtbot.waitUntil(lambda: not link.font().underline())
