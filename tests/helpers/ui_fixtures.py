"""What tests of widgets share: one theme for the whole run, dark at the beginning of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from sdstudio.ui.style import make_style_sheet
from sdstudio.ui.theme import DARK, Theme


@pytest.fixture(scope="session")
def one_theme(qapp: QApplication) -> Theme:
    theme = Theme("dark", qapp)
    theme.apply(qapp)
    return theme


@pytest.fixture
def theme(one_theme: Theme, qapp: QApplication) -> Iterator[Theme]:
    """Dark at the beginning of every test, whatever a test before did."""
    one_theme.set_mode("dark")
    if qapp.styleSheet() != make_style_sheet(DARK):
        one_theme.apply(qapp)
    yield one_theme
