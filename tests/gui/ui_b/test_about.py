"""“About” says what runs here and where things are, and copies a report without anything private."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from sdstudio import __version__
from sdstudio.app import about_facts
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.ui.about import AboutDialog
from sdstudio.ui.main_window import MainWindow

CARD = EngineInfo(device="NVIDIA GeForce RTX 3060", device_kind="cuda", threads=6, memory_total=12 * 2**30)


def test_device_folders_and_licences(window: MainWindow) -> None:
    window.commands.run("about")
    dialog = window.commands.dialogs.open_one("about")
    assert isinstance(dialog, AboutDialog)
    assert window.context.bridge.info is not None
    assert dialog.device.text() == about_facts.device_words(window.context.bridge.info)
    assert "Apache" in dialog.notices.toPlainText()
    assert dialog.licences_button.isHidden(), "a checkout has no such file"
    dialog.close()


def test_folders_open(window: MainWindow, qtbot: QtBot) -> None:
    opened: list[Path] = []
    dialog = AboutDialog(window.context, window.theme, opened.append, lambda _path: None)
    qtbot.addWidget(dialog)
    for button in dialog.folder_buttons:
        button.click()
    paths = window.context.paths
    assert opened == [window.context.results_folder, paths.models, paths.config, paths.data, paths.logs]


def test_the_report_tells_nothing_private(window: MainWindow, qtbot: QtBot) -> None:
    logs = window.context.paths.logs
    logs.mkdir(parents=True, exist_ok=True)
    line = "2026-11-22 02:30:00,123 WARNING MainThread x: “a secret prompt” is not in /users/zoe/secret.png"
    (logs / "sdstudio.log").write_text(line + "\n", encoding="utf-8")
    dialog = AboutDialog(window.context, window.theme, lambda _path: None, lambda _path: None)
    qtbot.addWidget(dialog)
    dialog.report_button.click()
    text = QGuiApplication.clipboard().text()
    assert __version__ in text and "from source" in text and "WARNING MainThread x:" in text
    assert "secret" not in text and "zoe" not in text
    assert dialog.report_button.text() == "Copied"


def test_words_for_the_device() -> None:
    assert about_facts.device_words(None).startswith("Not known yet")
    assert about_facts.device_words(CARD) == (
        "Pictures are made with NVIDIA GeForce RTX 3060, 6 threads, 12.0 GB of memory."
    )
    gone = EngineInfo(device="CPU", device_kind="cpu", threads=2, missing="cuda:0")
    assert "cuda:0 is not there" in about_facts.report("1", gone, Path("nowhere"), "xcb")
    why = "No graphics card is used, because there is no driver."
    without = EngineInfo(device="CPU", device_kind="cpu", threads=2, no_card=why)
    assert about_facts.device_words(without) == f"Pictures are made with the processor, 2 threads. {why}"
    assert why in about_facts.report("1", without, Path("nowhere"), "xcb").splitlines()


def test_the_installed_program_has_all_licences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sdstudio"))
    assert about_facts.licences_file() is None
    file = tmp_path / about_facts.LICENCES
    file.touch()
    assert about_facts.licences_file() == file
