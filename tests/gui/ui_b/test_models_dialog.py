"""The models dialog, used by hand: folders, rows, keys, details, what is dropped on it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.model_list import ModelListRole, ModelRow
from sdstudio.domain.request import ModelSpec
from sdstudio.ui.controls import ComboField
from sdstudio.ui.focus_ring import FocusRing
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.models_dialog import ModelsDialog
from sdstudio.ui.models_rows import TALL_HEIGHT, ModelRowDelegate
from sdstudio.ui.settings_dialog import SettingsDialog
from tests.helpers import model_families as families
from tests.helpers.app_fixtures import make_request
from tests.helpers.model_files import write_safetensors
from tests.helpers.models_desk import EVIL, Key, press, titles


def test_folders_say_what_is_in_them(dialog: ModelsDialog) -> None:
    rows = [(row.name, row.second) for row in dialog.folders.rows]
    assert rows == [
        ("All folders", "4 models, 1 refused"),
        ("Built in", "1 model"),
        ("Models", "3 models, 1 refused"),
        ("disk/models", "not connected"),
    ]
    assert titles(dialog) == ["Starter", "ink", "two", "wash", "evil.ckpt"]
    dialog.folders.choose(dialog.folders.rows[1].path)
    assert titles(dialog) == ["Starter"]
    dialog.folders.choose(dialog.folders.rows[3].path)
    assert dialog.pane.stack.currentWidget() is dialog.pane.empty
    assert dialog.pane.empty.title.text() == "“disk/models” is not connected."


def test_the_model_in_the_box_is_told_as_what_it_is(dialog: ModelsDialog, qtbot: QtBot) -> None:
    """Built like Stable Diffusion 1, it would be looked for, and added to, as one."""
    row = dialog.pane.rows.index(0).data(ModelListRole.ROW)
    assert (row.title, row.badge) == ("Starter", "Small model")
    press(dialog, qtbot, Key.Key_Space)
    kind = next(line for line in dialog.pane.details.facts.toPlainText().splitlines() if "Small model" in line)
    assert "Small model that comes with SD Studio" in kind
    assert "Stable Diffusion" not in kind and "SD 1" not in kind
    dialog.pane.search.setText("sd 1.5")
    qtbot.waitUntil(lambda: titles(dialog) == ["ink", "wash"])


def test_keys_choose_and_use(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    assert dialog.pane.list.hasFocus()
    current = dialog.pane.list.current
    assert current is not None and current.info == stocked.session.model, "the model that is in use"
    press(dialog, qtbot, Key.Key_Down, Key.Key_Return)
    assert stocked.session.model.name == "ink"
    row = dialog.pane.rows.index(1).data(ModelListRole.ROW)
    assert row.in_use and row.action == "in use"
    press(dialog, qtbot, Key.Key_Down, Key.Key_Down, Key.Key_Return)
    assert stocked.session.model.name == "ink", "a LoRA is not a model to choose"


def test_a_click_on_use_uses_and_one_on_details_shows_them(
    dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot
) -> None:
    view = dialog.pane.list

    def click(row: int) -> None:
        at = ModelRowDelegate.action_rect(view.visualRect(dialog.pane.rows.index(row))).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)

    click(2)
    assert stocked.session.model.name == "two"
    assert not dialog.pane.details.isVisible()
    assert view.visualRect(dialog.pane.rows.index(4)).height() == TALL_HEIGHT
    view.scrollToBottom()
    click(4)
    assert dialog.pane.details.isVisible() and dialog.details_button.isChecked()
    text = dialog.pane.details.facts.toPlainText()
    assert "Refused: this file would run a program when opened." in text and "posix.system" in text
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        dialog.pane.details.hash.click()
    digest = hashlib.sha256(EVIL).hexdigest()
    assert f"sha256 {digest}" in dialog.pane.details.facts.toPlainText().replace("\n", " ")
    assert not dialog.pane.details.hash.isVisible()
    dialog.pane.details.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("evil.ckpt\nRefused:") and f"File: {stocked.paths.models / 'evil.ckpt'}" in copied


def test_the_search_finds_by_name_and_type_and_enter_uses(
    dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot
) -> None:
    qtbot.keyClick(dialog, Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert dialog.pane.search.hasFocus()
    qtbot.keyClicks(dialog.pane.search, "lora")
    qtbot.waitUntil(lambda: titles(dialog) == ["wash"])
    dialog.pane.search.clear()
    qtbot.keyClicks(dialog.pane.search, "sd 2")
    press(dialog, qtbot, Key.Key_Return)
    assert titles(dialog) == ["two"] and stocked.session.model.name == "two"
    qtbot.keyClicks(dialog.pane.search, " no such thing")
    qtbot.waitUntil(lambda: titles(dialog) == [])
    assert dialog.pane.empty.title.text() == "No model matches “sd 2 no such thing”."
    qtbot.mouseClick(dialog.pane.empty.clear, Qt.MouseButton.LeftButton)
    assert len(titles(dialog)) == 5
    press(dialog, qtbot, Key.Key_Escape)
    qtbot.waitUntil(lambda: not dialog_open(dialog))


def test_a_model_has_the_same_name_here_and_in_the_menu(
    dialog: ModelsDialog, stocked: AppContext, window: MainWindow, qtbot: QtBot
) -> None:
    models = stocked.paths.models
    write_safetensors(models / "old" / "ink.safetensors", families.small_sd(1, 9))
    (models / "two.civitai.info").write_text('{"model": {"name": "Everyday"}}')
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        stocked.catalog.refresh()
    menu = window.left.settings.model
    usable = titles(dialog)[:4]
    assert usable == ["Starter", "models/ink.safetensors", "old/ink.safetensors", "two"]
    assert [menu.findText(name) >= 0 for name in usable] == [True] * 4
    row: ModelRow = dialog.pane.rows.index(2).data(ModelListRole.ROW)
    assert row.second == str(models / "old")
    dialog.pane.list.choose(str(models / "old" / "ink.safetensors"))
    dialog.pane.show_details(True)
    assert dialog.pane.details.heading.text() == "old/ink.safetensors"
    for text, found in (("old/ink", "old/ink.safetensors"), ("everyday", "two")):
        dialog.pane.search.setText(text)
        qtbot.waitUntil(lambda wanted=found: titles(dialog) == [wanted])


def dialog_open(dialog: ModelsDialog) -> bool:
    try:
        return dialog.isVisible()
    except RuntimeError:  # deleted, as a dialog that was closed is
        return False


def test_details_of_what_can_be_used(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    path = stocked.paths.models / "ink.safetensors"
    picture = QImage(64, 32, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    assert picture.save(str(path.with_name("ink.preview.png")))
    path.with_suffix(".civitai.info").write_text(
        '{"model": {"name": "Ink & wash"}, "trainedWords": ["<ink>", "paper"]}'
    )
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        stocked.catalog.refresh()
    press(dialog, qtbot, Key.Key_Down, Key.Key_Space)
    details = dialog.pane.details
    assert details.heading.text() == "ink", "as in the menu and in pictures"
    row: ModelRow = dialog.pane.list.currentIndex().data(ModelListRole.ROW)
    assert (row.title, row.second) == ("ink", "ink.safetensors · Ink & wash")
    text = details.facts.toPlainText()
    for words in (
        "Ink & wash",
        "SD 1.x checkpoint · 4 channels",
        "noise (epsilon) · usual for its family",
        "512 × 512",
        "paper",
    ):
        assert words in text
    qtbot.waitUntil(lambda: not details.thumb.pixmap().isNull())
    assert not details.prediction_row.isVisible() and not details.convert.isVisible()
    press(dialog, qtbot, Key.Key_Space)
    assert not details.isVisible()


def test_what_an_undecided_model_predicts_is_said_here(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    path = stocked.paths.models / "two.safetensors"
    assert dialog.pane.want(str(path))
    dialog.pane.show_details(True)
    details = dialog.pane.details
    assert details.prediction_row.isVisible() and details.prediction.value == "unknown"
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        details.prediction.buttons["v"].click()
    assert "v-prediction · chosen by you" in details.facts.toPlainText()
    assert details.prediction.value == "v"
    current = dialog.pane.list.current
    assert current is not None and current.info is not None and current.info.badge == "SD 2 v"


def test_the_model_for_the_start_is_set_and_shown(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    path = str(stocked.paths.models / "ink.safetensors")
    dialog.pane.want(path)
    dialog.pane.show_details(True)
    dialog.pane.details.default.click()
    assert stocked.settings.settings.default_model == path
    row = dialog.pane.rows.index(1).data(ModelListRole.ROW)
    assert row.second == "ink.safetensors · chosen at the start"
    dialog.pane.details.default.click()
    assert stocked.settings.settings.default_model == ""


def test_only_an_added_folder_can_be_removed(dialog: ModelsDialog, stocked: AppContext, qtbot: QtBot) -> None:
    def words(menu: QMenu) -> list[str]:
        return [action.text() for action in menu.actions() if not action.isSeparator()]

    own, added = stocked.models.folders[1], stocked.models.folders[2]
    assert words(dialog.folder_menu(own)) == ["Open the folder"]
    menu = dialog.folder_menu(added)
    assert words(menu) == ["Open the folder", "Remove from the list"]
    dialog.folders.choose(str(added.path))
    with qtbot.waitSignal(stocked.catalog.folders_changed):
        menu.actions()[-1].trigger()
    assert [row.name for row in dialog.folders.rows] == ["All folders", "Built in", "Models"]
    assert dialog.folders.path == "" and len(titles(dialog)) == 5


# -- what is dropped --------------------------------------------------------------------------------------------------


def test_it_follows_the_theme_and_leaves_nothing_behind(dialog: ModelsDialog, window: MainWindow, qtbot: QtBot) -> None:
    dialog.pane.show_details(True)

    def shot() -> QImage:
        return dialog.grab().toImage()

    dark = shot()
    window.commands.run("theme_light")
    light = shot()
    for part in (dialog.pane.refresh_button, dialog.pane.search, dialog.folders, dialog.pane.details, dialog.intake):
        at = part.mapTo(dialog, QPoint(part.width() // 2, part.height() // 2))
        ratio = light.devicePixelRatio()
        pixel = round(at.x() * ratio), round(at.y() * ratio)
        assert light.pixelColor(*pixel) != dark.pixelColor(*pixel), part
    dialog.close()
    qtbot.waitUntil(lambda: window.commands.dialog("models") is None)
    window.commands.run("theme_dark")
    window.context.catalog.refresh()
    with qtbot.waitSignal(window.context.catalog.refreshed):
        window.context.settings.update(default_model="x")


def test_coming_back_to_the_window_looks_where_nothing_can_be_watched(window: MainWindow, qtbot: QtBot) -> None:
    context = window.context
    context.models.watch._complete = False
    write_safetensors(context.paths.models / "late.safetensors", families.small_sd(1))
    with qtbot.waitSignal(context.catalog.refreshed):
        QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    assert [info.name for info in context.catalog.infos] == ["Starter", "late"]


def test_the_last_row_of_the_menu_opens_it(window: MainWindow) -> None:
    window.left.settings.model.more_asked.emit()
    assert isinstance(window.commands.dialog("models"), ModelsDialog)


def test_an_empty_folder_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.run("models")
    dialog = window.commands.dialog("models")
    assert isinstance(dialog, ModelsDialog)
    dialog.folders.choose(str(window.context.paths.models))
    assert dialog.pane.empty.isVisible()
    assert dialog.pane.empty.title.text() == "There are no models here yet."
    assert dialog.pane.empty.add.isVisible() and dialog.pane.empty.open_folder.isVisible()


def test_a_missing_models_relative_is_offered(window: MainWindow, stocked: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(stocked.catalog.refreshed):
        stocked.catalog.refresh()
    gone = ModelSpec(name="Gone", path="", family="SD 1.x")
    window.commands.on_restored(replace(make_request(), model=gone), "a.png")
    banner = window.canvas.banner
    assert banner.message is not None
    assert banner.message.title == "The picture was made with “Gone”, which is not here."
    assert banner.message.text.endswith("Use “ink” (also SD 1.5)?")
    assert [button.text() for button in banner.buttons()] == ["Use “ink”", "Stay with “Starter”"]
    banner.buttons()[0].click()
    assert stocked.session.model.name == "ink" and banner.isHidden()


def test_the_device_is_a_setting(window: MainWindow) -> None:
    store = window.context.settings
    store.update(device="cuda:3")
    cards = (("cuda:0", "First card"), ("cuda:1", "Second card"))
    dialog = SettingsDialog(store, lambda: window.context.results_folder, window.theme, window, cards=cards)
    field = next(field for field in dialog.findChildren(ComboField) if field.accessibleName() == "Computes on")
    names = [field.itemText(row) for row in range(field.count())]
    assert names == ["Automatic", "First card", "Second card", "CPU only", "cuda:3 (not found)"]
    assert field.currentText() == "cuda:3 (not found)"
    for row, value in enumerate(("", "cuda:0", "cuda:1", "cpu")):
        field.setCurrentIndex(row)
        field.activated.emit(row)
        assert store.settings.device == value


def test_the_facts_show_that_the_keyboard_is_there(dialog: ModelsDialog, qtbot: QtBot) -> None:
    press(dialog, qtbot, Key.Key_Space)
    facts = dialog.pane.details.facts
    qtbot.waitUntil(facts.isVisible)
    facts.setFocus(Qt.FocusReason.TabFocusReason)
    (ring,) = (ring for ring in dialog.findChildren(FocusRing) if ring.isVisible())
    around = ring.mapTo(dialog, ring.rect().center()), facts.mapTo(dialog, facts.rect().center())
    assert around[0] == around[1]
    dialog.pane.list.setFocus(Qt.FocusReason.OtherFocusReason)
    assert not any(ring.isVisible() for ring in dialog.findChildren(FocusRing))
