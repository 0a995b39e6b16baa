"""LoRAs that a prompt names and that are not here: out of the prompt with one click, and back with undo."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.errors import InvalidRequest
from sdstudio.ui.left_dock import LeftDock
from tests.helpers import model_families as families
from tests.helpers.added_models import write_added
from tests.helpers.model_files import write_safetensors


@pytest.fixture
def stocked(dock: LeftDock, context: AppContext, qtbot: QtBot) -> LeftDock:
    write_added(context.paths.models)
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return dock


def test_one_is_taken_out_with_one_click_and_comes_back_with_undo(stocked: LeftDock, context: AppContext) -> None:
    prompt, error = stocked.prompt.positive, stocked.loras.error
    prompt.set_text("a cat, <lora:ghost:1>, night")
    with pytest.raises(InvalidRequest) as refused:
        context.session.build_request()
    assert stocked.show_error(refused.value) and stocked.bar.blocked
    assert error.other.isVisible() and error.other.text() == "Take it out of the prompt"
    QTest.mouseClick(error.other, Qt.MouseButton.LeftButton)
    assert context.session.state.positive == prompt.text == "a cat, night"
    assert error.isHidden() and not stocked.bar.blocked and prompt.hasFocus()
    assert context.session.build_request().loras == ()
    prompt.undo()
    assert context.session.state.positive == "a cat, <lora:ghost:1>, night"


def test_all_that_cannot_be_used_go_together(stocked: LeftDock, context: AppContext) -> None:
    stocked.prompt.positive.set_text("<lora:ghost:1><lora:Ghost:0.5> a cat <lora:wraith>, <lora:shade:loud>")
    error = stocked.loras.error
    assert error.other.text() == "Take all 3 out of the prompt"
    error.other.click()
    assert context.session.state.positive == "a cat" and error.isHidden()


def test_a_prompt_of_nothing_else_becomes_empty(stocked: LeftDock, context: AppContext) -> None:
    stocked.prompt.positive.set_text("<lora:ghost:1>")
    stocked.loras.error.other.click()
    assert context.session.state.positive == ""


def test_a_long_name_does_not_widen_the_dock(stocked: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    name = "a_style_that_was_merged_from_many_others_v12"
    write_safetensors(context.paths.models / "loras" / f"{name}.safetensors", families.lora(768))
    write_safetensors(context.paths.models / "portraits.safetensors", families.small_sd(1))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == "portraits"))
    stocked.prompt.positive.set_text(f"<lora:{name[:-1]}>")
    remedy = stocked.loras.error.remedy
    qtbot.waitUntil(remedy.isVisible)
    assert remedy.text() == f"Use “{name}”" and remedy.sizeHint().width() > remedy.width()
    assert stocked.loras.minimumSizeHint().width() < stocked.width()
    remedy.grab()
    assert remedy.toolTip() == remedy.text()
