"""The model menu: single files beside folders, kinds together, and what choosing one brings along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from sdstudio.app.catalog_model import CatalogRole
from sdstudio.app.context import AppContext
from sdstudio.domain.geometry import Size
from sdstudio.ui.controls_fields import ComboRows
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.models_menu import ROWS_SHOWN
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show
from tests.helpers import model_families as families
from tests.helpers.model_files import write_checkpoint, write_safetensors
from tests.helpers.model_shapes import vae

SD1 = ["Stable Diffusion 1", "portraits", "watercolour", "fill-in"]
SD2 = ["Stable Diffusion 2", "landscapes-768"]
XL = ["Stable Diffusion XL", "giant"]


@pytest.fixture
def listed(dock: LeftDock, context: AppContext, qtbot: QtBot) -> LeftDock:
    """The dock, with five files in the folder of models."""
    models = context.paths.models
    v = {"modelspec.prediction_type": "v"}
    write_safetensors(models / "landscapes-768.safetensors", families.sd2(), metadata=v)
    write_safetensors(models / "watercolour.safetensors", families.sd1())
    write_safetensors(models / "portraits.safetensors", families.small_sd(1))
    write_safetensors(models / "fill-in.safetensors", families.sd1(9))
    write_safetensors(models / "giant.safetensors", families.sdxl())
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return dock


def test_kinds_stand_together_with_a_line_between(listed: LeftDock) -> None:
    menu = listed.settings.model
    names = [menu.itemText(row) for row in range(menu.count())]
    assert names == ["Starter", *SD1, *SD2, *XL, "Models…"]
    delegate = menu.itemDelegate()
    assert isinstance(delegate, ComboRows)
    lines = [delegate.begins_group(menu.model().index(row, 0)) for row in range(menu.count())]
    assert [name for name, line in zip(names, lines, strict=True) if line] == [SD1[0], SD2[0], XL[0], "Models…"]


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
    assert [menu.itemText(row) for row, line in enumerate(drawn) if line] == [SD1[0], SD2[0], XL[0], "Models…"]
    menu.hidePopup()


def test_headings_are_not_chosen_and_keys_stay_among_the_models(listed: LeftDock, context: AppContext) -> None:
    menu = listed.settings.model
    asked: list[bool] = []
    listed.settings.models_asked.connect(lambda: asked.append(True))
    menu.setFocus()
    for _ in range(10):
        QTest.keyClick(menu, Qt.Key.Key_Down)
    assert menu.currentText() == context.session.model.name == "giant"
    assert asked == []
    for _ in range(10):
        QTest.keyClick(menu, Qt.Key.Key_Up)
    assert context.session.model.name == "Starter"


def test_the_last_row_asks_for_all_models_and_changes_nothing(
    listed: LeftDock, context: AppContext, qtbot: QtBot
) -> None:
    menu = listed.settings.model
    menu.showPopup()
    view = menu.view()
    qtbot.waitUntil(view.isVisible)
    last = menu.model().index(menu.count() - 1, 0)
    with qtbot.waitSignal(listed.settings.models_asked):
        view.setCurrentIndex(last)
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert menu.currentText() == context.session.model.name == "Starter"


def test_a_model_whose_folder_is_gone_is_still_named(listed: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    menu = listed.settings.model
    portraits = next(info for info in context.catalog.infos if info.name == "portraits")
    context.session.choose_model(portraits)
    assert (menu.currentText(), menu.badge) == ("portraits", "SD 1.5")
    (context.paths.models / "portraits.safetensors").unlink()
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    assert (menu.currentIndex(), menu.badge) == (-1, "not here")
    option = QStyleOptionComboBox()
    menu.initStyleOption(option)
    assert option.currentText == "portraits"


def test_a_large_model_brings_large_sizes_and_less_guidance(listed: LeftDock, context: AppContext) -> None:
    giant = next(info for info in context.catalog.infos if info.name == "giant")
    context.session.choose_model(giant)
    state = context.session.state
    assert (state.width, state.height, state.guidance_scale) == (1024, 1024, 6.0)
    assert [chip.text() for chip in listed.settings.chips.chips][:3] == ["1024 × 1024", "832 × 1216", "1216 × 832"]


def test_the_negative_prompt_goes_where_it_has_no_effect(listed: LeftDock, context: AppContext) -> None:
    prompt, session = listed.prompt, context.session
    session.update(negative="blurry")
    prompt.set_unfolded(True)
    session.update(guidance_scale=1.0)
    assert prompt.fold.isVisible() and prompt.negative.isVisible(), "nothing moves under the hand at the slider"
    assert prompt.fold.summary == "has no effect at this guidance"
    fast = replace(session.model, presets=replace(session.model.presets, guidance_scale=1.0))
    session.choose_model(fast)
    assert not prompt.fold.isVisible() and not prompt.negative.isVisible()
    session.update(guidance_scale=4.0)
    assert prompt.fold.isVisible() and prompt.negative.isVisible() and prompt.fold.summary == "blurry"


def test_a_list_that_does_not_fit_shows_that_it_goes_on(context: AppContext, theme: Theme, qtbot: QtBot) -> None:
    with theme.undressed():  # as the window is built
        dock = LeftDock(context, theme)
    dock.complete(context)
    show(dock, qtbot)
    for number in range(ROWS_SHOWN + 4):
        write_safetensors(context.paths.models / f"model {number}.safetensors", families.small_sd(1))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    for field in (dock.settings.model, dock.settings.sampler):
        field.showPopup()
        qtbot.waitUntil(field.view().verticalScrollBar().isVisible)
        field.hidePopup()


def test_models_of_one_name_are_told_apart(dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    models = context.paths.models
    write_safetensors(models / "ink.safetensors", families.small_sd(1))
    write_checkpoint(models / "ink.ckpt", families.small_sd(1))
    write_safetensors(models / "old" / "wash.safetensors", families.small_sd(1))
    write_safetensors(models / "new" / "wash.safetensors", families.small_sd(2))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    menu = dock.settings.model
    names = {menu.itemText(row) for row in range(menu.count())}
    assert names >= {"ink.safetensors", "ink.ckpt", "old/wash.safetensors", "new/wash.safetensors"}
    context.session.choose_model(menu.itemData(menu.findText("ink.ckpt"), int(CatalogRole.INFO)))
    assert (menu.currentText(), context.session.state.model.name) == ("ink.ckpt", "ink")


def test_vaes_of_one_name_are_told_apart_alike(dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    models = context.paths.models
    write_safetensors(models / "ink.safetensors", families.small_sd(1))
    for place in ("VAE", "old"):
        write_safetensors(models / place / "clear.safetensors", vae(width=8))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    menu, field = dock.settings.model, dock.settings.family.vae
    context.session.choose_model(menu.itemData(menu.findText("ink"), int(CatalogRole.INFO)))
    names = [field.itemText(row) for row in range(field.count())]
    assert sorted(names) == ["The model's own", "VAE/clear.safetensors", "old/clear.safetensors"]
