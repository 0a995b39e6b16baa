"""The bundled typeface and the roles it is used in."""

from __future__ import annotations

from typing import Literal

from PySide6.QtGui import QFont, QFontDatabase

from sdstudio.domain.errors import StudioError
from sdstudio.storage.resources import resource_path

FontRole = Literal["title", "dialog", "prompt", "body", "heading", "button", "small", "badge", "primary", "mono"]

_FILES = ("Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf")
_FAMILIES = ["Inter", "DejaVu Sans"]
_MONO = ["DejaVu Sans Mono", "Consolas", "monospace"]

# Points that give whole pixels at 96 dpi: 15 = 20 px, 12 = 16, 9.75 = 13, 9 = 12, 8.25 = 11.
_ROLES: dict[FontRole, tuple[float, QFont.Weight]] = {
    "title": (15, QFont.Weight.DemiBold),
    "dialog": (12, QFont.Weight.DemiBold),
    "prompt": (9.75, QFont.Weight.Normal),
    "primary": (9.75, QFont.Weight.DemiBold),
    "body": (9, QFont.Weight.Normal),
    "heading": (9, QFont.Weight.DemiBold),
    "button": (9, QFont.Weight.Medium),
    "small": (8.25, QFont.Weight.Normal),
    "badge": (8.25, QFont.Weight.Medium),
    "mono": (8.25, QFont.Weight.Normal),
}


def load_fonts() -> None:
    """Makes the bundled files known to Qt. Raises StudioError where one of them is broken."""
    for name in _FILES:
        path = resource_path(f"fonts/{name}")
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            raise StudioError(f"The font {name} cannot be read.", hint="Install SD Studio again.")


def make_font(role: FontRole) -> QFont:
    """The font of a role. Figures are tabular, so that a number that counts does not wobble."""
    points, weight = _ROLES[role]
    font = QFont()
    font.setFamilies(_MONO if role == "mono" else _FAMILIES)
    font.setPointSizeF(points)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
