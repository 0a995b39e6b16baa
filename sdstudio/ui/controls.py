"""The controls of the window, in one place to import from."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from sdstudio.ui.controls_buttons import (
    Button,
    Chip,
    FlatButton,
    FoldButton,
    IconButton,
    LinkButton,
    PrimaryButton,
    ToggleButton,
)
from sdstudio.ui.controls_fields import ComboField, ComboRows, DecimalField, NumberField, draw_badge
from sdstudio.ui.controls_labels import (
    ElidedLabel,
    ErrorLine,
    FieldLabel,
    Heading,
    SectionLine,
    TextLabel,
    breakable,
)
from sdstudio.ui.controls_slider import Slider, ValueSlider

__all__ = [
    "Button",
    "Chip",
    "ComboField",
    "ComboRows",
    "DecimalField",
    "ElidedLabel",
    "ErrorLine",
    "FieldLabel",
    "FlatButton",
    "FoldButton",
    "Heading",
    "IconButton",
    "LinkButton",
    "NumberField",
    "PrimaryButton",
    "SectionLine",
    "Slider",
    "TextLabel",
    "ToggleButton",
    "ValueSlider",
    "breakable",
    "describe",
    "draw_badge",
]


def describe(widget: QWidget, name: str, hint: str = "", key: str = "") -> None:
    """Accessible name and tooltip of a control: what it does in plain words and, after a gap, its key."""
    keys = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) if key else ""
    words = hint or name
    widget.setAccessibleName(name)
    widget.setToolTip(f"{words}  {keys}" if keys else words)
