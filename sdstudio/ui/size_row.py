"""The size of the pictures: chips with what suits the model, and two fields for anything else."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from sdstudio.domain.geometry import SIDE_MAX, SIDE_MIN, SIDE_STEP, Size, snap_side
from sdstudio.ui.chip_row import ChipRow
from sdstudio.ui.controls import Chip, IconButton, NumberField, describe
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT, ROW_GAP

_GAP = 4
_CHIPS_MAX = 6
_COLUMNS_MAX = 3


class SizeChips(ChipRow):
    """`chosen` carries a Size."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sizes: tuple[Size, ...] = ()
        self._current: Size | None = None
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)

    def set_sizes(self, sizes: Sequence[Size]) -> None:
        """Makes the chips anew where the sizes are others."""
        if tuple(sizes[:_CHIPS_MAX]) == self._sizes:
            return
        self._sizes = tuple(sizes[:_CHIPS_MAX])
        for chip in self.chips:
            self._grid.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = [self._make(size) for size in self._sizes]
        self._columns = 0
        self._arrange()
        self.set_current(self._current)

    def set_current(self, size: Size | None) -> None:
        """Marks the chip of this size; none for a size of one's own."""
        self._current = size
        for chip, own in zip(self.chips, self._sizes, strict=True):
            chip.setChecked(own == size)
        self.set_tab_stop(next((chip for chip in self.chips if chip.isChecked()), None))

    def minimumSizeHint(self) -> QSize:
        """One chip: where there is less room they go to more lines."""
        widest = max((chip.sizeHint().width() for chip in self.chips), default=0)
        return QSize(widest, CHIP_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _make(self, size: Size) -> Chip:
        words = f"{size.width} × {size.height}"
        chip = Chip(self._theme, words, self)
        describe(chip, self.tr("Size {size} pixels").format(size=words), self._shape(size))
        chip.clicked.connect(lambda: self._choose(size))
        chip.show()
        return chip

    def _shape(self, size: Size) -> str:
        if size.width == size.height:
            return self.tr("Square picture")
        return self.tr("Wide picture") if size.width > size.height else self.tr("Tall picture")

    def _choose(self, size: Size) -> None:
        # A click unchecks a checked chip; the session's answer may then be silence.
        self.set_current(size)
        self.chosen.emit(size)

    def _arrange(self) -> None:
        if not self.chips:
            return
        widest = max(chip.sizeHint().width() for chip in self.chips)
        columns = min(_COLUMNS_MAX, max(1, (self.width() + _GAP) // (widest + _GAP)), len(self.chips))
        if columns == self._columns:
            return
        self._columns = columns
        for column in range(_COLUMNS_MAX):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for place, chip in enumerate(self.chips):
            self._grid.addWidget(chip, place // columns, place % columns)
        rows = -(-len(self.chips) // columns)
        self.setFixedHeight(rows * CHIP_HEIGHT + (rows - 1) * _GAP)


class SizeFields(QWidget):
    """Width and height as numbers, and a button that swaps them. `edited` carries a Size."""

    edited = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.width_field = NumberField(SIDE_MIN, SIDE_MAX, step=SIDE_STEP, snap=snap_side)
        self.height_field = NumberField(SIDE_MIN, SIDE_MAX, step=SIDE_STEP, snap=snap_side)
        self.swap = IconButton(theme, "swap", "", flat=True)
        hint = self.tr("{side} in pixels, in steps of 8; other numbers go to the nearest.")
        describe(self.width_field, self.tr("Width in pixels"), hint.format(side=self.tr("Width")))
        describe(self.height_field, self.tr("Height in pixels"), hint.format(side=self.tr("Height")))
        describe(self.swap, self.tr("Swap width and height"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(ROW_GAP)
        row.addWidget(self.width_field, 1)
        row.addWidget(self.swap)
        row.addWidget(self.height_field, 1)
        self.setFocusProxy(self.width_field)
        self.width_field.valueChanged.connect(self._tell)
        self.height_field.valueChanged.connect(self._tell)
        self.swap.clicked.connect(self._swap)

    def set_size(self, size: Size) -> None:
        """Shows a size; silent."""
        for field, side in ((self.width_field, size.width), (self.height_field, size.height)):
            blocked = field.blockSignals(True)
            field.setValue(side)
            field.blockSignals(blocked)

    def set_invalid(self, invalid: bool) -> None:
        self.width_field.set_invalid(invalid)
        self.height_field.set_invalid(invalid)

    def _tell(self) -> None:
        self.edited.emit(Size(self.width_field.value(), self.height_field.value()))

    def _swap(self) -> None:
        self.set_size(Size(self.height_field.value(), self.width_field.value()))
        self._tell()
