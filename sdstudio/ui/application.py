"""The QApplication: made once, before any widget."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from sdstudio.storage.settings import Settings
from sdstudio.ui.theme import Theme


def make_application(program: str, version: str) -> QApplication:
    """Crisp at every display scale: logical units are never rounded to whole ones."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        app = QApplication([program])
    app.setApplicationName("SD Studio")
    app.setApplicationVersion(version)
    app.setDesktopFileName("sdstudio")
    return app


def make_theme(app: QApplication, settings: Settings) -> Theme:
    """Dresses the application as the settings say."""
    theme = Theme(settings.theme)
    theme.apply(app)
    return theme


def when_painted(work: Callable[[], None]) -> None:
    """Calls `work` in the first turn of the event loop after the window has been shown."""
    QTimer.singleShot(0, work)
