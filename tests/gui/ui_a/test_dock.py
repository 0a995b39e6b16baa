"""The settings and the foot of the left dock, bound to the session."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import ModelInfo, ModelPresets
from sdstudio.domain.request import SEED_COUNT, ModelSpec
from sdstudio.domain.samplers import SAMPLERS
from sdstudio.ui.controls import FieldLabel
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.seed_row import digits_of
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.test_controls import wheel

OTHER = ModelInfo(
    spec=ModelSpec(name="Everyday 1.5", path="/models/everyday", hash="fedcba9876"),
    badge="SD 1.5",
    presets=ModelPresets(steps=25, guidance_scale=7.5, sampler="Euler a"),
)


def type_into(field: QLineEdit | QAbstractSpinBox, text: str) -> None:
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    QTest.keyClicks(field, text)


def test_fields_show_the_session(dock: LeftDock, context: AppContext) -> None:
    settings = dock.settings
    context.session.update(
        width=128,
        height=64,
        steps=33,
        guidance_scale=4.25,
        sampler="UniPC",
        count=3,
        seed=SEED_COUNT - 1,
        seed_locked=True,
    )
    assert (settings.size_fields.width_field.value(), settings.size_fields.height_field.value()) == (128, 64)
    assert settings.steps.value() == 33
    assert settings.guidance.value() == 4.25
    assert settings.sampler.currentText() == "UniPC"
    assert settings.count.field.value() == 3
    assert settings.seed.field.text() == "18,446,744,073,709,551,615"
    assert settings.seed.toggle.isChecked()
    assert [chip.text() for chip in settings.chips.chips if chip.isChecked()] == ["128 × 64"]


def test_showing_does_not_write_back(dock: LeftDock, context: AppContext) -> None:
    told: list[frozenset[str]] = []
    context.session.state_changed.connect(told.append)
    context.session.update(guidance_scale=4.23, steps=700, width=72)
    assert told == [frozenset({"guidance_scale", "steps", "width"})]
    state = context.session.state
    assert (state.guidance_scale, state.steps, state.width) == (4.23, 700, 72)


def test_hands_reach_the_session(dock: LeftDock, context: AppContext) -> None:
    settings = dock.settings
    type_into(settings.steps.number, "41")
    type_into(settings.guidance.number, "6")
    type_into(settings.size_fields.width_field, "701")
    type_into(settings.count.field, "5")
    QTest.mouseClick(settings.count.more, Qt.MouseButton.LeftButton)
    settings.sampler.setFocus()
    QTest.keyClicks(settings.sampler, "Heun")
    state = context.session.state
    assert (state.steps, state.guidance_scale, state.width, state.count) == (41, 6.0, 704, 6)
    assert settings.size_fields.width_field.text() == "704"
    assert state.sampler == "Heun"
    assert settings.sampler.toolTip() == next(info.hint for info in SAMPLERS if info.name == "Heun")


def test_chips_and_swap(dock: LeftDock, context: AppContext) -> None:
    settings = dock.settings
    assert [chip.text() for chip in settings.chips.chips] == ["64 × 64", "128 × 64", "64 × 128"]
    QTest.mouseClick(settings.chips.chips[1], Qt.MouseButton.LeftButton)
    assert (context.session.state.width, context.session.state.height) == (128, 64)
    QTest.mouseClick(settings.chips.chips[1], Qt.MouseButton.LeftButton)
    assert settings.chips.chips[1].isChecked(), "a second click leaves it chosen"
    QTest.mouseClick(settings.size_fields.swap, Qt.MouseButton.LeftButton)
    assert (context.session.state.width, context.session.state.height) == (64, 128)
    assert settings.chips.chips[2].isChecked()


def test_chips_are_one_stop_with_arrows_inside(dock: LeftDock, context: AppContext) -> None:
    chips = dock.settings.chips.chips
    chips[0].setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(chips[0], Qt.Key.Key_Right)
    assert chips[1].hasFocus()
    QTest.keyClick(chips[1], Qt.Key.Key_Tab)
    assert dock.settings.size_fields.width_field.hasFocus()
    QTest.keyClick(dock.settings.size_fields.width_field, Qt.Key.Key_Backtab)
    assert chips[1].hasFocus()
    QTest.keyClick(chips[1], Qt.Key.Key_Space)
    assert context.session.state.width == 128


def test_a_model_brings_its_sizes_and_settings(dock: LeftDock, context: AppContext) -> None:
    assert dock.settings.model.currentText() == "Starter"
    assert dock.settings.model.badge == "built in"
    context.session.choose_model(OTHER)
    assert [chip.text() for chip in dock.settings.chips.chips] == ["512 × 512", "512 × 768", "768 × 512"]
    assert dock.settings.chips.chips[0].isChecked()
    assert dock.settings.sampler.currentText() == "Euler a"
    assert dock.settings.steps.value() == 25


@pytest.mark.parametrize(
    ("pasted", "digits"),
    [
        ("2,871,440,913", "2871440913"),
        ("2 871 440 913", "2871440913"),
        ("2.871.440.913", "2871440913"),
        ("Seed: 42, Size: 512x512", "42"),
        ("12a34", "1234"),
        ("-7", "7"),
        ("", ""),
        ("٣", ""),
    ],
)
def test_digits_of_what_is_pasted(pasted: str, digits: str) -> None:
    assert digits_of(pasted) == digits


def test_the_largest_seed_and_not_one_more(dock: LeftDock, context: AppContext) -> None:
    field = dock.settings.seed.field
    type_into(field, str(SEED_COUNT - 1))
    assert context.session.state.seed == SEED_COUNT - 1
    assert context.session.state.seed_locked
    type_into(field, str(SEED_COUNT))
    assert field.text() == str(SEED_COUNT)[:-1], "the last digit did not get in"
    type_into(field, "12ab!3")
    assert field.text() == "123"
    dock.prompt.focus_prompt()
    field.setFocus()
    QApplication.clipboard().setText("Seed: 2,871,440,913 ")
    field.selectAll()
    field.paste()
    assert context.session.state.seed == 2871440913
    dock.prompt.focus_prompt()
    assert field.text() == "2,871,440,913"
    field.setFocus()
    field.selectAll()
    field.copy()
    assert QApplication.clipboard().text() == "2871440913"


def test_an_empty_seed_is_random(dock: LeftDock, context: AppContext) -> None:
    field = dock.settings.seed.field
    type_into(field, "7")
    assert context.session.state.seed_locked
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert not context.session.state.seed_locked
    assert field.text() == ""
    assert field.placeholderText() == "random"
    assert dock.settings.seed.toggle.icon_name == "dice"


def test_locking_keeps_the_last_seed(dock: LeftDock, context: AppContext) -> None:
    row = dock.settings.seed
    assert not row.use_last.isVisible()
    context.session.from_dict({"last_seed": "2871440913"})
    assert row.use_last.isVisible()
    QTest.mouseClick(row.toggle, Qt.MouseButton.LeftButton)
    assert (context.session.state.seed, context.session.state.seed_locked) == (2871440913, True)
    assert row.toggle.icon_name == "lock"
    QTest.mouseClick(row.toggle, Qt.MouseButton.LeftButton)
    assert not context.session.state.seed_locked
    assert row.field.text() == ""
    QTest.mouseClick(row.use_last, Qt.MouseButton.LeftButton)
    assert context.session.state.seed_locked


def test_the_wheel_over_the_dock_changes_nothing(dock: LeftDock, context: AppContext) -> None:
    dock.prompt.focus_prompt()
    before = context.session.state
    settings = dock.settings
    for target in (
        *(settings.model, settings.sampler, settings.steps.slider, settings.steps.number),
        *(settings.guidance.slider, settings.size_fields.width_field, settings.count.field),
    ):
        assert not wheel(target)
    assert context.session.state == before


def test_an_error_stands_beside_its_field_until_that_changes(dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    asked: list[bool] = []
    dock.generate_requested.connect(lambda: asked.append(True))
    assert dock.show_error(InvalidRequest("width", "Too large for this card.", hint="Choose a smaller size."))
    line = dock.settings.error_line("width")
    assert line.isVisible()
    assert dock.bar.blocked
    assert not dock.bar.button.isEnabled()
    assert dock.bar.cost.text() == "Change the size to go on"
    dock.prompt.focus_prompt()
    dock.generate()
    assert dock.settings.size_fields.width_field.hasFocus()
    assert asked == []
    QTest.mouseClick(dock.settings.chips.chips[2], Qt.MouseButton.LeftButton)
    assert not line.isVisible()
    assert not dock.bar.blocked
    assert dock.settings.size_fields.width_field.property("invalid") is False
    dock.generate()
    assert asked == [True]


@pytest.mark.parametrize("field", ["model", "size", "steps", "guidance_scale", "sampler", "seed", "count"])
def test_every_field_can_carry_an_error(dock: LeftDock, field: str) -> None:
    assert dock.show_error(InvalidRequest(field, "Not possible here."))
    assert dock.settings.error_line(field).isVisible()
    assert "go on" in dock.bar.cost.text()


def test_an_error_of_elsewhere_is_not_taken(dock: LeftDock) -> None:
    assert not dock.show_error(InvalidRequest("scale", "Not possible."))
    assert not dock.bar.blocked


def test_cost_and_reason(dock: LeftDock) -> None:
    dock.bar.set_cost("about 4 s", "0.6 GB")
    assert (dock.bar.cost.text(), dock.bar.aside.text()) == ("about 4 s", "0.6 GB")
    dock.bar.set_blocked("Change the size to go on")
    dock.bar.set_cost("about 5 s", "0.6 GB")
    assert dock.bar.cost.text() == "Change the size to go on"
    dock.bar.set_blocked("")
    assert dock.bar.cost.text() == "about 5 s"
    assert dock.bar.button.isEnabled()


def test_generate_by_button(dock: LeftDock, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dock.generate_requested):
        QTest.mouseClick(dock.bar.button, Qt.MouseButton.LeftButton)


def test_every_control_has_a_name_and_a_tooltip(dock: LeftDock, context: AppContext) -> None:
    context.session.remember_prompt("a pear")
    context.session.from_dict({"last_seed": "7"})
    dock.prompt.set_unfolded(True)
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QTextEdit, QLineEdit)
    seen = 0
    for kind in kinds:
        for widget in dock.findChildren(kind):
            inner = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox)
            scroll_bar = isinstance(widget, QAbstractSlider) and widget.metaObject().className() == "QScrollBar"
            if inner or scroll_bar or not widget.isVisible():
                continue
            seen += 1
            assert widget.accessibleName(), f"{widget} has no name"
            assert widget.toolTip(), f"{widget.accessibleName()} has no tooltip"
    assert seen >= 23


def test_labels_have_buddies(dock: LeftDock) -> None:
    labels = dock.findChildren(FieldLabel)
    settings = ["Model", "Size", "Steps", "Guidance", "Sampler", "Seed", "Pictures"]
    of_families = ["Image guidance", "Noise level", "VAE", "Refiner", "From"]
    names = {label.text() for label in labels}
    assert names == {"Strength", "Feather", "Grow", "Context", *settings, *of_families}
    assert all(label.buddy() is not None for label in labels)


def test_tab_order_is_reading_order(dock: LeftDock, context: AppContext) -> None:
    context.session.from_dict({"last_seed": "7"})
    dock.prompt.set_unfolded(True)
    dock.prompt.focus_prompt()
    seen: list[QWidget] = []
    for _ in range(40):
        widget = QApplication.focusWidget()
        if widget in seen:
            break
        seen.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    settings, prompt = dock.settings, dock.prompt
    chip = next(chip for chip in settings.chips.chips if chip.isChecked())
    wanted = [prompt.positive, prompt.fold, prompt.negative, dock.loras.fold, dock.loras.add, settings.model, chip]
    wanted += [settings.size_fields.width_field, settings.size_fields.swap, settings.size_fields.height_field]
    wanted += [settings.steps.slider, settings.steps.number, settings.guidance.slider, settings.guidance.number]
    wanted += [settings.sampler, settings.seed.toggle, settings.seed.field, settings.seed.use_last]
    wanted += [settings.count.fewer, settings.count.field, settings.count.more, dock.bar.button]
    assert [widget.accessibleName() for widget in seen] == [widget.accessibleName() for widget in wanted]
    places = [widget.mapTo(dock, QPoint(0, 0)) for widget in wanted]
    assert all(first.y() - 8 <= second.y() for first, second in pairwise(places))


@pytest.mark.parametrize("width", [288, 320, 400])
def test_fields_end_where_generate_ends(dock: LeftDock, qtbot: QtBot, width: int) -> None:
    dock.resize(width, 840)
    edge = dock.bar.button.mapTo(dock, QPoint(dock.bar.button.width(), 0)).x()
    assert edge == width - 16
    for part in (dock.prompt.positive, dock.settings.model, dock.settings.steps, dock.settings.seed):
        assert part.mapTo(dock, QPoint(part.width(), 0)).x() == edge
    dock.resize(width, 400)
    assert dock.prompt.positive.mapTo(dock, QPoint(dock.prompt.positive.width(), 0)).x() == edge


def test_chips_go_to_a_second_line_where_there_is_no_room(dock: LeftDock, context: AppContext) -> None:
    sizes = (Size(1024, 1024), Size(1152, 896), Size(896, 1152))
    dock.settings.chips.set_sizes(sizes)
    dock.resize(288, 840)
    chips = dock.settings.chips.chips
    assert chips[2].y() > chips[0].y()
    for chip in chips:
        assert chip.width() >= chip.sizeHint().width()


def test_a_theme_switch_keeps_everything(dock: LeftDock, theme: Theme, context: AppContext) -> None:
    context.session.update(positive="a pear", steps=33)
    before = dock.size()
    theme.set_mode("light")
    assert dock.grab().toImage().pixelColor(4, 4).name().upper() == theme.tokens.dock
    assert (dock.prompt.positive.text, dock.settings.steps.value(), dock.size()) == ("a pear", 33, before)
