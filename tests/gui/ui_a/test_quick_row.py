"""The switch for a model's own form for few steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sdstudio.app.context import AppContext
from sdstudio.ui.left_dock import LeftDock
from tests.gui.ui_a.test_dock import OTHER


@pytest.fixture
def built_in(built_in: Path) -> Path:
    """The model in the box, with a form for few steps."""
    (built_in / "few.safetensors").write_bytes(b"few")
    card = built_in / "README.md"
    quick = "quick: {steps: 2, guidance_scale: 1, sampler: UniPC, lora: few.safetensors}"
    card.write_text(re.sub(r"(?m)^  steps:", f"  {quick}\n  steps:", card.read_text("utf-8")), "utf-8")
    return built_in


def test_a_click_and_a_key_turn_it_on_and_off(dock: LeftDock, context: AppContext) -> None:
    switch, settings = dock.settings.quick.switch, dock.settings
    assert switch.isVisible() and switch.text() == "Quick: 2 steps" and not switch.isChecked()
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert context.session.state.quick and switch.isChecked()
    assert settings.steps.value() == 2 and settings.guidance.value() == 1
    assert settings.sampler.currentText() == "UniPC"
    assert [lora.name for lora in context.session.draft_request().loras] == ["few"]
    switch.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(switch, Qt.Key.Key_Space)
    assert not context.session.state.quick and settings.steps.value() == 4


def test_it_follows_the_session(dock: LeftDock, context: AppContext) -> None:
    context.session.choose_quick(True)
    assert dock.settings.quick.switch.isChecked()
    starter = context.session.model
    context.session.choose_model(OTHER)
    assert not dock.settings.quick.isVisible()
    context.session.choose_model(starter)
    assert dock.settings.quick.isVisible() and not dock.settings.quick.switch.isChecked()


def test_other_steps_than_its_own_are_told_of_calmly(dock: LeftDock, context: AppContext) -> None:
    quick, settings = dock.settings.quick, dock.settings
    settings.steps.number.setFocus(Qt.FocusReason.TabFocusReason)
    context.session.update(steps=9)
    assert not quick.says.isVisible()
    QTest.mouseClick(quick.switch, Qt.MouseButton.LeftButton)
    assert settings.steps.value() == 2 and not quick.says.isVisible()
    field = settings.steps.number
    field.selectAll()
    QTest.keyClicks(field, "9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert context.session.state.steps == 9 and quick.switch.isChecked()
    assert quick.says.isVisible()
    assert quick.says.text() == "The quick form was trained for 2 steps: with 9, pictures are seldom better."
    context.session.update(steps=2)
    assert not quick.says.isVisible()
    context.session.update(steps=3)
    assert quick.says.isVisible()
    QTest.mouseClick(quick.switch, Qt.MouseButton.LeftButton)
    assert not quick.says.isVisible() and not quick.says.text()


def test_the_tab_key_meets_it_behind_the_steps(dock: LeftDock) -> None:
    stops = dock.settings.tab_stops()
    assert stops[stops.index(dock.settings.steps.number) + 1] is dock.settings.quick.switch
