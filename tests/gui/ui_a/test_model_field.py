"""The field that chooses a model: room for long names, and a list that is read anew while it is open."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.catalog_model import CatalogRole
from sdstudio.app.context import AppContext
from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.controls import FieldLabel
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.models_menu import ModelField
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors


@pytest.fixture
def field(dock: LeftDock, context: AppContext, qtbot: QtBot) -> ModelField:
    models = context.paths.models
    write_safetensors(models / "ink.safetensors", families.small_sd(1))
    write_safetensors(models / "everyday-1.5-inpainting.safetensors", families.sd1(9))
    write_safetensors(models / "sd_xl_refiner_1.0.safetensors", families.refiner())
    write_safetensors(models / "x4-upscaler-ema.safetensors", families.x4())
    refresh(context, qtbot)
    return dock.settings.model


def refresh(context: AppContext, qtbot: QtBot) -> None:
    """Also where a look goes on already: then another one follows."""
    context.catalog.refresh()
    qtbot.waitUntil(lambda: not context.catalog.looking)


def choose(field: ModelField, name: str) -> None:
    row = field.findText(name)
    field.setCurrentIndex(row)
    field.activated.emit(row)


def open_at(field: ModelField, name: str, qtbot: QtBot) -> None:
    field.showPopup()
    qtbot.waitUntil(field.view().isVisible)
    QTest.keyClicks(field.view(), name)
    assert field.view().currentIndex().data() == name


def test_the_badge_makes_room_for_the_name(field: ModelField) -> None:
    badges = {}
    for name in ("ink", "sd_xl_refiner_1.0", "x4-upscaler-ema"):
        choose(field, name)
        badges[name] = field.badge_for(name, 150), field.badge_for(name, 400)
    assert badges == {
        "ink": ("SD 1.5", "SD 1.5"),
        "sd_xl_refiner_1.0": ("SDXL", "SDXL refiner"),
        "x4-upscaler-ema": ("×4", "SD ×4 upscaler"),
    }


def test_a_name_that_just_fits_stands_alone(field: ModelField) -> None:
    name = "everyday-1.5-inpainting"
    choose(field, name)
    whole = field.fontMetrics().horizontalAdvance(name) + 6
    assert [field.badge_for(name, width) for width in (whole, whole - 12, whole + 200)] == ["", "1.5", "SD 1.5 inpaint"]
    choose(field, "Starter")
    assert field.badge_for("Starter", 30) == field.badge, "it has no shorter one"


def test_a_short_badge_of_every_family_is_shorter() -> None:
    for presets in FAMILY_PRESETS.values():
        assert all(presets.short_badges) and len(presets.short_badges[-1]) < len(presets.badge)


def test_what_is_cut_is_cut_in_the_middle_and_told_in_the_tooltip(field: ModelField) -> None:
    choose(field, "everyday-1.5-inpainting")
    assert field.elide_mode is Qt.TextElideMode.ElideMiddle
    first, path, *_ = field.full_words().splitlines()
    assert first == "everyday-1.5-inpainting (SD 1.5 inpaint)" and path.endswith("everyday-1.5-inpainting.safetensors")


def test_an_open_list_that_is_read_anew_keeps_its_row(field: ModelField, context: AppContext, qtbot: QtBot) -> None:
    open_at(field, "sd_xl_refiner_1.0", qtbot)
    write_safetensors(context.paths.models / "a new one.safetensors", families.small_sd(1))
    refresh(context, qtbot)
    assert field.findText("a new one") > 0
    assert field.view().currentIndex().data() == "sd_xl_refiner_1.0"
    QTest.keyClick(field.view(), Qt.Key.Key_Return)
    assert context.session.model.name == field.currentText() == "sd_xl_refiner_1.0"


def test_news_of_the_chosen_model_leave_the_open_list_alone(
    field: ModelField, context: AppContext, qtbot: QtBot
) -> None:
    choose(field, "ink")
    open_at(field, "x4-upscaler-ema", qtbot)
    write_safetensors(context.paths.models / "ink.safetensors", families.sdxl())
    refresh(context, qtbot)
    assert context.session.model.badge == "SDXL"
    assert field.view().currentIndex().data() == "x4-upscaler-ema"
    field.hidePopup()


def test_a_closed_list_shows_what_is_chosen(field: ModelField, context: AppContext, qtbot: QtBot) -> None:
    open_at(field, "x4-upscaler-ema", qtbot)
    QTest.keyClick(field.view(), Qt.Key.Key_Escape)
    choose(field, "ink")
    refresh(context, qtbot)
    open_at(field, "ink", qtbot)
    field.hidePopup()
    assert field.currentText() == context.session.model.name == "ink"


def test_the_model_that_is_chosen_already_resets_nothing(field: ModelField, context: AppContext) -> None:
    choose(field, "ink")
    context.session.update(steps=2, width=64)
    choose(field, "ink")
    assert (context.session.state.steps, context.session.state.width) == (2, 64)
    info = field.currentData(int(CatalogRole.INFO))
    assert isinstance(info, ModelInfo)
    context.models.use(info)
    assert context.session.state.steps == 2
    choose(field, "sd_xl_refiner_1.0")
    assert context.session.state.steps == 25


def test_a_model_that_needs_a_picture_has_no_size(field: ModelField, dock: LeftDock) -> None:
    choose(field, "x4-upscaler-ema")
    assert not dock.settings.size_fields.isVisible() and not dock.settings.chips.isVisible()
    choose(field, "ink")
    assert dock.settings.size_fields.isVisible()


def test_fields_of_a_family_stand_below_the_others(dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    """Also where a name is longer than its column."""
    write_safetensors(context.paths.models / "instruct.safetensors", families.sd1(8))
    refresh(context, qtbot)
    choose(dock.settings.model, "instruct")
    guidance, sampler = dock.settings.family.image_guidance, dock.settings.sampler
    qtbot.waitUntil(lambda: guidance.isVisible() and guidance.width() == sampler.width())
    assert guidance.mapTo(dock, guidance.rect().topLeft()).x() == sampler.mapTo(dock, sampler.rect().topLeft()).x()
    label = next(label for label in dock.settings.family.findChildren(FieldLabel) if label.text() == "Image guidance")
    assert label.wordWrap() and label.heightForWidth(label.width()) <= label.height(), "both words are seen"
