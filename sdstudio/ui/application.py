"""The QApplication: made once, before any widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from sdstudio.storage.settings import Settings
from sdstudio.ui.theme import Theme

SETTLE_MS = 50
"""The window manager's answer to a new window: a second layout and paint follow the first at once."""


def make_application(program: str, version: str) -> QApplication:
    """Crisp at every display scale: logical units are never rounded to whole ones."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        use_every_point()
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


def use_every_point() -> None:
    """To be called once, before the QApplication is made: Qt otherwise leaves moves out where many come at once, and
    a quick curve would become a polygon."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressTabletEvents, False)


class _AfterFirstPaint(QObject):
    """Waits for the window's first paint, then calls `painted` and, a moment later, `work`; each once."""

    def __init__(self, window: QWidget, work: Callable[[], None], painted: Callable[[], None]) -> None:
        super().__init__(window)
        self._work = work
        self._painted = painted
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._painted)
            QTimer.singleShot(SETTLE_MS, self._work)
        return False


def _nothing() -> None:
    pass


def when_painted(window: QWidget, work: Callable[[], None], painted: Callable[[], None] = _nothing) -> None:
    """Calls `painted` at the window's first paint, and `work` when it has been on the screen for a moment.

    Not earlier: the first paint makes Qt load plugins, which waits as long as another thread is loading libraries
    (the loader has one lock; with torch that was a standstill of 0.4 s).
    """
    _AfterFirstPaint(window, work, painted)


def in_turns(steps: Sequence[Callable[[], None]]) -> None:
    """Does the first now, and each of the others in a turn of the event loop: between them the window answers."""
    first, *others = steps
    first()
    if others:
        QTimer.singleShot(0, partial(in_turns, others))
