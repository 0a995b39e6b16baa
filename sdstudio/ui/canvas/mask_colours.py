"""How the mask is shown: its tint, how strong it is, and whether it is a tint at all."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.settings_store import MASK_OPACITY
from sdstudio.ui.canvas.swatch import MaskSwatch
from sdstudio.ui.controls import Heading, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

LOOKS = ("tint", "edge", "greys")
"""In the order in which the eye goes through them."""

MASK_COLOURS: tuple[tuple[str, str], ...] = (
    ("#ff2bd6", QT_TRANSLATE_NOOP("MaskLook", "Magenta")),
    ("#1e90ff", QT_TRANSLATE_NOOP("MaskLook", "Azure")),
    ("#ffd400", QT_TRANSLATE_NOOP("MaskLook", "Yellow")),
    ("#101010", QT_TRANSLATE_NOOP("MaskLook", "Black")),
)


def next_look(look: str) -> str:
    return LOOKS[(LOOKS.index(look) + 1) % len(LOOKS)]


class MaskSwatches(QWidget):
    """The colours to choose from; `chosen` carries "#rrggbb"."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, MaskSwatch] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for colour, name in MASK_COLOURS:
            button = MaskSwatch(theme, colour)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(self._words(name))
            button.setToolTip(self._words(name))
            button.clicked.connect(lambda _on=False, value=colour: self.chosen.emit(value))
            row.addWidget(button)
            self.buttons[colour] = button
        row.addStretch(1)

    def _words(self, text: str) -> str:
        return QGuiApplication.translate("MaskLook", text)

    def set_look(self, colour: str, opacity: float) -> None:
        for own, button in self.buttons.items():
            button.set_look(QColor(own), opacity)
            button.setChecked(own == colour.lower())


class MaskLookPopover(QFrame):
    """Beside the swatch of the tool strip; closes at a click elsewhere. Opacity in percent."""

    colour_chosen = Signal(str)
    opacity_chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        set_surface(self, "dock")
        self.setProperty("role", "popover")
        self.swatches = MaskSwatches(theme)
        self.opacity = ValueSlider(theme, *MASK_OPACITY, unit=self.tr("%"))
        self.opacity.slider.setFixedWidth(96)
        self.opacity.describe(self.tr("Strength of the tint in percent"), self.tr("Hatch and edge stay as they are"))
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(TextLabel(theme, self.tr("Tint"), role="label"))
        line.addWidget(self.opacity)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(Heading(theme, self.tr("Colour of the mask")))
        column.addWidget(self.swatches)
        column.addLayout(line)
        self.swatches.chosen.connect(self.colour_chosen)
        self.opacity.value_changed.connect(lambda value: self.opacity_chosen.emit(round(value)))

    def set_look(self, colour: str, percent: int) -> None:
        """Silent."""
        self.swatches.set_look(colour, percent / 100)
        self.opacity.set_value(percent)

    def open_beside(self, corner: QPoint) -> None:
        """With its lower left corner near `corner`, on the screen."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(corner) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        x = min(corner.x(), room.right() - self.width())
        y = min(max(corner.y() - self.height() // 2, room.top()), room.bottom() - self.height())
        self.move(x, y)
        self.show()
