"""After a crash the window says so, and offers the folder of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from sdstudio.ui import crash_notice
from sdstudio.ui.banner import Banner
from sdstudio.ui.controls import Button
from sdstudio.ui.crash_notice import tell_of_crash
from sdstudio.ui.theme import Theme


def test_the_folder_is_offered_and_nothing_else(
    theme: Theme, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(crash_notice, "open_locally", opened.append)
    banner = Banner(theme)
    qtbot.addWidget(banner)
    tell_of_crash(banner, tmp_path / "crash-report-1.txt")
    banner.show()
    words = " ".join(label.text() for label in banner.findChildren(QLabel))
    assert "ended unexpectedly" in words and "nothing was sent" in words
    button = next(button for button in banner.findChildren(Button) if button.text() == "Open its folder")
    button.click()
    assert opened == [str(tmp_path)]
