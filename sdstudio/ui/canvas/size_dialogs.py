"""New canvas, canvas size, scale: the dialogs that make sizes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QGridLayout, QWidget

from sdstudio.app import messages
from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.canvas.swatch import ColourSwatch
from sdstudio.ui.canvas.task_dialog import TaskDialog
from sdstudio.ui.controls import IconButton, NumberField, TextLabel, ToggleButton, describe
from sdstudio.ui.size_row import SizeChips
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import LABEL_COLUMN

BYTES_A_PIXEL = 4
MEMORY_SAID_FROM = 64 * 2**20
Colour = tuple[int, int, int]


class SidesRow:
    """Width × height as two number fields; any whole number of pixels, for a canvas need not be what a model makes."""

    def __init__(self, dialog: TaskDialog) -> None:
        self.width = NumberField(1, MAX_SIDE, unit=dialog.tr("px"))
        self.height = NumberField(1, MAX_SIDE, unit=dialog.tr("px"))
        for field, name in ((self.width, dialog.tr("Width in pixels")), (self.height, dialog.tr("Height in pixels"))):
            describe(field, name)
            field.setFixedWidth(96)
        self.label = dialog.add_row(dialog.tr("Size"), self.width, TextLabel(dialog.theme, "×"), self.height)

    @property
    def size(self) -> Size:
        return Size(self.width.value(), self.height.value())

    def show(self, size: Size) -> None:
        """Silent."""
        for field, side in ((self.width, size.width), (self.height, size.height)):
            blocked = field.blockSignals(True)
            field.setValue(side)
            field.blockSignals(blocked)


def memory_words(dialog: TaskDialog, size: Size) -> str:
    """What a canvas of this size takes, where that is worth saying."""
    needed = size.pixels * BYTES_A_PIXEL
    if needed < MEMORY_SAID_FROM:
        return ""
    return dialog.tr("Takes about {memory} of memory.").format(memory=messages.memory(needed))


class NewCanvasDialog(TaskDialog):
    """`chosen` carries Size and (r, g, b), or None for transparent."""

    chosen = Signal(object, object)

    def __init__(self, theme: Theme, sizes: Sequence[Size], size: Size, parent: QWidget | None = None) -> None:
        """`sizes` are those that suit the model; `size` is what stands in the fields at first."""
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("New canvas"))
        self.heading.setText(self.windowTitle())
        self.primary.setText(self.tr("Make the canvas"))
        self.chips = SizeChips(theme)
        self.chips.set_sizes(sizes)
        self.sides = SidesRow(self)
        chips = QGridLayout()
        chips.setContentsMargins(LABEL_COLUMN + 8, 0, 0, 0)
        chips.addWidget(self.chips)
        self.body.addLayout(chips)
        self.grounds = {
            "white": ToggleButton(theme, self.tr("White")),
            "transparent": ToggleButton(theme, self.tr("Transparent")),
            "colour": ToggleButton(theme, self.tr("Colour")),
        }
        self.swatch = ColourSwatch(theme, "#808080", 28)
        self.swatch.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        describe(self.swatch, self.tr("Choose the colour"))
        for button in self.grounds.values():
            button.setAutoExclusive(True)
        self.add_row(self.tr("Ground"), *self.grounds.values(), self.swatch)
        self.note = self.add_words()
        self.grounds["white"].setChecked(True)
        self.chips.chosen.connect(self._take)
        for field in (self.sides.width, self.sides.height):
            field.valueChanged.connect(self._follow)
        self.swatch.clicked.connect(self._ask_colour)
        self.accepted.connect(lambda: self.chosen.emit(self.sides.size, self.colour))
        self._take(size)

    @property
    def colour(self) -> Colour | None:
        if self.grounds["transparent"].isChecked():
            return None
        if self.grounds["white"].isChecked():
            return (255, 255, 255)
        shown = self.swatch.colour
        return shown.red(), shown.green(), shown.blue()

    def _take(self, size: Size) -> None:
        self.sides.show(size)
        self._follow()

    def _follow(self) -> None:
        self.chips.set_current(self.sides.size)
        self.note.setText(memory_words(self, self.sides.size))

    def _ask_colour(self) -> None:
        self.grounds["colour"].setChecked(True)
        ask_colour(self, self.swatch.colour, self.tr("Colour of the canvas")).colorSelected.connect(
            self.swatch.set_colour
        )


def ask_colour(parent: QWidget, colour: QColor, title: str) -> QColorDialog:
    """Opens the colour dialog; what is chosen comes with its `colorSelected`."""
    dialog = QColorDialog(colour, parent)
    dialog.setWindowTitle(title)
    dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
    dialog.setOption(QColorDialog.ColorDialogOption.NoEyeDropperButton)  # the canvas has a picker of its own
    for button in dialog.findChildren(QAbstractButton):
        button.setIcon(QIcon())
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog


class ResizeDialog(TaskDialog):
    """Another size without touching a pixel: `chosen` carries the new edges in pixels of the present canvas."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, size: Size, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Canvas size"))
        self.heading.setText(self.windowTitle())
        self.primary.setText(self.tr("Change the size"))
        self._before = size
        self.add_words(self.tr("Adds transparent room at the edges, or cuts away what is outside."))
        self.sides = SidesRow(self)
        self.anchors: dict[tuple[int, int], IconButton] = {}
        self.add_row(self.tr("Stays"), self._anchor_grid())
        self.note = self.add_words()
        for field in (self.sides.width, self.sides.height):
            field.valueChanged.connect(self._follow)
        self.accepted.connect(lambda: self.chosen.emit(self.edges))
        self.sides.show(size)
        self._follow()

    def _anchor_grid(self) -> QWidget:
        part = QWidget()
        grid = QGridLayout(part)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        names = (
            (self.tr("top left"), self.tr("top"), self.tr("top right")),
            (self.tr("left"), self.tr("middle"), self.tr("right")),
            (self.tr("bottom left"), self.tr("bottom"), self.tr("bottom right")),
        )
        for row in range(3):
            for column in range(3):
                name = self.tr("The picture stays at the {place}").format(place=names[row][column])
                button = IconButton(self.theme, "image", name, token="text2")
                button.setCheckable(True)
                button.setAutoExclusive(True)
                button.clicked.connect(self._follow)
                grid.addWidget(button, row, column)
                self.anchors[column, row] = button
        self.anchors[1, 1].setChecked(True)
        return part

    @property
    def edges(self) -> Rect:
        after, before = self.sides.size, self._before
        column, row = next((place for place, button in self.anchors.items() if button.isChecked()), (1, 1))
        x = (before.width - after.width) * column // 2
        y = (before.height - after.height) * row // 2
        return Rect(x, y, after.width, after.height)

    def _follow(self) -> None:
        after, before = self.sides.size, self._before
        words = messages.size(before)
        if after != before:
            words = self.tr("{before} becomes {after}.").format(before=words, after=messages.size(after))
            if after.width < before.width or after.height < before.height:
                words += " " + self.tr("What lies outside is cut away; undo brings it back.")
        self.note.setText(f"{words} {memory_words(self, after)}".strip())
        self.primary.setEnabled(after != before)


