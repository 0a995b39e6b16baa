"""LoRAs below the prompt, the list they are added from, and the settings of some families only."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.additions import AddedFile
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.model_file import ModelRole
from sdstudio.domain.request import RefinerSpec
from sdstudio.ui.added_panel import AddedPanel
from sdstudio.ui.added_row import LoraRowView
from sdstudio.ui.left_dock import LeftDock
from tests.gui.ui_a.test_dock import type_into
from tests.helpers.added_models import write_added, write_models


@pytest.fixture
def panel(dock: LeftDock, context: AppContext, qtbot: QtBot) -> AddedPanel:
    """Of a model of SD 1."""
    write_models(write_added(context.paths.models))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return dock.loras


def add(panel: AddedPanel, *words: str) -> None:
    for word in words:
        panel.add.click()
        QTest.keyClicks(panel.popup.filter, word)
        QTest.keyClick(panel.popup.filter, Qt.Key.Key_Return)


def view(panel: AddedPanel, title: str) -> LoraRowView:
    return next(view for view in panel.rows.values() if view.row.title == title)


def listed(panel: AddedPanel) -> list[str]:
    return [file.name for file in panel.popup.list.files]


def chosen(context: AppContext) -> list[tuple[str, float, bool]]:
    return [(lora.name, lora.weight, lora.on) for lora in context.session.state.loras]


def choose(context: AppContext, name: str) -> None:
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == name))


def test_it_is_folded_until_used(panel: AddedPanel, context: AppContext) -> None:
    assert not panel.box.open and panel.fold.summary == "none"
    add(panel, "ink")
    assert panel.box.open and panel.fold.isChecked()
    assert chosen(context) == [("ink_v2", 1.0, True)]
    assert QApplication.focusWidget() is view(panel, "Ink & brush").weight.number
    panel.fold.click()
    assert not panel.box.open and panel.fold.summary == "Ink & brush 1"


def test_the_list_shows_what_fits_and_is_not_in_use(panel: AddedPanel, context: AppContext) -> None:
    panel.add.click()
    assert listed(panel) == ["glow", "ink_v2"]
    for typed, left in (("BRUSH", ["ink_v2"]), ("inkmaster", ["ink_v2"]), ("mono", ["ink_v2"]), ("zzz", [])):
        panel.popup.filter.setText(typed)
        assert listed(panel) == left
    assert panel.popup.nothing.isVisible()
    panel.popup.close()
    add(panel, "glow")
    panel.add.click()
    assert listed(panel) == ["ink_v2"]
    panel.popup.close()
    choose(context, "giant-xl")
    panel.add.click()
    assert listed(panel) == ["crystal"]
    panel.popup.close()
    choose(context, "depth")
    panel.add.click()
    assert listed(panel) == [] and panel.popup.nothing.text() == "No other LoRA here fits depth (SD 2 depth)."
    panel.popup.close()


def test_the_list_is_used_by_keys_and_by_mouse(panel: AddedPanel, context: AppContext) -> None:
    panel.add.click()
    field = panel.popup.filter
    assert field.hasFocus()
    QTest.keyClick(field, Qt.Key.Key_Down)
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert panel.popup.list.currentIndex().row() == 1
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not panel.popup.isVisible() and chosen(context) == []
    panel.add.click()
    box = panel.popup.list.visualRect(panel.popup.list.model().index(1, 0))
    QTest.mouseClick(panel.popup.list.viewport(), Qt.MouseButton.LeftButton, pos=box.center())
    assert chosen(context) == [("ink_v2", 1.0, True)]


def test_a_picture_beside_the_file_is_shown(panel: AddedPanel, context: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(context.added_thumbs.loaded) as told:
        panel.add.click()
        panel.popup.list.viewport().grab()
    image = context.added_thumbs.get(str(told.args[0]))
    assert image is not None and (image.size.width, image.size.height) == (48, 64)
    shot = panel.popup.list.viewport().grab().toImage()
    second = panel.popup.list.visualRect(panel.popup.list.model().index(1, 0))
    top, bottom = (shot.pixelColor(second.left() + 24, second.top() + y) for y in (8, 40))
    assert bottom.lightness() > top.lightness() + 100
    panel.popup.close()


def test_weights_by_slider_and_by_typing(panel: AddedPanel, context: AppContext) -> None:
    add(panel, "ink")
    weight = view(panel, "Ink & brush").weight
    type_into(weight.number, "-3.37")
    QTest.keyClick(weight.number, Qt.Key.Key_Return)
    assert chosen(context) == [("ink_v2", -3.37, True)]
    assert weight.slider.sliderPosition() == weight.slider.minimum()
    weight.slider.setSliderPosition(17)
    assert chosen(context) == [("ink_v2", 0.85, True)]
    assert (weight.slider.minimum(), weight.slider.maximum()) == (-20, 40)
    assert view(panel, "Ink & brush").why.isHidden()
    weight.slider.setSliderPosition(0)
    assert view(panel, "Ink & brush").why.text() == "At 0 it does nothing." and weight.isEnabled()


def test_off_on_and_away(panel: AddedPanel, context: AppContext) -> None:
    add(panel, "ink", "glow")
    row = view(panel, "Ink & brush")
    row.eye.click()
    assert chosen(context) == [("ink_v2", 1.0, False), ("glow", 1.0, True)]
    assert row.eye.icon_name == "eyeoff" and not row.weight.isEnabled()
    row.eye.click()
    assert row.weight.isEnabled()
    row.remove.click()
    assert chosen(context) == [("glow", 1.0, True)]
    assert QApplication.focusWidget() is view(panel, "glow").remove
    view(panel, "glow").remove.click()
    assert chosen(context) == [] and panel.empty.isVisible() and QApplication.focusWidget() is panel.add


def test_words_go_into_the_prompt(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    context.session.update(positive="a cat")
    add(panel, "ink")
    chips = view(panel, "Ink & brush").words
    assert [chip.text() for chip in chips.chips] == ["ink style", "brush strokes", "monochrome"]
    chips.chips[0].click()
    assert context.session.state.positive == dock.prompt.positive.text == "a cat, ink style"
    assert [chip.isChecked() for chip in chips.chips] == [True, False, False]
    chips.chips[0].click()
    assert context.session.state.positive == "a cat, ink style" and chips.chips[0].isChecked()
    dock.prompt.positive.undo()
    assert dock.prompt.positive.text == "a cat" and not chips.chips[0].isChecked()


def test_chips_stay_inside(panel: AddedPanel, dock: LeftDock, qtbot: QtBot) -> None:
    add(panel, "ink")
    chips = view(panel, "Ink & brush").words
    for width in (288, 400):
        dock.resize(width, 840)
        qtbot.waitUntil(lambda: chips.chips[-1].geometry().bottom() < chips.height())
        assert all(chip.geometry().right() < chips.width() for chip in chips.chips)


def test_what_does_not_fit_any_more_stays_and_says_why(panel: AddedPanel, context: AppContext) -> None:
    add(panel, "ink")
    choose(context, "giant-xl")
    row = view(panel, "Ink & brush")
    assert row.why.text() == "Left out: it is for SD 1.x, and this model is SDXL."
    assert not row.name.isEnabled() and not row.weight.isVisible() and row.remove.isEnabled()
    assert panel.fold.summary == "none in use"
    choose(context, "instruct")
    assert view(panel, "Ink & brush") is row and row.weight.isEnabled() and row.why.isHidden()


def test_prompt_and_panel_are_one(panel: AddedPanel, context: AppContext) -> None:
    add(panel, "ink")
    context.session.update(positive="a cat <lora:ink_v2:0.4> <lora:glow:0.3>")
    row = view(panel, "Ink & brush")
    assert row.why.text() == "The prompt names it with 0.4, which counts." and not row.weight.isEnabled()
    other = view(panel, "glow")
    assert other.aside.text() == "0.3 in the prompt" and not other.weight.isVisible() and not other.eye.isVisible()
    context.session.update(positive="a cat")
    assert [each.row.title for each in panel.rows.values()] == ["Ink & brush"] and row.weight.isEnabled()


def test_an_unknown_name_offers_the_nearest(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    context.session.update(positive="a cat <lora:inkv2:0.4>")
    assert panel.error.isVisible() and "There is no LoRA “inkv2”" in panel.error.text
    panel.error.remedy.click()
    assert context.session.state.positive == "a cat <lora:ink_v2:0.4>"
    assert panel.error.isHidden() and dock.prompt.positive.hasFocus()


def test_generate_waits_for_the_prompt(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    context.session.update(positive="a cat <lora:crystal>")
    with pytest.raises(InvalidRequest) as error:
        context.session.build_request()
    assert dock.show_error(error.value)
    assert dock.bar.blocked and "is for SDXL" in dock.bar.why.text() and dock.bar.why.isVisible()
    choose(context, "giant-xl")
    assert not dock.bar.blocked


def test_embeddings_of_the_prompts_are_named(panel: AddedPanel, context: AppContext) -> None:
    assert panel.embeddings.isHidden()
    context.session.update(negative="badhands")
    assert panel.embeddings.text() == "The embedding “badhands” is in use." and panel.embeddings.isVisible()


def test_the_hash_of_what_is_used_is_asked_for(panel: AddedPanel, context: AppContext, qtbot: QtBot) -> None:
    add(panel, "glow")
    qtbot.waitUntil(lambda: bool(context.session.state.loras[0].hash))
    assert context.session.draft_request().loras[0].hash == context.session.state.loras[0].hash


def test_loras_are_there_again_after_a_start(panel: AddedPanel, context: AppContext, qtbot: QtBot) -> None:
    add(panel, "glow")
    data = context.session.to_dict()
    view(panel, "glow").remove.click()
    context.session.from_dict({"state": {**data["state"], "loras": list(data["state"]["loras"])}})
    assert [each.row.title for each in panel.rows.values()] == ["glow"]


def test_tab_goes_through_in_reading_order(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    add(panel, "ink")
    row = view(panel, "Ink & brush")
    panel.fold.setFocus(Qt.FocusReason.TabFocusReason)
    seen: list[QWidget] = []
    for _ in range(8):
        widget = QApplication.focusWidget()
        assert widget is not None
        seen.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    wanted = [panel.fold, panel.add, row.eye, row.remove, row.weight.slider, row.weight.number, row.words.chips[0]]
    assert seen == [*wanted, dock.settings.model]
    row.words.chips[0].setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(row.words.chips[0], Qt.Key.Key_Right)
    assert row.words.chips[1].hasFocus()


def test_every_control_of_a_row_has_a_name(panel: AddedPanel) -> None:
    add(panel, "ink")
    row = view(panel, "Ink & brush")
    names = [stop.accessibleName() for stop in row.tab_stops()]
    assert names[:3] == [
        "Leave Ink & brush out of the next pictures",
        "Take Ink & brush off the list",
        "Strength of Ink & brush",
    ]
    assert all(names) and all(stop.toolTip() for stop in row.tab_stops())


# -- settings of families ---------------------------------------------------------------------------------------------


def shown(dock: LeftDock) -> set[str]:
    fields = dock.settings.family
    named = {
        "guidance": fields.image_guidance, "noise": fields.noise_level, "vae": fields.vae,
        "refiner": fields.refiner, "begin": fields.begin,
    }  # fmt: skip
    return {name for name, field in named.items() if field.isVisible()}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("Starter", {"vae"}),
        ("giant-xl", {"vae", "refiner"}),
        ("instruct", {"guidance", "vae"}),
        ("upscaler", {"noise"}),
        ("variations", {"noise", "vae"}),
        ("depth", {"vae"}),
    ],
)
def test_each_family_has_its_settings(
    panel: AddedPanel, dock: LeftDock, context: AppContext, model: str, fields: set[str]
) -> None:
    choose(context, model)
    assert shown(dock) == fields


def test_without_files_there_is_nothing_to_choose(dock: LeftDock) -> None:
    assert shown(dock) == set() and not dock.settings.family.isVisible()


def test_noise_and_image_guidance_reach_the_session(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    fields = dock.settings.family
    choose(context, "upscaler")
    assert (fields.noise_level.value(), fields.noise_level.number.maximum()) == (20, 350)
    type_into(fields.noise_level.number, "75")
    QTest.keyClick(fields.noise_level.number, Qt.Key.Key_Return)
    assert context.session.state.noise_level == 75
    choose(context, "variations")
    assert (fields.noise_level.value(), fields.noise_level.number.maximum()) == (0, 999)
    choose(context, "instruct")
    assert fields.image_guidance.value() == 1.5
    fields.image_guidance.slider.setSliderPosition(fields.image_guidance.slider.maximum())
    assert context.session.state.image_guidance_scale == 3.0


def test_vae_and_refiner_are_chosen(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    fields = dock.settings.family
    choose(context, "giant-xl")
    names = [fields.vae.itemText(row) for row in range(fields.vae.count())]
    assert names == ["The model's own", "clear", "clear-xl"]
    fields.vae.setCurrentIndex(2)
    fields.vae.activated.emit(2)
    fields.refiner.setCurrentIndex(1)
    fields.refiner.activated.emit(1)
    assert fields.begin.isVisible() and fields.begin.value() == 80
    type_into(fields.begin.number, "70")
    QTest.keyClick(fields.begin.number, Qt.Key.Key_Return)
    request = context.session.draft_request()
    (polish,) = context.added.refiners()
    assert request.vae is not None and request.vae.name == "clear-xl"
    assert request.refiner == RefinerSpec(model=polish.spec, begin=0.7)
    fields.refiner.setCurrentIndex(0)
    fields.refiner.activated.emit(0)
    assert context.session.state.refiner is None and not fields.begin.isVisible()
    choose(context, "instruct")
    assert fields.vae.currentText() == "clear-xl: not for this model"
    assert context.session.draft_request().vae is None


def test_a_vae_that_is_not_here_is_named(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    (file, *_) = context.added.of(ModelRole.VAE, context.session.model.family)
    context.session.update(vae=AddedFile(name="lost", path=""))
    assert dock.settings.family.vae.currentText() == "lost: not here"
    context.session.update(vae=AddedFile(name=file.name, path=""))
    assert dock.settings.family.vae.currentText() == file.name


def test_the_button_says_why_it_is_grey(panel: AddedPanel, dock: LeftDock, context: AppContext) -> None:
    dock.bar.set_problem("This model needs a picture: open one or drop it on the canvas")
    assert not dock.bar.button.isEnabled() and dock.bar.why.isVisible() and not dock.bar.cost.isVisible()
    edge = dock.bar.why.mapTo(dock, QPoint(0, dock.bar.why.heightForWidth(dock.bar.why.width())))
    assert edge.y() <= dock.height()
    dock.bar.set_problem("")
    assert dock.bar.cost.isVisible() and not dock.bar.why.isVisible()
