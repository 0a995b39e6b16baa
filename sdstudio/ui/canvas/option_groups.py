"""The parts of the option bar: a name with its control, which can be shown wide or narrow."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QWidget

from sdstudio.ui.controls import IconButton, TextLabel, ToggleButton, ValueSlider
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT

SLIDER_WIDTH = 64
_GAP = 8


class Group(QWidget):
    """`changed` carries the value that a hand chose; `set_value` is silent. `left` comes on Enter in a number field."""

    changed = Signal(object)
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(_GAP)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(CONTROL_HEIGHT)

    def set_narrow(self, narrow: bool) -> None:
        """Without its slider, where it has one."""

    def width_when(self, narrow: bool) -> int:
        """The room it takes in the bar, in logical pixels."""
        return self.sizeHint().width()

    def stops(self) -> Sequence[QWidget]:
        """Its controls, left to right."""
        return ()


class NumberGroup(Group):
    """A number with a slider. `factor` turns the shown number into the value: 0.01 for percent."""

    def __init__(
        self,
        theme: Theme,
        label: str,
        hint: str,
        low: int,
        high: int,
        *,
        unit: str,
        slider_high: int | None = None,
        factor: float = 1.0,
    ) -> None:
        super().__init__(theme)
        self._factor = factor
        self._label = TextLabel(theme, label, role="label")
        self.field = ValueSlider(theme, low, high, slider_high=slider_high, unit=unit)
        self.field.slider.setFixedWidth(SLIDER_WIDTH)
        self.field.describe(f"{label} ({unit})" if unit else label, hint)
        self._label.setBuddy(self.field)
        self.row.addWidget(self._label)
        self.row.addWidget(self.field)
        self.field.value_changed.connect(lambda value: self.changed.emit(value * self._factor))
        self.field.number.lineEdit().returnPressed.connect(self.left)

    def set_value(self, value: float) -> None:
        self.field.set_value(round(value / self._factor))

    def set_narrow(self, narrow: bool) -> None:
        self.field.slider.setVisible(not narrow)

    def width_when(self, narrow: bool) -> int:
        number = self.field.number.width()
        whole = self._label.sizeHint().width() + _GAP + number
        return whole if narrow else whole + SLIDER_WIDTH + _GAP

    def set_label_width(self, width: int) -> None:
        """One column in the popover; 0 = as wide as its words."""
        self._label.setMinimumWidth(width)

    def stops(self) -> Sequence[QWidget]:
        return self.field.slider, self.field.number


class ToggleGroup(Group):
    """Icon buttons that stay chosen; `changed` carries (name, on)."""

    def __init__(self, theme: Theme, toggles: Sequence[tuple[str, str, str]]) -> None:
        """`toggles`: name, icon, words."""
        super().__init__(theme)
        self.row.setSpacing(4)
        self.buttons: dict[str, IconButton] = {}
        for name, icon, words in toggles:
            button = IconButton(theme, icon, words, flat=True, icon_size=20, token="text2")
            button.setCheckable(True)
            button.clicked.connect(lambda on, chosen=name: self.changed.emit((chosen, on)))
            self.row.addWidget(button)
            self.buttons[name] = button

    def set_value(self, name: str, on: bool) -> None:
        self.buttons[name].setChecked(on)

    def stops(self) -> Sequence[QWidget]:
        return tuple(self.buttons.values())


class ChoiceGroup(Group):
    """One of a few words."""

    def __init__(self, theme: Theme, choices: Sequence[tuple[str, str, str]]) -> None:
        """`choices`: value, words, hint."""
        super().__init__(theme)
        self.row.setSpacing(4)
        self.buttons: dict[str, ToggleButton] = {}
        for value, words, hint in choices:
            button = ToggleButton(theme, words)
            button.setToolTip(hint)
            button.setAutoExclusive(True)
            button.clicked.connect(lambda _on=False, chosen=value: self.changed.emit(chosen))
            self.row.addWidget(button)
            self.buttons[value] = button

    def set_value(self, value: str) -> None:
        self.buttons[value].setChecked(True)

    def stops(self) -> Sequence[QWidget]:
        return tuple(self.buttons.values())


class FlagGroup(Group):
    """A box to tick."""

    def __init__(self, theme: Theme, words: str, hint: str) -> None:
        super().__init__(theme)
        self.box = QCheckBox(words)
        self.box.setToolTip(hint)
        self.row.addWidget(self.box)
        self.box.clicked.connect(lambda on: self.changed.emit(on))

    def set_value(self, on: bool) -> None:
        self.box.setChecked(on)

    def stops(self) -> Sequence[QWidget]:
        return (self.box,)


class HintGroup(Group):
    """One line about a tool that has nothing to set."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.words = TextLabel(theme, role="hint")
        self.row.addWidget(self.words)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_value(self, words: str) -> None:
        self.words.setText(words)
        self.words.setToolTip(words)

    def width_when(self, narrow: bool) -> int:
        return 0


class ButtonGroup(Group):
    """One icon button that does something at once; `changed` carries None."""

    def __init__(self, theme: Theme, icon: str, name: str) -> None:
        super().__init__(theme)
        self.button = IconButton(theme, icon, name, flat=True, icon_size=20, token="text2")
        self.row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.button.clicked.connect(lambda: self.changed.emit(None))

    def stops(self) -> Sequence[QWidget]:
        return (self.button,)