class ScaleDialog(TaskDialog):
    """The whole picture larger or smaller. `chosen` carries a Size."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, size: Size, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Scale the picture"))
        self.heading.setText(self.windowTitle())
        self.primary.setText(self.tr("Scale"))
        self._before = size
        self.sides = SidesRow(self)
        self.keep = IconButton(theme, "link", self.tr("Keep the proportions"), flat=True)
        self.keep.setCheckable(True)
        self.keep.setChecked(True)
        self.percent = NumberField(1, 1600, unit=self.tr("%"))
        self.percent.setFixedWidth(96)
        describe(self.percent, self.tr("Percent of the present size"))
        self.add_row(self.tr("Scale"), self.percent, self.keep)
        self.note = self.add_words()
        self.sides.width.valueChanged.connect(lambda width: self._sides_changed(width / size.width, by_width=True))
        self.sides.height.valueChanged.connect(lambda height: self._sides_changed(height / size.height, by_width=False))
        self.percent.valueChanged.connect(self._percent_changed)
        self.accepted.connect(lambda: self.chosen.emit(self.sides.size))
        self.sides.show(size)
        self._follow()

    def _sides_changed(self, factor: float, by_width: bool) -> None:
        if self.keep.isChecked():
            width = self.sides.width.value() if by_width else _side(self._before.width * factor)
            height = _side(self._before.height * factor) if by_width else self.sides.height.value()
            self.sides.show(Size(width, height))
        self._follow()

    def _percent_changed(self, percent: int) -> None:
        self.sides.show(Size(_side(self._before.width * percent / 100), _side(self._before.height * percent / 100)))
        self._follow()

    def _follow(self) -> None:
        after, before = self.sides.size, self._before
        blocked = self.percent.blockSignals(True)
        self.percent.setValue(round(after.width / before.width * 100))
        self.percent.blockSignals(blocked)
        words = self.tr("{before} becomes {after}.").format(before=messages.size(before), after=messages.size(after))
        self.note.setText(f"{words} {memory_words(self, after)}".strip() if after != before else messages.size(before))
        self.primary.setEnabled(after != before)


def _side(value: float) -> int:
    return min(max(1, round(value)), MAX_SIDE)
