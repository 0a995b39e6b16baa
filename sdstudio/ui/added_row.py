"""One LoRA in the panel: on or off, its name, how strongly it acts, the words that wake it, and why it does not act."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.added_rows import LoraRow
from sdstudio.domain.additions import LORA_WEIGHT_MAX
from sdstudio.ui.added_chips import WordChips
from sdstudio.ui.controls import ElidedLabel, IconButton, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT, ICON_SIZE

SLIDER_LOW, SLIDER_HIGH, STEP = -1.0, 2.0, 0.05
_INDENT = CHIP_HEIGHT + 4
"""Below the eye: what belongs to a row begins where its name does."""


class LoraRowView(QWidget):
    """Signals come from hands only."""

    weight_changed = Signal(float)
    switched = Signal(bool)
    removed = Signal()
    word_chosen = Signal(str)

    def __init__(self, theme: Theme, row: LoraRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.row = row
        self.eye = IconButton(theme, "eye", "", flat=True, side=CHIP_HEIGHT, icon_size=ICON_SIZE)
        self.name = ElidedLabel(theme, font="button", mode=Qt.TextElideMode.ElideMiddle)
        self.aside = TextLabel(theme, font="small", role="hint")
        self.remove = IconButton(theme, "close", "", flat=True, side=CHIP_HEIGHT, token="text2")
        self.weight = ValueSlider(
            theme,
            -LORA_WEIGHT_MAX,
            LORA_WEIGHT_MAX,
            slider_low=SLIDER_LOW,
            slider_high=SLIDER_HIGH,
            step=STEP,
            decimals=True,
        )
        self.why = TextLabel(theme, font="small", role="hint")
        self.why.setWordWrap(True)
        self.words = WordChips(theme, row.words)
        self._arrange()
        self.eye.clicked.connect(lambda: self.switched.emit(not self.row.on))
        self.remove.clicked.connect(self.removed)
        self.weight.value_changed.connect(self.weight_changed)
        self.words.chosen.connect(self.word_chosen)
        self.show_row(row)

    def show_row(self, row: LoraRow) -> None:
        """Of the same LoRA; what a hand holds meanwhile is not disturbed."""
        self.row = row
        title, chosen = row.title, row.weight is not None
        self.name.setText(title)
        self.name.setEnabled(row.acts)
        self.name.setToolTip(row.place)
        self.aside.setText(row.aside)
        self.aside.setVisible(bool(row.aside))
        self.eye.set_icon_name("eye" if row.on else "eyeoff")
        self.eye.setVisible(chosen)
        self.remove.setVisible(chosen)
        self.weight.setVisible(chosen and (row.acts or not row.on or row.fixed))
        self.weight.setEnabled(row.acts and not row.fixed)
        if row.weight is not None:
            self.weight.set_value(row.weight)
        self.why.setText(row.why)
        self.why.setVisible(bool(row.why))
        self.words.setVisible(bool(row.words) and row.acts)
        self._describe(title, row.on)

    def tab_stops(self) -> list[QWidget]:
        return [self.eye, self.remove, self.weight.slider, self.weight.number, *self.words.chips]

    def _describe(self, title: str, on: bool) -> None:
        off = self.tr("Leave {name} out of the next pictures").format(name=title)
        back = self.tr("Let {name} act again").format(name=title)
        away = self.tr("Take {name} off the list").format(name=title)
        for button, words in ((self.eye, off if on else back), (self.remove, away)):
            button.setAccessibleName(words)
            button.setToolTip(words)
        hint = self.tr("1 as it was trained, 0 not at all, below 0 the opposite.")
        self.weight.describe(self.tr("Strength of {name}").format(name=title), hint)

    def _arrange(self) -> None:
        policy = self.eye.sizePolicy()
        # The name of one without an eye begins where the others do.
        policy.setRetainSizeWhenHidden(True)
        self.eye.setSizePolicy(policy)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.eye)
        top.addWidget(self.name, 1)
        top.addWidget(self.aside)
        top.addWidget(self.remove)
        below = QVBoxLayout()
        below.setContentsMargins(_INDENT, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self.weight)
        below.addWidget(self.why)
        below.addWidget(self.words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(below)
