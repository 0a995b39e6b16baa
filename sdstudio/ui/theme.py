"""The look of the window as one object: colours, fonts, icons; dark, light, or as the system has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QStyleFactory, QToolTip, QWidget

from sdstudio.ui.fonts import FontRole, load_fonts, make_font
from sdstudio.ui.icons import icon_pixmap, make_icon
from sdstudio.ui.style import make_palette, make_style_sheet
from sdstudio.ui.tokens import DARK, ICON_SIZE, LIGHT, Tokens

__all__ = ["DARK", "LIGHT", "Theme", "ThemeMode", "Tokens", "set_surface"]

ThemeMode = Literal["dark", "light", "system"]
Surface = Literal["window", "dock", "canvas", "notice", "field"]


class Theme(QObject):
    """Hands out colours, fonts and icons; `changed` carries the new Tokens. Make it after the QApplication."""

    changed = Signal(object)

    def __init__(self, mode: ThemeMode = "dark", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app: QApplication | None = None
        self._mode: ThemeMode = mode
        self._tokens = self._choose()
        self._icons: dict[tuple[str, str, int, str], QIcon] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        self._fonts: dict[FontRole, QFont] = {}
        self.reduce_motion = False
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow_system)

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    @property
    def mode(self) -> ThemeMode:
        return self._mode

    def apply(self, app: QApplication) -> None:
        """Loads the fonts and dresses the application. Once, before the first widget is shown."""
        load_fonts()
        self._app = app
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(make_font("body"))
        QToolTip.setFont(make_font("body"))
        self._dress()

    @contextmanager
    def undressed(self) -> Iterator[None]:
        """Takes the style sheet off while many widgets are built, and puts it on once for all of them: Qt styles a
        widget, with all that is in it, anew at each place it is put into (0.2 s of the main window's 0.45 s)."""
        if self._app is not None:
            self._app.setStyleSheet("")
        try:
            yield
        finally:
            self._dress()

    def set_mode(self, mode: ThemeMode) -> None:
        self._mode = mode
        self._switch(self._choose())

    def color(self, token: str) -> QColor:
        """The colour of a role. Raises AttributeError for an unknown one."""
        return QColor(getattr(self._tokens, token))

    def font(self, role: FontRole = "body") -> QFont:
        if role not in self._fonts:
            self._fonts[role] = make_font(role)
        return QFont(self._fonts[role])

    def icon(self, name: str, token: str = "text2", size: int = ICON_SIZE, active: str = "") -> QIcon:
        """An icon in the colour of `token`, disabled in `off`; `active` names the token for pointed at and on."""
        key = (name, token, size, active)
        if key not in self._icons:
            lit = getattr(self._tokens, active) if active else None
            self._icons[key] = make_icon(name, getattr(self._tokens, token), self._tokens.off, size, lit)
        return self._icons[key]

    def pixmap(self, name: str, token: str, size: int, ratio: float) -> QPixmap:
        """An icon as a pixmap, for painting at a widget's devicePixelRatioF()."""
        key = (name, token, size, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = icon_pixmap(name, getattr(self._tokens, token), size, ratio)
        return self._pixmaps[key]

    def _choose(self) -> Tokens:
        if self._mode == "system":
            light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
            return LIGHT if light else DARK
        return LIGHT if self._mode == "light" else DARK

    def _follow_system(self) -> None:
        if self._mode == "system":
            self._switch(self._choose())

    def _switch(self, tokens: Tokens) -> None:
        if tokens == self._tokens:
            return
        self._tokens = tokens
        self._icons.clear()
        self._pixmaps.clear()
        self._dress()
        self.changed.emit(tokens)

    def _dress(self) -> None:
        if self._app is None:
            return
        palette = make_palette(self._tokens)
        self._app.setPalette(palette)
        QToolTip.setPalette(palette)
        self._app.setStyleSheet(make_style_sheet(self._tokens))


def set_surface(widget: QWidget, surface: Surface) -> None:
    """Gives a plain widget the background of a surface."""
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    widget.setProperty("surface", surface)
