"""The Models dialog over a folder of models of many kinds: fixtures and hands for its tests."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.models_dialog import ModelsDialog
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors

EVIL = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00hi\x85R."
Key = Qt.Key


@pytest.fixture
def stocked(context: AppContext) -> AppContext:
    """Two models, a LoRA, one that is refused, and an added folder that is not there."""
    models = context.paths.models
    write_safetensors(models / "ink.safetensors", families.small_sd(1))
    write_safetensors(models / "two.safetensors", families.small_sd(2))
    write_safetensors(models / "wash.safetensors", families.lora(768))
    (models / "evil.ckpt").write_bytes(EVIL)
    context.settings.update(model_folders=(str(models.parent / "disk" / "models"),))
    return context


@pytest.fixture
def dialog(stocked: AppContext, window: MainWindow, qtbot: QtBot) -> ModelsDialog:
    window.commands.run("models")
    dialog = window.commands.dialog("models")
    assert isinstance(dialog, ModelsDialog)
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.waitUntil(lambda: dialog.pane.rows.rowCount() == 5)
    return dialog


def titles(dialog: ModelsDialog) -> list[str]:
    rows = dialog.pane.rows
    return [str(rows.index(row).data()) for row in range(rows.rowCount())]


def press(dialog: ModelsDialog, qtbot: QtBot, *keys: Qt.Key) -> None:
    for key in keys:
        qtbot.keyClick(QApplication.focusWidget() or dialog, key)
