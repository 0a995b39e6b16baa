"""The one application style sheet and the palette, both made from the tokens."""

from __future__ import annotations

from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QStyle, QWidget

from sdstudio.storage.resources import resource_path
from sdstudio.ui.tokens import Tokens

_ROLES = {
    QPalette.ColorRole.Window: "dock",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "dock",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "text",
    QPalette.ColorRole.Highlight: "fill",
    QPalette.ColorRole.HighlightedText: "filltext",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.LinkVisited: "accent",
    QPalette.ColorRole.PlaceholderText: "text2",
    QPalette.ColorRole.ToolTipBase: "notice",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Light: "hover",
    QPalette.ColorRole.Midlight: "raised",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Dark: "border",
    QPalette.ColorRole.Shadow: "window",
    QPalette.ColorRole.Accent: "accent",
}
_OFF_ROLES = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
    QPalette.ColorRole.PlaceholderText,
)


def make_palette(tokens: Tokens) -> QPalette:
    """For everything that no rule of the style sheet names: menus, selections, links, disabled text."""
    colours = tokens.colours()
    palette = QPalette()
    for role, token in _ROLES.items():
        palette.setColor(role, QColor(colours[token]))
    for role in _OFF_ROLES:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.off))
    return palette


def make_style_sheet(tokens: Tokens) -> str:
    """The style sheet with the tokens filled in. Raises KeyError where it names a token that does not exist."""
    path = resource_path("style/app.qss")
    values = tokens.colours() | {"theme": tokens.name, "style": path.parent.as_posix()}
    return Template(path.read_text(encoding="utf-8")).substitute(values)


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Sets a property that style rules look at, and has them looked at again. Does nothing where it is set already."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style: QStyle = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
