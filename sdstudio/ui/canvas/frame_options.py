"""The options of the frame: its size, how far and to which side to extend, and the way back to "chosen by itself"."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from sdstudio.app.edit_settings import EXTEND_MAX, EXTEND_MIN
from sdstudio.domain.edits import MARGIN_MAX
from sdstudio.domain.geometry import SIDE_MIN, SIDE_STEP
from sdstudio.ui.canvas.option_groups import Group
from sdstudio.ui.controls import FlatButton, IconButton, NumberField, TextLabel, describe
from sdstudio.ui.theme import Theme

_FIELD = 64
SIDES = (("left", "arrowleft"), ("top", "arrowup"), ("right", "arrow"), ("bottom", "arrowdown"))


class FrameSizeGroup(Group):
    """`changed` carries (width, height)."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.width_field = self._field(self.tr("Width of the frame in pixels"))
        self.height_field = self._field(self.tr("Height of the frame in pixels"))
        self.row.addWidget(self.width_field)
        self.row.addWidget(TextLabel(theme, "×", role="label"))
        self.row.addWidget(self.height_field)

    def _field(self, name: str) -> NumberField:
        field = NumberField(SIDE_MIN, 2 * MARGIN_MAX, step=SIDE_STEP)
        field.setFixedWidth(_FIELD)
        field.setKeyboardTracking(False)
        describe(field, name)
        field.valueChanged.connect(self._tell)
        field.lineEdit().returnPressed.connect(self.left)
        return field

    def _tell(self) -> None:
        self.changed.emit((self.width_field.value(), self.height_field.value()))

    def set_value(self, size: tuple[int, int]) -> None:
        for field, value in zip((self.width_field, self.height_field), size, strict=True):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)

    def stops(self) -> Sequence[QWidget]:
        return self.width_field, self.height_field


class ExtendGroup(Group):
    """`changed` carries the pixels, `extend_asked` a side."""

    extend_asked = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._label = TextLabel(theme, self.tr("Extend by"), role="label")
        self.field = NumberField(EXTEND_MIN, EXTEND_MAX, step=EXTEND_MIN, unit=self.tr("px"))
        self.field.setFixedWidth(_FIELD + 16)
        self.field.setKeyboardTracking(False)
        describe(self.field, self.tr("Extend by pixels"))
        self.field.valueChanged.connect(lambda value: self.changed.emit(value))
        self.field.lineEdit().returnPressed.connect(self.left)
        self.row.addWidget(self._label)
        self.row.addWidget(self.field)
        names = {
            "left": self.tr("Extend to the left"),
            "top": self.tr("Extend at the top"),
            "right": self.tr("Extend to the right"),
            "bottom": self.tr("Extend at the bottom"),
        }
        self.buttons: dict[str, IconButton] = {}
        for side, icon in SIDES:
            button = IconButton(theme, icon, names[side], icon_size=16)
            describe(button, names[side])
            button.clicked.connect(lambda _on=False, chosen=side: self.extend_asked.emit(chosen))
            self.row.addWidget(button)
            self.buttons[side] = button

    def set_value(self, pixels: int) -> None:
        self.field.blockSignals(True)
        self.field.setValue(pixels)
        self.field.blockSignals(False)

    def stops(self) -> Sequence[QWidget]:
        return (self.field, *self.buttons.values())


class FrameAutoGroup(Group):
    """`changed` carries nothing: a click lets the frame choose itself."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.button = FlatButton(theme, self.tr("Choose by itself"))
        hint = self.tr("The frame follows the mask, with room around it")
        describe(self.button, self.tr("Choose by itself"), hint)
        self.button.clicked.connect(lambda _on=False: self.changed.emit(None))
        self.row.addWidget(self.button)

    def set_value(self, chosen: bool) -> None:
        """Whether there is anything to let go of."""
        self.button.setEnabled(chosen)

    def stops(self) -> Sequence[QWidget]:
        return (self.button,)
