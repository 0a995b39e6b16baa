"""The model menu: single files beside folders, kinds together, and what choosing one brings along."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.geometry import Size
from sdstudio.ui.controls_fields import ComboRows
from sdstudio.ui.left_dock import LeftDock
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors


@pytest.fixture
def listed(dock: LeftDock, context: AppContext, qtbot: QtBot) -> LeftDock:
    """The dock, with five files in the folder of models, of which one cannot be used."""
    models = context.paths.models
    v = {"modelspec.prediction_type": "v"}
    write_safetensors(models / "landscapes-768.safetensors", families.sd2(), metadata=v)
    write_safetensors(models / "watercolour.safetensors", families.sd1())
    write_safetensors(models / "portraits.safetensors", families.sd1())
    write_safetensors(models / "fill-in.safetensors", families.sd1(9))
    write_safetensors(models / "giant.safetensors", families.sdxl())
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return dock


def test_kinds_stand_together_with_a_line_between(listed: LeftDock) -> None:
    menu = listed.settings.model
    names = ["Starter", "portraits", "watercolour", "fill-in", "landscapes-768"]
    assert [menu.itemText(row) for row in range(menu.count())] == names
    delegate = menu.itemDelegate()
    assert isinstance(delegate, ComboRows)
    lines = [delegate.begins_group(menu.model().index(row, 0)) for row in range(menu.count())]
    assert lines == [False, True, False, True, True]


def test_a_chosen_file_brings_its_sizes_and_badge(listed: LeftDock, context: AppContext) -> None:
    menu = listed.settings.model
    row = menu.findText("landscapes-768")
    menu.setCurrentIndex(row)
    menu.activated.emit(row)
    state = context.session.state
    assert menu.badge == "SD 2 v"
    assert (state.width, state.height, state.steps) == (768, 768, 25)
    assert context.session.model.presets.sizes == (Size(768, 768), Size(768, 1152), Size(1152, 768))
    assert [chip.isVisible() for chip in listed.settings.chips.chips].count(True) >= 3


def test_the_line_is_drawn(listed: LeftDock, qtbot: QtBot) -> None:
    menu = listed.settings.model
    menu.showPopup()
    view = menu.view()
    qtbot.waitUntil(view.isVisible)
    QTest.qWait(0)
    shot = view.viewport().grab().toImage()
    colour = menu.theme.color("line")
    scale = shot.devicePixelRatio()
    tops = [view.visualRect(menu.model().index(row, 0)).top() for row in range(menu.count())]
    drawn = [shot.pixelColor(round(40 * scale), round(top * scale)) == colour for top in tops]
    assert drawn == [False, True, False, True, True]
    menu.hidePopup()
