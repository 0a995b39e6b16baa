"""The canvas's dialogs, its layers and history, and the numbers for the whole mask, on a real session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_questions import MaskSizeQuestion, MemoryQuestion, UnsavedQuestion
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.canvas.export_dialog import ExportChoice, ExportDialog
from sdstudio.ui.canvas.mask_panel import MASK_CHANGES
from sdstudio.ui.canvas.question_dialogs import MaskSizeDialog, MemoryDialog, UnsavedDialog
from sdstudio.ui.canvas.size_dialogs import NewCanvasDialog, ResizeDialog, ScaleDialog
from sdstudio.ui.canvas.task_dialog import TaskDialog
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show
from tests.gui.ui_b.conftest import open_window, window
from tests.helpers.canvas_window import dialog_of, open_picture, session_of, stroke

__all__ = ["open_window", "window"]

LEFT = Qt.MouseButton.LeftButton
SIZES = (Size(512, 512), Size(768, 512))


def shown(dialog: TaskDialog, qtbot: QtBot) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    show(dialog, qtbot)


# Sizes


def test_a_new_canvas_of_a_size_of_the_model_or_any_other(theme: Theme, qtbot: QtBot) -> None:
    dialog = NewCanvasDialog(theme, SIZES, Size(512, 512))
    shown(dialog, qtbot)
    assert dialog.sides.size == Size(512, 512) and dialog.colour == (255, 255, 255)
    qtbot.mouseClick(dialog.chips.chips[1], LEFT)
    assert dialog.sides.size == Size(768, 512)
    dialog.sides.height.setValue(333)
    assert not any(chip.isChecked() for chip in dialog.chips.chips)
    qtbot.mouseClick(dialog.grounds["transparent"], LEFT)
    assert dialog.note.text() == ""
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.mouseClick(dialog.primary, LEFT)
    assert chosen.args == [Size(768, 333), None]


def test_a_large_canvas_says_what_it_costs(theme: Theme, qtbot: QtBot) -> None:
    dialog = NewCanvasDialog(theme, SIZES, Size(8192, 8192))
    shown(dialog, qtbot)
    assert "of memory" in dialog.note.text()
    assert dialog.sides.width.maximum() == 16384


@pytest.mark.parametrize(
    ("anchor", "edges"),
    [((1, 1), Rect(-10, 5, 120, 70)), ((0, 0), Rect(0, 0, 120, 70)), ((2, 2), Rect(-20, 10, 120, 70))],
)
def test_the_canvas_grows_and_shrinks_round_what_stays(
    theme: Theme, anchor: tuple[int, int], edges: Rect, qtbot: QtBot
) -> None:
    dialog = ResizeDialog(theme, Size(100, 80))
    shown(dialog, qtbot)
    assert not dialog.primary.isEnabled()
    dialog.sides.width.setValue(120)
    dialog.sides.height.setValue(70)
    qtbot.mouseClick(dialog.anchors[anchor], LEFT)
    assert "100 × 80 becomes 120 × 70." in dialog.note.text() and "cut away" in dialog.note.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.mouseClick(dialog.primary, LEFT)
    assert chosen.args == [edges]


def test_scaling_keeps_the_proportions_unless_told_otherwise(theme: Theme, qtbot: QtBot) -> None:
    dialog = ScaleDialog(theme, Size(300, 200))
    shown(dialog, qtbot)
    dialog.sides.width.setValue(150)
    assert (dialog.sides.size, dialog.percent.value()) == (Size(150, 100), 50)
    dialog.percent.setValue(200)
    assert dialog.sides.size == Size(600, 400)
    qtbot.mouseClick(dialog.keep, LEFT)
    dialog.sides.height.setValue(10)
    assert dialog.sides.size == Size(600, 10)


# Export


def test_export_offers_what_each_format_has(theme: Theme, qtbot: QtBot) -> None:
    dialog = ExportDialog(theme, transparent=True, has_settings=True)
    shown(dialog, qtbot)
    assert dialog.choice == ExportChoice(suffix=".png", with_settings=True)
    assert not dialog.quality.isEnabled() and not dialog.lossless.isVisible()
    qtbot.mouseClick(dialog.formats[".jpg"], LEFT)
    assert dialog.quality.isEnabled()
    assert dialog.note.text() == "JPEG knows no transparency: what is transparent becomes white."
    qtbot.mouseClick(dialog.formats[".webp"], LEFT)
    assert dialog.lossless.isVisible() and not dialog.quality.isEnabled()
    dialog.lossless.setChecked(False)
    dialog.quality.number.setValue(70)  # type: ignore[arg-type]
    dialog.settings.setChecked(False)
    assert dialog.choice == ExportChoice(suffix=".webp", quality=70, lossless=False, with_settings=False)


def test_without_known_settings_none_are_offered(theme: Theme, qtbot: QtBot) -> None:
    dialog = ExportDialog(theme, transparent=False, has_settings=False)
    shown(dialog, qtbot)
    assert not dialog.settings.isVisible() and not dialog.choice.with_settings
    qtbot.mouseClick(dialog.formats[".jpg"], LEFT)
    assert "transparency" not in dialog.note.text()


def test_the_canvas_is_exported_and_the_foot_says_so(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    window.commands.run("export")
    dialog = dialog_of(window, ExportDialog, qtbot)
    assert isinstance(dialog, ExportDialog)
    qtbot.mouseClick(dialog.formats[".jpg"], LEFT)
    qtbot.mouseClick(dialog.primary, LEFT)
    files = dialog_of(window, QFileDialog, qtbot)
    assert isinstance(files, QFileDialog) and files.defaultSuffix() == "jpg"
    target = tmp_path / "out.jpg"
    with qtbot.waitSignal(session_of(window).saved):
        files.fileSelected.emit(str(target))
    files.close()
    with Image.open(target) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    assert window.canvas.page.foot.texts[2] == "Saved as “out.jpg”"
    stroke(window)
    qtbot.waitUntil(lambda: window.canvas.page.foot.texts[2].startswith("mask covers"))


def test_saving_asks_once_and_then_knows_the_file(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    window.commands.run("save")
    files = dialog_of(window, QFileDialog, qtbot)
    assert isinstance(files, QFileDialog)
    target = tmp_path / "mine.ora"
    with qtbot.waitSignal(session_of(window).saved):
        files.fileSelected.emit(str(target))
    files.close()
    assert not session_of(window).modified
    stroke(window, 40, 30)
    with qtbot.waitSignal(session_of(window).saved):
        window.commands.run("save")
    assert not session_of(window).modified and list(tmp_path.glob("*.ora")) == [target]


# Questions


def test_closing_a_question_is_its_cancel(theme: Theme, qtbot: QtBot) -> None:
    question = UnsavedQuestion("pear", "/x/pear.ora", lambda path, go_on: pytest.fail("saved"), lambda: None)
    dialog = UnsavedDialog(theme, question, lambda: pytest.fail("asked"))
    shown(dialog, qtbot)
    assert dialog.primary.text() == "Save"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not question.open


def test_a_canvas_with_a_file_is_saved_there(theme: Theme, qtbot: QtBot) -> None:
    saved: list[str] = []
    question = UnsavedQuestion("pear", "/x/pear.ora", lambda path, go_on: saved.append(str(path)), lambda: None)
    dialog = UnsavedDialog(theme, question, lambda: pytest.fail("asked"))
    shown(dialog, qtbot)
    qtbot.mouseClick(dialog.primary, LEFT)
    assert saved == ["/x/pear.ora"]


def test_a_huge_picture_says_its_memory_first(theme: Theme, qtbot: QtBot) -> None:
    opened: list[bool] = []
    question = MemoryQuestion("wall.png", Size(16000, 12000), 3 * 2**30, 2**30, lambda: opened.append(True))
    dialog = MemoryDialog(theme, question)
    shown(dialog, qtbot)
    words = " ".join(label.text() for label in dialog.findChildren(type(dialog.heading)))
    assert "16,000 × 12,000" in words or "16000 × 12000" in words
    qtbot.mouseClick(dialog.primary, LEFT)
    assert opened == [True]


@pytest.mark.parametrize(("button", "answer"), [("primary", ["scale"]), ("centre", ["centre"]), ("cancel", [])])
def test_a_mask_of_another_size_is_asked_about(theme: Theme, button: str, answer: list[str], qtbot: QtBot) -> None:
    answers: list[str] = []
    dialog = MaskSizeDialog(theme, MaskSizeQuestion("m.png", Size(10, 10), Size(64, 48), answers.append))
    shown(dialog, qtbot)
    qtbot.mouseClick(getattr(dialog, button), LEFT)
    assert answers == answer


def test_a_mask_file_of_another_size_in_the_window(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    Image.new("L", (16, 12), 255).save(tmp_path / "m.png")
    session_of(window).mask_from_file(tmp_path / "m.png")
    dialog = dialog_of(window, MaskSizeDialog, qtbot)
    assert isinstance(dialog, MaskSizeDialog)
    qtbot.mouseClick(dialog.centre, LEFT)
    qtbot.waitUntil(lambda: session_of(window).mask_bounds == Rect(24, 18, 16, 12))


# The whole mask, with a number


def mask_pixels(window: MainWindow) -> int:
    document = session_of(window).document
    assert document is not None
    return int(np.count_nonzero(document.mask.read(document.rect)))


def test_growing_is_seen_before_it_is_done(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot, Size(120, 100))
    session_of(window).update_brush(size=10)
    stroke(window, 40, 40)
    before, page = mask_pixels(window), window.canvas.page
    window.commands.run("mask_grow")
    assert page.panel.isVisible() and not page.options.isVisible()
    assert page.panel.heading.text() == "Grow the mask"
    qtbot.waitUntil(lambda: mask_pixels(window) > before)
    qtbot.keyClick(page.panel.field.number, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: mask_pixels(window) == before)
    assert page.options.isVisible() and not page.panel.isVisible()
    assert len(window.right.layers.history.history.labels) == 2
    window.commands.run("mask_grow")
    page.panel.field.number.setValue(3)  # type: ignore[arg-type]
    qtbot.mouseClick(page.panel.apply, LEFT)
    qtbot.waitUntil(lambda: not page.panel.active and mask_pixels(window) > before)
    qtbot.waitUntil(lambda: len(window.right.layers.history.history.labels) == 3)
    window.commands.run("undo")
    qtbot.waitUntil(lambda: mask_pixels(window) == before)


def test_escape_in_the_window_leaves_the_panel_before_the_run(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    window.commands.run("mask_feather")
    assert window.canvas.page.panel.active
    window.commands.run("cancel")
    assert not window.canvas.page.panel.active


def test_every_change_of_the_mask_has_its_command(window: MainWindow) -> None:
    for change in MASK_CHANGES:
        assert callable(getattr(session_of(window), change.command))
        assert change.name in window.commands.names


# Layers and history


def test_the_layers_follow_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    tab = window.right.layers
    window.right.show_layers()
    assert not tab.list.isVisible()
    open_picture(window, qtbot)
    assert [row.name for row in tab.list.layers.rows] == ["Mask", "Paint", "Picture"]
    assert [row.second for row in tab.list.layers.rows] == ["nothing masked yet", "empty", "64 × 48"]
    stroke(window)
    assert tab.list.layers.rows[0].second == "tinted"
    assert tab.history.history.labels == ("Beginning", "Brush") and tab.history.history.position == 1
    qtbot.mouseClick(tab.history.viewport(), LEFT, pos=tab.history.visualRect(tab.history.history.index(0)).center())
    assert session_of(window).mask_empty and tab.history.history.position == 0
    assert tab.history.history.labels == ("Beginning", "Brush")


def test_the_chosen_layer_is_what_the_tools_work_on(window: MainWindow, qtbot: QtBot) -> None:
    tab, session = window.right.layers, session_of(window)
    window.right.show_layers()
    open_picture(window, qtbot)
    assert tab.list.chosen == "mask"
    tab.list.choose("paint")
    assert session.settings.target == "paint"
    session.toggle_target()
    assert tab.list.chosen == "mask"
    tab.list.choose("picture")
    assert session.settings.target == "mask"


def test_opacity_and_eye_are_steps_of_the_history(window: MainWindow, qtbot: QtBot) -> None:
    tab, session = window.right.layers, session_of(window)
    window.right.show_layers()
    open_picture(window, qtbot)
    tab.list.choose("paint")
    assert tab.opacity.isEnabled()
    tab.opacity.number.setValue(40)  # type: ignore[arg-type]
    document = session.document
    assert document is not None
    assert document.layer("paint").opacity == pytest.approx(0.4)
    tab.list.eye_asked.emit("paint")
    assert not document.layer("paint").visible and tab.list.layers.rows[1].eye == "eyeoff"
    session.undo()
    session.undo()
    assert document.layer("paint").opacity == 1.0 and tab.opacity.value() == 100
    tab.list.choose("mask")
    assert not tab.opacity.isEnabled()


def test_the_masks_eye_changes_how_it_is_shown_and_never_hides_it(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    stroke(window)
    tab, seen = window.right.layers, []
    for _ in range(3):
        tab.list.eye_asked.emit("mask")
        seen.append((window.canvas.page.look, tab.list.layers.rows[0].second))
    assert seen == [("edge", "edge only"), ("greys", "as greys"), ("tint", "tinted")]
    qtbot.mouseClick(window.canvas.page.strip.eye, LEFT)
    assert window.canvas.page.look == "edge" and window.actions_table["mask_edge"].isChecked()


def test_settings_reach_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    curve = ((0.0, 0.0), (0.5, 0.8), (1.0, 1.0))
    window.context.settings.update(undo_megabytes=128, mask_colour="#ffd400", mask_opacity=60, pressure_curve=curve)
    session = session_of(window)
    assert session.document is not None and session.document.history.budget == 128 * 2**20
    tools = session.settings
    assert {brush.curve for brush in (tools.brush, tools.eraser, tools.paint_brush, tools.paint_eraser)} == {curve}
    assert window.canvas.page.strip.mask_colour.colour.name() == "#ffd400"
    assert window.canvas.page.options.popover.curve.field.curve == curve
    with qtbot.waitSignal(window.context.settings.changed):
        window.canvas.page.options.popover.curve.changed.emit(((0.0, 0.0), (1.0, 1.0)))
    assert session.settings.brush.curve == ((0.0, 0.0), (1.0, 1.0))


def test_dialogs_never_hold_the_program_up(window: MainWindow, qtbot: QtBot) -> None:
    open_picture(window, qtbot)
    for name in ("new_canvas", "resize_canvas", "scale_picture", "export", "open", "save_as", "mask_from_file"):
        before = {dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()}
        window.commands.run(name)
        (dialog,) = {dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()} - before
        dialog.close()
